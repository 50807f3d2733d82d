"""Who got what of which sale, and why: operators see all, everybody else their own."""

from collections.abc import Iterator, Sequence
from typing import Any

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request

from accounts.callers import actor_of
from accounts.references import AccountRefDocument, account_ref
from core.api.fields import Input, TextField
from core.api.lists import ListView
from core.ids import PUBLIC_ID_LENGTH_MAX
from distribution import selectors
from distribution.models import Allocation

STATUSES = ("pending", "released", "reversed", "held", "escrow")


class AllocationDocument(serializers.Serializer):
    id = serializers.CharField()
    order = serializers.CharField()
    line = serializers.CharField()
    role = serializers.ChoiceField(Allocation.Role.values)
    level = serializers.IntegerField(allow_null=True, help_text="Of the agent's area, or the hop to the referrer.")
    account = AccountRefDocument(allow_null=True, help_text="null while it is in escrow.")
    area = serializers.CharField(allow_null=True)
    amount = serializers.IntegerField(help_text="Minor units that are left of it.")
    original = serializers.IntegerField(help_text="Minor units before refunds.")
    currency = serializers.CharField()
    status = serializers.ChoiceField(STATUSES)
    rule_number = serializers.CharField(allow_null=True)
    plan = serializers.CharField()
    rate_bps = serializers.IntegerField(help_text="Of the pool.")
    pool = serializers.IntegerField(help_text="Minor units of the line's fee that were shared out.")
    why = serializers.CharField()
    chain = serializers.DictField(allow_null=True, help_text="Who stood behind the sale; operators see it.")
    not_paid = serializers.ListField(
        child=serializers.DictField(), allow_null=True, help_text="Who got nothing of the line, and why; for operators."
    )


class Allocations(ListView):
    """GET /api/v1/distribution/allocations"""

    csv_columns = (
        "id", "order", "line", "role", "level", "account", "area", "amount", "original", "currency", "status",
        "rule_number", "plan", "rate_bps", "pool", "why",
    )  # fmt: skip

    class Query(Input):
        order = TextField(required=False, max_length=PUBLIC_ID_LENGTH_MAX)
        account = TextField(required=False, max_length=PUBLIC_ID_LENGTH_MAX)

    @extend_schema(summary="What sales gave to whom, and why", responses=AllocationDocument(many=True))
    def get(self, request: Request) -> Any:
        asked = self.checked_query()
        acting = actor_of(request).acting
        rows = selectors.allocations(order=asked.get("order"), account=asked.get("account"), visible_to=acting)
        is_csv = request.accepted_renderer.format == "csv"
        return self.answer_list(rows, lambda page: _documents(page, whole=acting.is_staff and not is_csv, flat=is_csv))


def _documents(rows: Sequence[Allocation], *, whole: bool, flat: bool) -> Iterator[dict[str, Any]]:
    for state in selectors.states_of(rows):
        row, line = state.allocation, state.allocation.line
        account = account_ref(row.account)
        yield {
            "id": row.public_id,
            "order": row.order,
            "line": line.public_line,
            "role": row.role,
            "level": row.level,
            "account": (account or {}).get("id") if flat else account,
            "area": row.area.public_code if row.area else None,
            "amount": row.amount_minor,
            "original": row.original_minor,
            "currency": line.currency,
            "status": state.status,
            "rule_number": row.rule_number,
            "plan": line.plan.public_id,
            "rate_bps": row.rate_bps,
            "pool": line.pool_minor,
            "why": row.why,
            "chain": line.chain if whole else None,
            "not_paid": line.not_paid if whole else None,
        }


allocation_urls = [path("distribution/allocations", Allocations.as_view())]
