"""The operators' tile of payments: what providers have not said the end of yet."""

from dataclasses import dataclass

from django.conf import settings
from django.db import connection
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core.admin import list_url
from core.cockpit import BAD, GOOD, WARN, Content, Figure, Look, Tile, add_tile, shown_age, shown_count
from wallets.models import IdentityCharge, TopUp, Withdrawal

KINDS = {
    Withdrawal: gettext_lazy("Withdrawals"),
    TopUp: gettext_lazy("Top-ups"),
    IdentityCharge: gettext_lazy("Charges on providers' servers"),
}

# Each table has an index of those whose outcome is not known.
_OPEN = " UNION ALL ".join(
    f"""
    SELECT {place}, count(*), EXTRACT(epoch FROM now() - min(recorded_at)) FROM (
        SELECT recorded_at FROM {model._meta.db_table} WHERE next_query_at IS NOT NULL LIMIT %(counted)s
    ) open
    """  # noqa: S608 - tables of our own
    for place, model in enumerate(KINDS)
)


@dataclass(frozen=True, slots=True)
class Open:
    """Payments of one kind that have no outcome yet (counted to a limit), and the age of the oldest in seconds."""

    count: int
    oldest_seconds: float | None


def open_payments() -> list[Open]:
    """Return what is open of each of `KINDS`, in their order."""
    with connection.cursor() as cursor:
        cursor.execute(_OPEN, {"counted": settings.COCKPIT_COUNTED_MAX + 1})
        found = sorted(cursor.fetchall())
    return [Open(count, None if age is None else float(age)) for _place, count, age in found]


def payments(look: Look) -> Content:
    kinds = [
        (model, title, found) for (model, title), found in zip(KINDS.items(), open_payments(), strict=True) if found
    ]
    count = sum(found.count for _model, _title, found in kinds)
    oldest = max((found.oldest_seconds or 0 for _model, _title, found in kinds), default=0)
    return Content(
        headline=Figure(
            title=_("without an outcome") if count else _("Every payment has its outcome"),
            value=shown_count(count),
            tone=_tone(oldest if count else None),
        ),
        figures=[
            Figure(
                title=str(title),
                value=shown_count(found.count),
                note=_("the oldest %(age)s") % {"age": shown_age(found.oldest_seconds)} if found.count else "",
                url=list_url(model._meta.label_lower, "state=in+progress"),
                tone=_tone(found.oldest_seconds),
            )
            for model, title, found in kinds
        ],
        note=_("Providers are asked again until they say."),
    )


def _tone(seconds: float | None) -> str:
    if seconds is None:
        return GOOD
    return WARN if seconds < settings.COCKPIT_PAYMENT_LATE_SECONDS else BAD


add_tile(
    Tile(
        name="payments",
        section="road",
        place=30,
        title=gettext_lazy("Payments on their way"),
        permission="wallets.view_withdrawal",
        url=lambda: list_url("wallets.withdrawal", "state=in+progress"),
        read=payments,
        live=True,
        width="quarter",
    )
)
