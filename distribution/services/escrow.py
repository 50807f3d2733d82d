"""
Escrow: commissions of agents who are not known yet, kept until they are, or until they are nobody's for good.

An area without an agent keeps its part for the next one, where the plan says so. A store whose place waits to be
decided keeps all agents' parts; the decision counts from when the place began to wait, so the chain is as of the sale.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from core.clock import runs_when_due
from core.money import Money
from distribution.chains import Chain, PersonRef, Sale, resolve_chains
from distribution.events import EscrowReleased, escrow_released_key
from distribution.models import AgentSeat, AllocatedLine, Allocation, Placement
from distribution.plans import ESCROW, NEXT_UP, compiled_plan
from events.services import emit_all
from wallets.services import Commission, record_commissions

EscrowKey = tuple[str, int, str]  # Of one order: (part, level, ledger account).


def escrow_key_of(line: AllocatedLine, row: Allocation) -> EscrowKey:
    """What of one order is kept together: the same level of the same store, in the same ledger account."""
    assert row.level is not None
    return line.part, row.level, row.escrow


def in_escrow() -> QuerySet[Allocation]:
    """Allocations that are in escrow now, the oldest first."""
    return Allocation.objects.exclude(escrow="").filter(escrow_ended_at=None).order_by("id")


def gone_from_escrow(order: str) -> dict[EscrowKey, int]:
    """Return all that has left each escrow of an order so far: refunded, or ended."""
    rows = Allocation.objects.filter(order=order).exclude(escrow="").select_related("line")
    gone: dict[EscrowKey, int] = defaultdict(int)
    for row in rows:
        gone[escrow_key_of(row.line, row)] += row.reversed_minor if row.is_in_escrow else row.original_minor
    return gone


@transaction.atomic
def release_to_new_agent(*, area: int, agent: PersonRef, number: str, now: datetime) -> int:
    """Give what was kept for an area (by key) to its agent, by the seat of this number; return how many parts."""
    rows = _lock(in_escrow().filter(area=area)[: settings.TIMED_TRANSITIONS_BATCH_MAX])
    _end([(row, agent, number) for row in rows], now)
    return len(rows)


@transaction.atomic
def release_decided_store(*, store: str, now: datetime) -> int:
    """
    Give what was kept for a store (public id) to the agents of where it stood, as of each sale; return how many parts.

    What is still undecided stays; so does what an area without an agent keeps. The rest is the platform's.
    """
    rows = _lock(in_escrow().filter(escrow=undecided(store), area=None)[: settings.TIMED_TRANSITIONS_BATCH_MAX])
    lines = list({row.line_id: row.line for row in rows}.values())
    chains = resolve_chains(
        [Sale(store=store, seller=line.seller, buyer=line.buyer, at=line.paid_at) for line in lines]
    )
    chain_of = {line.line: chain for line, chain in zip(lines, chains, strict=True)}
    settled = [row for row in rows if not _is_waiting(chain_of[row.line_id])]
    ends = [(row, *found) for row in settled if (found := _agent_for(row, chain_of[row.line_id])) is not None]
    _end(ends, now)
    kept = [row for row in settled if row.area_id is not None and row.is_in_escrow]
    Allocation.objects.bulk_update(kept, ["area"])
    return len(ends)


def undecided(store: str) -> str:
    """The ledger account that keeps the agents' parts of a store whose place waits to be decided."""
    return f"escrow:undecided:{store}"


def _is_waiting(chain: Chain) -> bool:
    return chain.placement is not None and chain.placement.waiting


def _agent_for(row: Allocation, chain: Chain) -> tuple[PersonRef | None, str | None] | None:
    """
    Who gets a part now that the place is decided, with the seat's number; nobody means the platform.

    None where it goes on waiting, for the area's next agent: the row then says for which area.
    """
    seats = {link.level: link for link in chain.agents}
    seat = seats.get(row.level or 0)
    if seat is None:
        return None, None
    row.area_id = seat.area.id
    if seat.account is not None:
        return seat.account, seat.rule_number
    vacancy = compiled_plan(row.line.plan_id).vacancy
    if vacancy == ESCROW:
        return None
    above = [seats[level] for level in sorted(seats, reverse=True) if level < seat.level and seats[level].account]
    if vacancy == NEXT_UP and above:
        return above[0].account, above[0].rule_number
    return None, None


@runs_when_due(
    "escrow",
    if_any="SELECT FROM distribution_allocation WHERE escrow <> '' AND escrow_ended_at IS NULL",
)
def settle_escrow(now: datetime) -> int:
    """
    Give what is kept to whoever is known by now, and what was kept for too long to the platform; return how many.

    Areas, stores and parts are each taken a bounded number at a time.
    """
    seated = _areas_with_agents(now)
    decided = _decided_stores()
    given = sum(release_to_new_agent(area=area, agent=agent, number=number, now=now) for area, agent, number in seated)
    given += sum(release_decided_store(store=store, now=now) for store in decided)
    return given + _give_up_old(now)


def _areas_with_agents(now: datetime) -> list[tuple[int, PersonRef, str]]:
    """Areas for which something is kept and which have an agent now."""
    seats = AgentSeat.objects.filter(from_at__lte=now).exclude(until_at__lte=now).select_related("account")
    waited_for = seats.filter(Exists(in_escrow().filter(area=OuterRef("area"))))
    return [
        (seat.area_id, PersonRef(seat.account_id, seat.account.public_id, seat.account.name), seat.rule_number)
        for seat in waited_for.order_by("id")[: settings.TIMED_TRANSITIONS_BATCH_MAX]
    ]


def _decided_stores() -> list[str]:
    """Stores for which something is kept that no longer waits to be decided as of the sale."""
    stood = Placement.objects.filter(store__public_id=OuterRef("line__store"), from_at__lte=OuterRef("line__paid_at"))
    stood = stood.exclude(until_at__lte=OuterRef("line__paid_at")).filter(is_waiting=False)
    rows = in_escrow().filter(Exists(stood), area=None)
    return list(dict.fromkeys(rows.values_list("line__store", flat=True)[: settings.TIMED_TRANSITIONS_BATCH_MAX]))


@transaction.atomic
def _give_up_old(now: datetime) -> int:
    old = in_escrow().filter(line__paid_at__lte=now - settings.ESCROW_PERIOD)
    rows = _lock(old[: settings.TIMED_TRANSITIONS_BATCH_MAX])
    _end([(row, None, None) for row in rows], now)
    return len(rows)


def _lock(rows: QuerySet[Allocation]) -> list[Allocation]:
    """Lines before their parts, as refunds do; then look again at what is still in escrow."""
    keys = list(rows.values_list("id", "line_id"))
    lines = {line for _key, line in keys}
    locked = AllocatedLine.objects.select_for_update(no_key=True).filter(line__in=lines).order_by("line")
    by_key = {line.line: line for line in locked}
    found = list(in_escrow().filter(id__in=[key for key, _line in keys]))
    for row in found:
        row.line = by_key[row.line_id]
    return found


Ends = Sequence[tuple[Allocation, PersonRef | None, str | None]]


def _end(ends: Ends, now: datetime) -> None:
    """End the escrow of parts: each goes to an account, or with none to the platform. Their lines are locked."""
    if not ends:
        return
    gone = {order: gone_from_escrow(order) for order in {row.order for row, _owner, _number in ends}}
    events, commissions = [], []
    for of_one in _alike(ends).values():
        row, owner, _number = of_one[0]
        key = escrow_key_of(row.line, row)
        minor = sum(row.amount_minor for row, _owner, _number in of_one)
        gone[row.order][key] += minor
        if minor:
            events.append(_released(row, owner, minor, gone[row.order][key]))
            commissions += [_commission(row, owner, minor, now)] if owner else []
        for row, owner_, number in of_one:
            _write_end(row, owner_, number, gone[row.order][key], now)
    rows = [row for row, _owner, _number in ends]
    Allocation.objects.bulk_update(
        rows, ["account", "area", "rule_number", "earning_part", "escrow_ended_at", "credited_by"]
    )
    record_commissions(commissions)
    emit_all(events, occurred_at=now)


def _alike(ends: Ends) -> Mapping[tuple[str, EscrowKey, int | None], list[tuple]]:
    """What goes from one escrow of one order to one account: one event."""
    alike: dict[tuple[str, EscrowKey, int | None], list[tuple]] = defaultdict(list)
    for row, owner, number in ends:
        alike[row.order, escrow_key_of(row.line, row), owner.id if owner else None].append((row, owner, number))
    return alike


def _released(row: Allocation, owner: PersonRef | None, minor: int, gone_minor: int) -> EscrowReleased:
    line = row.line
    return EscrowReleased(
        order=row.order,
        part=line.part or None,
        level=row.level or 0,
        escrow=row.escrow,
        owner=owner.public_id if owner else None,
        to_owner_minor=minor if owner else 0,
        to_platform_minor=0 if owner else minor,
        gone_minor=gone_minor,
        currency=line.currency,
        channel=line.channel or None,
        institution=line.institution or None,
    )


def _commission(row: Allocation, owner: PersonRef, minor: int, now: datetime) -> Commission:
    """Of its own, beside what the owner may have of the order already: that may be released by now."""
    line = row.line
    return Commission(
        order=row.order,
        owner_id=owner.id,
        role=row.role,
        part=_earning_part(row),
        amount=Money(minor, line.currency),
        channel=line.channel,
        institution=line.institution,
        earned_at=now,
        releases_at=max(line.releases_at, now) if line.releases_at else None,
        why=row.why,
    )


def _earning_part(row: Allocation) -> str:
    return f"{row.line.part}:{row.level}"


def _write_end(row: Allocation, owner: PersonRef | None, number: str | None, gone_minor: int, now: datetime) -> None:
    row.escrow_ended_at = now
    if owner is None:
        return
    row.account_id, row.rule_number, row.earning_part = owner.id, number, _earning_part(row)
    row.credited_by = escrow_released_key(
        order=row.order, part=row.line.part, level=row.level or 0, gone_minor=gone_minor
    )
