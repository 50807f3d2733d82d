"""
Commissions: earnings that hang on somebody else's sale.

They are pending, released and owed back like a seller's earnings; their own events move them, since the
money comes out of the platform's fee and returns to it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import Q

from core.copying import copy_rows
from core.money import Money
from events.services import emit_all
from ledger import codes
from ledger.holds import hold_up_to
from wallets.events import CommissionReversed
from wallets.models import Earning
from wallets.services.debts import open_debt
from wallets.services.unbooked import note_unbooked_change

COMMISSION, PENDING = str(Earning.Kind.COMMISSION), str(Earning.Status.PENDING)

_SCHEDULE = """
UPDATE wallets_earning earning SET releases_at = due.at
FROM unnest(%s::text[], %s::timestamptz[]) AS due("order", at)
WHERE earning."order" = due."order" AND earning.kind = 'commission' AND earning.status = 'pending'
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Commission:
    """What one account gets of one order in one role; `part` tells several of one role apart."""

    order: str
    owner_id: int
    role: str
    part: str
    amount: Money
    channel: str
    institution: str
    earned_at: datetime
    releases_at: datetime | None
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenBack:
    """What a refund takes back of one commission; `undoes` is the key of the event that credited it."""

    owner_id: int
    role: str
    part: str
    minor: int
    undoes: str


def record_commissions(commissions: Iterable[Commission]) -> None:
    """Record commissions, in the transaction that emits the events that book them; one statement."""
    copy_rows(Earning._meta.db_table, COLUMNS, map(_row, commissions))


COLUMNS = (
    "order", "owner_id", "kind", "role", "part", "currency", "channel", "institution", "original_minor",
    "reversed_minor", "clawed_back_minor", "released_minor", "status", "earned_at", "releases_at", "why",
)  # fmt: skip


def _row(commission: Commission) -> Sequence[Any]:
    return (
        commission.order, commission.owner_id, COMMISSION, commission.role, commission.part, commission.amount.currency,
        commission.channel, commission.institution, commission.amount.minor, 0, 0, 0, PENDING, commission.earned_at,
        commission.releases_at, commission.why,
    )  # fmt: skip


def schedule_commissions(due: Mapping[str, datetime]) -> None:
    """Say when the pending commissions of orders go to their wallets; one statement, a repeat moves the time."""
    with connection.cursor() as cursor:
        cursor.execute(_SCHEDULE, [list(due), list(due.values())])


def take_back_commissions(*, order: str, steps: Sequence[TakenBack], now: datetime) -> None:
    """
    Take parts of an order's commissions back for a refund, and say so in one event for each.

    What is pending shrinks; what was released comes out of the wallet as far as it goes, and the rest is
    owed from now on. Not to be repeated: each call takes more.
    """
    wanted = {(step.owner_id, step.role, step.part): step for step in steps if step.minor}
    if not wanted:
        return
    # Lock, then look: a release of the same commission is either before this, or after it and smaller.
    locked = Earning.objects.select_for_update(no_key=True, of=("self",)).select_related("owner")
    which = Q(*(Q(owner_id=owner, role=role, part=part) for owner, role, part in wanted), _connector=Q.OR)
    of_order = locked.filter(which, order=order, kind=Earning.Kind.COMMISSION).order_by("releases_at", "id")
    taken = [(earning, wanted[earning.owner_id, earning.role, earning.part]) for earning in of_order]
    for earning, step in taken:
        _shrink(earning, step.minor)
    Earning.objects.bulk_update(
        [earning for earning, _step in taken], ["reversed_minor", "clawed_back_minor", "status"]
    )
    reversals = [_reversal(earning, step) for earning, step in taken]
    emitted = emit_all(reversals, occurred_at=now)
    for (earning, _step), reversal, event in zip(taken, reversals, emitted, strict=True):
        _owe(earning, reversal, event.id, now)


def _shrink(earning: Earning, minor: int) -> None:
    earning.reversed_minor += minor
    if earning.released_at is not None:
        earning.clawed_back_minor += minor
    if earning.amount_minor == 0:
        earning.status = Earning.Status.REVERSED


def _reversal(earning: Earning, step: TakenBack) -> CommissionReversed:
    """Decide, under the lock of the owner's wallet, where the money comes from."""
    event = CommissionReversed(
        order=earning.order,
        role=earning.role,
        part=earning.part or None,
        owner=earning.owner.public_id,
        from_pending_minor=step.minor,
        from_wallet_minor=0,
        to_debt_minor=0,
        currency=earning.currency,
        channel=earning.channel or None,
        institution=earning.institution or None,
        undoes=step.undoes,
        holds=[],
        reversed_minor=earning.reversed_minor,
    )
    if earning.released_at is None:
        return event
    amount = Money(step.minor, earning.currency)
    hold_id, from_wallet_minor = hold_up_to(code=codes.wallet(event.owner), amount=amount, key=event.key)
    return replace(
        event,
        from_pending_minor=0,
        from_wallet_minor=from_wallet_minor,
        to_debt_minor=step.minor - from_wallet_minor,
        holds=[hold_id] if hold_id is not None else [],
    )


def _owe(earning: Earning, reversal: CommissionReversed, event_id: int, now: datetime) -> None:
    """Note what leaves the wallet, and what its owner owes from now on."""
    if reversal.from_wallet_minor:
        taken = Money(-reversal.from_wallet_minor, reversal.currency)
        note_unbooked_change(event_id=event_id, owner_id=earning.owner_id, amount=taken)
    owed = Money(reversal.to_debt_minor, reversal.currency)
    open_debt(owner_id=earning.owner_id, owed=owed, subject=earning.order, event_id=event_id, now=now)
