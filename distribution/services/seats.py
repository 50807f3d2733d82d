"""Agents: appointed to an area, replaced, ended; one row begins or ends, whatever the number of stores."""

from datetime import datetime

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F, Q, QuerySet

from accounts.actor import Actor
from accounts.models import Account
from accounts.services import hold_open
from core.errors import NotFound
from distribution.errors import AccountClosed, AreaUnknown, FromTooEarly, OperatorAsAgent, SeatEnded, SeatTaken
from distribution.models import AgentSeat, Area
from distribution.people_events import AgentAppointed, AgentEnded
from distribution.rule_numbers import NodeKind, new_rule_number
from events.services import emit

_SHARED_OUT_SINCE = """
WITH RECURSIVE below AS (
    SELECT %(area)s::bigint AS id
    UNION ALL
    SELECT area.id FROM below JOIN distribution_area area ON area.parent_id = below.id
)
SELECT EXISTS (
    SELECT 1 FROM distribution_allocatedline line
    JOIN catalog_store store ON store.public_id = line.store
    JOIN distribution_placement p ON p.store_id = store.id
         AND p.from_at <= line.paid_at AND (p.until_at IS NULL OR p.until_at > line.paid_at)
    JOIN below ON below.id = p.area_id
    WHERE line.paid_at >= %(since)s
)
"""


@transaction.atomic
def appoint_agent(
    *, area: Area, account: Account, from_at: datetime | None = None, actor: Actor, now: datetime
) -> AgentSeat:
    """
    Make an account the agent of an area, from now on or from a moment that may lie ahead.

    :raises OperatorAsAgent: the account is an operator's.
    :raises AccountClosed: it is closed or shut out.
    :raises AreaUnknown: the area is in force no more.
    :raises FromTooEarly: the moment lies too far back.
    :raises SeatTaken: the area has an agent then, or from some later moment on.
    """
    begins_at = from_at or now
    _hold_fit(account)
    locked = _lock_area(area.pk)
    _ensure_not_too_early(locked, account, begins_at, now)
    if _overlapping(locked, begins_at).exists():
        raise SeatTaken
    seat = _begin(locked, account, begins_at, actor, now)
    emit(_appointed(seat), occurred_at=now)
    return seat


@transaction.atomic
def replace_agent(
    *, seat: str, account: Account, from_at: datetime | None = None, actor: Actor, now: datetime
) -> AgentSeat:
    """
    Let another account take a seat over (public id), now or at a moment that may lie ahead; return its new seat.

    One seat ends at the instant at which the other begins: no sale falls between them.

    :raises NotFound: there is no such seat.
    :raises OperatorAsAgent: the account is an operator's.
    :raises AccountClosed: it is closed or shut out.
    :raises SeatEnded: there is nobody left to replace at that moment.
    :raises FromTooEarly: the moment lies too far back, or before the seat begins.
    :raises SeatTaken: the account holds the seat itself, or somebody else will from some later moment on.
    """
    begins_at = from_at or now
    area_id = _seat(seat).area_id
    _hold_fit(account)
    area = _lock_area(area_id)
    leaving = _seat(seat)
    if leaving.until_at is not None and leaving.until_at <= max(begins_at, now):
        raise SeatEnded
    _ensure_not_too_early(area, account, begins_at, now)
    if begins_at < leaving.from_at:
        raise FromTooEarly("The seat itself begins later.")
    if leaving.account_id == account.pk or _overlapping(area, begins_at).exclude(pk=leaving.pk).exists():
        raise SeatTaken
    _end(leaving, begins_at, actor.login, now)
    taken = _begin(area, account, begins_at, actor, now)
    emit(_ended(leaving, replaced_by=taken.public_id), occurred_at=now)
    emit(_appointed(taken, replaces=leaving.public_id), occurred_at=now)
    return taken


@transaction.atomic
def end_agent(*, seat: str, actor: Actor, now: datetime) -> AgentSeat:
    """
    End a seat (public id) now; one that has yet to begin never does. The area is vacant until somebody is appointed.

    :raises NotFound: there is no such seat.
    :raises SeatEnded: it has ended.
    """
    _lock_seats_of(_seat(seat).area_id)
    ending = _seat(seat)
    if not is_living(ending, now):
        raise SeatEnded
    _end_now(ending, actor.login, now)
    return ending


@transaction.atomic
def end_seats_of(*, account: Account, now: datetime) -> int:
    """End every seat of an account that has closed, as of then; return how many. Doing it twice ends none."""
    held = AgentSeat.objects.filter(living(now), account=account)
    areas = Area.objects.select_for_update(no_key=True, of=("self",)).filter(pk__in=held.values("area_id"))
    list(areas.order_by("pk"))
    seats = list(held.select_related("area", "account").order_by("pk"))
    for seat in seats:
        _end_now(seat, None, now)
    return len(seats)


def living(now: datetime) -> Q:
    """The seats that are held now or will be."""
    return Q(until_at=None) | (Q(until_at__gt=now) & Q(until_at__gt=F("from_at")))


def is_living(seat: AgentSeat, now: datetime) -> bool:
    """Whether a seat is held now or will be."""
    return seat.until_at is None or (seat.until_at > now and seat.until_at > seat.from_at)


def _hold_fit(account: Account) -> None:
    if account.is_staff:
        raise OperatorAsAgent
    if not hold_open([account.pk]):  # Whoever closes it ends its seats, also one that begins this moment.
        raise AccountClosed


def _lock_seats_of(area_id: int) -> Area:
    """Whoever begins or ends a seat of the area waits here for whoever does."""
    return Area.objects.select_for_update(no_key=True).get(pk=area_id)


def _lock_area(area_id: int) -> Area:
    area = _lock_seats_of(area_id)
    if area.retired_at is not None:
        raise AreaUnknown
    return area


def _seat(public_id: str) -> AgentSeat:
    seat = AgentSeat.objects.select_related("area", "account").filter(public_id=public_id).first()
    if seat is None:
        raise NotFound
    return seat


def _ensure_not_too_early(area: Area, account: Account, begins_at: datetime, now: datetime) -> None:
    """What was sold is shared out by who was there then: nobody is put there afterwards."""
    if begins_at >= now:
        return
    if begins_at < account.created_at:
        raise FromTooEarly("The account did not exist then.")
    if begins_at < now - settings.AGENT_BACKDATING_MAX:
        raise FromTooEarly(f"At most {settings.AGENT_BACKDATING_MAX.days} days back.")
    with connection.cursor() as cursor:
        cursor.execute(_SHARED_OUT_SINCE, {"area": area.pk, "since": begins_at})
        if cursor.fetchone()[0]:
            raise FromTooEarly("Sales in the area have been shared out since then.")


def _overlapping(area: Area, begins_at: datetime) -> QuerySet[AgentSeat]:
    """The seats of the area that last beyond a moment."""
    return AgentSeat.objects.filter(living(begins_at), area=area)


def _begin(area: Area, account: Account, begins_at: datetime, actor: Actor, now: datetime) -> AgentSeat:
    last = AgentSeat.objects.filter(area=area).order_by("-id").values_list("rule_number", flat=True).first()
    number = new_rule_number(
        NodeKind.AGENT,
        serial=area.pk,
        scheme=area.scheme_id,
        code=area.code,
        level=area.level,
        previous=last or "",
    )
    return AgentSeat.objects.create(
        area=area,
        account=account,
        rule_number=number,
        from_at=begins_at,
        appointed_by=actor.login,
        appointed_at=now,
    )


def _end_now(seat: AgentSeat, by: Account | None, now: datetime) -> None:
    _end(seat, max(now, seat.from_at), by, now)
    emit(_ended(seat), occurred_at=now)


def _end(seat: AgentSeat, until_at: datetime, by: Account | None, now: datetime) -> None:
    seat.until_at, seat.ended_by, seat.ended_at = until_at, by, now
    seat.save(update_fields=["until_at", "ended_by", "ended_at"])


def _appointed(seat: AgentSeat, *, replaces: str | None = None) -> AgentAppointed:
    return AgentAppointed(
        seat=seat.public_id,
        area=seat.area.public_code,
        account=seat.account.public_id,
        rule_number=seat.rule_number,
        from_at=seat.from_at.isoformat(),
        replaces=replaces,
    )


def _ended(seat: AgentSeat, *, replaced_by: str | None = None) -> AgentEnded:
    return AgentEnded(
        seat=seat.public_id,
        area=seat.area.public_code,
        account=seat.account.public_id,
        rule_number=seat.rule_number,
        until_at=(seat.until_at or seat.from_at).isoformat(),
        replaced_by=replaced_by,
    )
