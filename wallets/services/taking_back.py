"""Taking a part of an earning back: what is pending shrinks, what was released comes out of the wallet or is owed."""

from dataclasses import dataclass
from datetime import datetime

from core.money import Money
from ledger import codes
from ledger.holds import hold_up_to
from wallets.models import Earning
from wallets.services.debts import open_debt
from wallets.services.unbooked import note_unbooked_change


@dataclass(frozen=True, slots=True)
class TakenFrom:
    """Where a part that is taken back comes from; the three amounts are the part."""

    from_pending_minor: int
    from_wallet_minor: int
    to_debt_minor: int
    holds: list[int]


def shrink(earning: Earning, minor: int) -> None:
    """Note in a locked earning that a part of it is gone; who saves it is the caller's business."""
    earning.reversed_minor += minor
    if earning.released_at is not None:
        earning.clawed_back_minor += minor
    if earning.amount_minor == 0:
        earning.status = Earning.Status.REVERSED


SHRUNK = ("reversed_minor", "clawed_back_minor", "status")


def take_from(earning: Earning, minor: int, *, key: str) -> TakenFrom:
    """Decide, under the lock of the owner's wallet, where a part comes from. `key`: the event's that will say so."""
    if earning.released_at is None:
        return TakenFrom(minor, 0, 0, [])
    amount = Money(minor, earning.currency)
    hold_id, from_wallet_minor = hold_up_to(code=codes.wallet(earning.owner.public_id), amount=amount, key=key)
    holds = [hold_id] if hold_id is not None else []
    return TakenFrom(0, from_wallet_minor, minor - from_wallet_minor, holds)


def owe(earning: Earning, taken: TakenFrom, *, event_id: int, now: datetime) -> None:
    """Note what leaves the wallet, and what its owner owes from now on, once the event is recorded."""
    gone = Money(-taken.from_wallet_minor, earning.currency)
    note_unbooked_change(event_id=event_id, owner_id=earning.owner_id, amount=gone)
    owed = Money(taken.to_debt_minor, earning.currency)
    open_debt(owner_id=earning.owner_id, owed=owed, subject=earning.order, event_id=event_id, now=now)
