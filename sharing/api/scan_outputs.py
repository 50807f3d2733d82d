"""Bodies and answers of what concerns scans."""

from collections.abc import Iterator, Sequence
from typing import Any

from django.conf import settings
from drf_spectacular.utils import OpenApiExample
from rest_framework import serializers

from core.api.fields import FlagField, Input, TextField
from core.ids import PUBLIC_ID_LENGTH_MAX
from sharing.models import ScanClaim, ScanClass, Share
from sharing.reports import BY_DAY, BY_ITEM, BY_SHARER, BY_STORE, Earned, Row, Scans
from sharing.tokens import TOKEN_LENGTH_MAX

CLAIM = OpenApiExample(
    "From the activity page's address",
    {"scan": "AAAAAAAAAABNAAAAAAAAAAEABmDcN3jQACmGYq2FZPGZEWzfNe-DqwM"},
    request_only=True,
)
CSV_COLUMNS = (
    "of", "name", "human", "bot", "preview", "self", "visitors", "orders", "pending", "released", "reversed", "held",
    "currency",
)  # fmt: skip


class ClaimInput(Input):
    scan = TextField(max_length=TOKEN_LENGTH_MAX)


class ReclassifyInput(Input):
    apply = FlagField(required=False, help_text="Change it; without, only say what would change.")


class ClaimDocument(serializers.Serializer):
    scan = serializers.CharField()
    item = serializers.CharField()
    scanned_at = serializers.DateTimeField()
    claimed_at = serializers.DateTimeField(help_text="When the account first used the token.")

    def get_fields(self) -> dict[str, Any]:
        """`class` is no name that Python lets anybody write down here."""
        return {**super().get_fields(), "class": serializers.ChoiceField(ScanClass.values)}


class ScansDocument(serializers.Serializer):
    human = serializers.IntegerField()
    bot = serializers.IntegerField()
    preview = serializers.IntegerField(help_text="Of links that were fetched to be shown, or ahead.")
    self = serializers.IntegerField(help_text="Human ones that the sharer has claimed.")


class StatesDocument(serializers.Serializer):
    pending = serializers.IntegerField(help_text="Minor units of paid orders, released in their time.")
    released = serializers.IntegerField()
    reversed = serializers.IntegerField(help_text="What refunds took, and what was rejected.")
    held = serializers.IntegerField(help_text="Waits for an operator or its time.")


class BroughtEarningsDocument(StatesDocument):
    currency = serializers.CharField()


class RowDocument(serializers.Serializer):
    of = serializers.CharField(allow_null=True, help_text="A day (UTC) or a public id; null: of no store.")
    name = serializers.CharField(allow_null=True)
    scans = ScansDocument()
    visitors = serializers.IntegerField(help_text="Human scans that are no repeats within the hour.")
    orders = serializers.IntegerField(help_text="Paid ones.")
    earned = BroughtEarningsDocument(many=True, help_text="By currency.")


class ReportDocument(serializers.Serializer):
    scans = ScansDocument()
    visitors = serializers.IntegerField(help_text="Human scans that are no repeats within the hour.")
    orders = serializers.IntegerField(help_text="Paid ones.")
    rows = RowDocument(many=True, required=False, help_text="With `?by=`: the first so many; as CSV all.")


class ShareReportDocument(ReportDocument):
    earned = StatesDocument()
    currency = serializers.CharField()


class SumReportDocument(ReportDocument):
    earned = BroughtEarningsDocument(many=True, help_text="By currency.")


class ShareReportQuery(Input):
    by = serializers.ChoiceField([BY_DAY, BY_STORE], required=False, help_text="Rows for each; CSV by day otherwise.")


class ItemReportQuery(Input):
    by = serializers.ChoiceField([BY_DAY, BY_STORE, BY_SHARER], required=False)


class SharerReportQuery(Input):
    account = TextField(max_length=PUBLIC_ID_LENGTH_MAX, required=False, help_text="Whose; the own one where absent.")
    by = serializers.ChoiceField([BY_DAY, BY_STORE, BY_ITEM], required=False)


def claim_document(claim: ScanClaim) -> dict[str, Any]:
    """What its customer may know of it; whose share it was is not said."""
    return {
        "scan": claim.public_id,
        "item": claim.item.public_id,
        "class": claim.scan_class,
        "scanned_at": claim.scanned_at,
        "claimed_at": claim.claimed_at,
    }


def share_report_document(share: Share, row: Row) -> dict[str, Any]:
    """A share's lines are all in the currency of its program."""
    currency = share.program.currency
    (earned,) = row.earned or [Earned(currency)]
    return {**_counts(row), "earned": _states(earned), "currency": currency}


def sum_report_document(row: Row) -> dict[str, Any]:
    return {**_counts(row), "earned": [_earned(earned) for earned in row.earned]}


def row_documents(rows: Sequence[Row]) -> list[dict[str, Any]]:
    return [
        {"of": row.of, "name": row.name, **sum_report_document(row)} for row in rows[: settings.SHARE_REPORT_ROWS_MAX]
    ]


def flat_rows(rows: Sequence[Row]) -> Iterator[dict[str, Any]]:
    """Each row as often as it has currencies, its counts in the first of them."""
    for row in rows:
        counts = {**_scans(row.scans), "visitors": row.scans.visitors, "orders": row.orders}
        of = {"of": row.of, "name": row.name}
        currencies = [_earned(earned) for earned in row.earned] or [{}]
        for earned in currencies:
            yield {**of, **counts, **earned}
            counts = {}


def _counts(row: Row) -> dict[str, Any]:
    return {"scans": _scans(row.scans), "visitors": row.scans.visitors, "orders": row.orders}


def _scans(scans: Scans) -> dict[str, int]:
    return {"human": scans.human, "bot": scans.bot, "preview": scans.preview, "self": scans.by_sharer}


def _earned(earned: Earned) -> dict[str, Any]:
    return {**_states(earned), "currency": earned.currency}


def _states(earned: Earned) -> dict[str, int]:
    return {
        "pending": earned.pending_minor,
        "released": earned.released_minor,
        "reversed": earned.reversed_minor,
        "held": earned.held_minor,
    }
