"""
The seam to the rows of debts, which a higher room keeps.

What a correction cannot take from a wallet is owed. In the book that is a leg to `debt:` of the owner,
decided here; as a business row it is `wallets`', which registers how to write it when Django starts.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Protocol

from core.money import Money

OwnerAndCurrency = tuple[str, str]


class DebtRows(Protocol):
    """Who keeps the rows of debts. Owners are public ids."""

    def lock(self, owners: Collection[str]) -> Mapping[OwnerAndCurrency, int]:
        """Lock the owners' open debts, in the room's own order, and return what they owe by owner and currency."""

    def owe_more(self, *, owner: str, owed: Money, subject: str, event_id: int, now: datetime) -> None:
        """Note what an owner owes from now on, in the transaction of the event that books it."""

    def owe_less(self, *, owner: str, settled: Money, event_id: int, now: datetime) -> None:
        """Settle what an owner owes no more, oldest first; never more than `lock` has said."""


_rows: list[DebtRows] = []


def register_debt_rows(rows: DebtRows) -> None:
    """Say who keeps the rows of debts; there is one such room."""
    _rows[:] = [rows]


def debt_rows() -> DebtRows:
    return _rows[0]
