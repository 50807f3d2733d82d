"""The terms of a program as values: what a seller asks for, and what a version and its shares say."""

from dataclasses import dataclass

from core.money import Money
from sharing.models import ShareProgram


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramTerms:
    """
    What a seller gives to those who bring customers to an item: `rate_bps` of the line, or `amount` per unit sold.

    `window_days`: an order finds scans that are at most so old. `lock_days`: so long after an order the same sharer
    has the buyer's further ones. `budget`: what the item's shares may cost in all. `hosts`: normalised, sorted.
    """

    rate_bps: int | None = None
    amount: Money | None = None
    window_days: int
    model: str
    lock_days: int | None = None
    budget: Money | None = None
    hosts: tuple[str, ...] = ()

    @property
    def currencies(self) -> set[str]:
        """Those of its amounts."""
        return {money.currency for money in (self.amount, self.budget) if money is not None}


def terms_of(program: ShareProgram) -> ProgramTerms:
    """Return the terms that a version has had since it began."""
    budget = None if program.budget_minor is None else Money(program.budget_minor, program.currency)
    return ProgramTerms(
        rate_bps=program.rate_bps,
        amount=program.amount,
        window_days=program.window_days,
        model=program.model,
        lock_days=program.lock_days,
        budget=budget,
        hosts=tuple(program.hosts),
    )
