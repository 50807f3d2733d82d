"""The operators' tile of the trial balance: all debits and all credits are the same, or the book is broken."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from django.core.cache import cache
from django.db.models import Sum
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from core.admin import list_url, shown_money
from core.cockpit import BAD, GOOD, Content, Figure, Look, Tile, add_tile
from ledger.models import LedgerAccount

TRIAL = "billing trial balance"
TRIAL_KEPT_SECONDS = 300  # Summing a million accounts takes a while.


@dataclass(frozen=True, slots=True)
class Trial:
    """Debits less credits of all accounts, by currency, as of a moment."""

    differences: Mapping[str, int]
    as_of: datetime


def trial() -> Trial:
    """Return the trial balance, at most TRIAL_KEPT_SECONDS old."""
    kept: Trial | None = cache.get(TRIAL)
    if kept is None:
        kept = Trial(_differences(), timezone.now())
        cache.set(TRIAL, kept, TRIAL_KEPT_SECONDS)
    return kept


def _differences() -> dict[str, int]:
    sums = LedgerAccount.objects.values("currency").annotate(debits=Sum("debits_minor"), credits=Sum("credits_minor"))
    return {row["currency"]: row["debits"] - row["credits"] for row in sums.order_by("currency")}


def trial_balance(look: Look) -> Content:
    found = trial()
    off = {currency: minor for currency, minor in found.differences.items() if minor}
    currencies = len(found.differences)
    return Content(
        headline=Figure(
            title=_("debits less credits"),
            value=_("broken") if off else "0",
            tone=BAD if off else GOOD,
        ),
        figures=[
            Figure(title=currency, value=shown_money(minor, currency), tone=BAD if minor else GOOD)
            for currency, minor in found.differences.items()
        ],
        note=ngettext(
            "All accounts in %(count)s currency, at %(at)s UTC.",
            "All accounts in %(count)s currencies, at %(at)s UTC.",
            currencies,
        )
        % {"count": currencies, "at": f"{found.as_of.astimezone(UTC):%H:%M:%S}"},
    )


add_tile(
    Tile(
        name="trial",
        section="books",
        place=30,
        title=gettext_lazy("Trial balance"),
        permission="ledger.view_ledgeraccount",
        url=lambda: list_url("ledger.ledgeraccount"),
        read=trial_balance,
    )
)
