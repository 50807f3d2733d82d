"""What an account earned of sales, by state, role and month: sums of what `/earnings` lists."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date
from typing import Any

from django.db.models import Count, F, Q, QuerySet, Sum
from django.db.models.functions import TruncMonth

from accounts.models import Account
from wallets.models import Earning
from wallets.selectors import earnings_of

Status = Earning.Status

_LEFT = F("original_minor") - F("reversed_minor")
_BY_STATE: dict[str, Any] = {
    **{f"{status}_minor": Sum(_LEFT, filter=Q(status=status), default=0) for status in ("pending", "held", "released")},
    "reversed_minor_": Sum("reversed_minor", default=0),
    "count": Count("id"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class EarningSums:
    """
    Parts of sales in one currency, in minor units: what is left of them by state, and what refunds took of all.

    `role` and `month` (its first day, UTC) where sums are asked for by these.
    """

    currency: str
    role: str = ""
    month: date | None = None
    pending_minor: int
    held_minor: int
    released_minor: int
    reversed_minor: int
    count: int

    @property
    def left_minor(self) -> int:
        return self.pending_minor + self.held_minor + self.released_minor


def earning_sums(*, visible_to: Account) -> list[EarningSums]:
    """Return what an account's parts of sales come to, by currency and role; one statement."""
    sums: QuerySet[Any, Any] = earnings_of(visible_to=visible_to).values("currency", "role").annotate(**_BY_STATE)
    return [_sums(row) for row in sums.order_by("currency", "role")]


def earnings_by_month(*, visible_to: Account, role: str | None = None) -> list[EarningSums]:
    """Return what an account earned in which month (when orders were paid), oldest first; one statement."""
    own = earnings_of(visible_to=visible_to)
    if role is not None:
        own = own.filter(role=role)
    sums = own.annotate(month=TruncMonth("earned_at", tzinfo=UTC)).values("currency", "month").annotate(**_BY_STATE)
    return [_sums({**row, "month": row["month"].date()}) for row in sums.order_by("month", "currency")]


def _sums(row: dict[str, Any]) -> EarningSums:
    return EarningSums(reversed_minor=row.pop("reversed_minor_"), **row)


def by_currency(sums: Sequence[EarningSums]) -> list[EarningSums]:
    """Add up the sums of all roles (or months), for each currency."""
    states = ("pending_minor", "held_minor", "released_minor", "reversed_minor", "count")
    return [
        EarningSums(
            currency=currency,
            **{state: sum(getattr(row, state) for row in sums if row.currency == currency) for state in states},
        )
        for currency in sorted({row.currency for row in sums})
    ]
