"""
Commissions: earnings that hang on somebody else's sale.

They are pending, released and owed back like a seller's earnings; their own events move them, since the
money comes out of the platform's fee and returns to it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import Q

from core.copying import copy_rows
from core.money import Money
from events.services import emit_all
from wallets.events import CommissionReversed, commission_reversed_key
from wallets.models import Earning
from wallets.services.taking_back import SHRUNK, TakenFrom, owe, shrink, take_from

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
    copy_rows(Earning._meta.db_table, COLUMNS, map(_row, commissions), same=FRESH)


COLUMNS = (
    "order", "owner_id", "role", "part", "currency", "channel", "institution", "original_minor", "earned_at",
    "releases_at", "why",
)  # fmt: skip
FRESH = {
    "kind": COMMISSION, "status": PENDING, "reversed_minor": 0, "clawed_back_minor": 0, "released_minor": 0,
}  # fmt: skip


def _row(commission: Commission) -> tuple[Any, ...]:
    return (
        commission.order, commission.owner_id, commission.role, commission.part, commission.amount.currency,
        commission.channel, commission.institution, commission.amount.minor, commission.earned_at,
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
        shrink(earning, step.minor)
    Earning.objects.bulk_update([earning for earning, _step in taken], SHRUNK)
    reversals = [_reversal(earning, step) for earning, step in taken]
    emitted = emit_all([reversal for reversal, _from in reversals], occurred_at=now)
    for (earning, _step), (_reversed, taken_from), event in zip(taken, reversals, emitted, strict=True):
        owe(earning, taken_from, event_id=event.id, now=now)


def _reversal(earning: Earning, step: TakenBack) -> tuple[CommissionReversed, TakenFrom]:
    whose: dict[str, Any] = {
        "order": earning.order,
        "role": earning.role,
        "part": earning.part or None,
        "owner": earning.owner.public_id,
        "reversed_minor": earning.reversed_minor,
    }
    taken = take_from(earning, step.minor, key=commission_reversed_key(**whose))
    event = CommissionReversed(
        **whose,
        **asdict(taken),
        currency=earning.currency,
        channel=earning.channel or None,
        institution=earning.institution or None,
        undoes=step.undoes,
    )
    return event, taken
