"""
The forest of people as the writers of places see it: who stands where, and who stands above.

An account without a place gets one when it is first needed, from its registration. That is read from the recorded
event, so the forest is the same in whatever order registrations are heard.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection
from django.db.models import Min, Q

from accounts.models import Account
from distribution.models import Referral
from distribution.people_events import ReferralBound, ReferralMoved
from distribution.rule_numbers import NodeKind, new_rule_number
from events.models import EventRecord
from events.services import Fact, record_facts

_LEFT = Q(ending__in=(Referral.Ending.ENDED, Referral.Ending.CLOSED))

MOMENT = timedelta(microseconds=1)  # The least that a place lasts.

_END = """
UPDATE distribution_referral r SET until_at = given.until_at, ending = 'replaced'
FROM unnest(%(ids)s::bigint[], %(times)s::timestamptz[]) AS given(id, until_at) WHERE r.id = given.id
"""

_HOLD = """
SELECT account_id FROM distribution_referral WHERE account_id = ANY(%s) AND until_at IS NULL
ORDER BY account_id FOR SHARE
"""

# Pointers as they stand, whether or not the places they lead to have ended: a cycle of those is a cycle all the same.
_ABOVE = """
WITH RECURSIVE up AS (
    SELECT %(account)s::bigint AS account_id, 0 AS steps
    UNION ALL
    SELECT place.referrer_id, up.steps + 1
    FROM up CROSS JOIN LATERAL (
        SELECT r.referrer_id FROM distribution_referral r
        WHERE r.account_id = up.account_id ORDER BY r.from_at DESC LIMIT 1
    ) place
    WHERE place.referrer_id IS NOT NULL AND up.steps < %(steps)s
)
SELECT account_id FROM up
"""

_NEAREST_LIVE = """
WITH RECURSIVE up AS (
    SELECT %(account)s::bigint AS account_id, 0 AS steps
    UNION ALL
    SELECT place.referrer_id, up.steps + 1
    FROM up CROSS JOIN LATERAL (
        SELECT r.referrer_id, r.until_at FROM distribution_referral r
        WHERE r.account_id = up.account_id AND r.from_at <= %(at)s ORDER BY r.from_at DESC LIMIT 1
    ) place
    WHERE place.referrer_id IS NOT NULL AND up.steps < %(steps)s
      AND (up.steps = 0 OR place.until_at <= %(at)s)
)
SELECT account_id FROM up WHERE steps > 0 AND EXISTS (
    SELECT 1 FROM distribution_referral r WHERE r.account_id = up.account_id
    AND r.from_at <= %(at)s AND (r.until_at IS NULL OR r.until_at > %(at)s)
) ORDER BY steps LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class _Arrival:
    """An account that joined: when, and with whose code."""

    account: Account
    at: datetime
    code: str


def last_place(account: Account) -> Referral | None:
    """Return an account's newest place, whether or not it has ended; to be locked by whoever changes it."""
    places = Referral.objects.select_for_update(no_key=True).filter(account=account)
    return places.order_by("-from_at").first()


def stands_below(account: Account, other: Account) -> bool:
    """Whether `account` is `other`, or hangs below it by pointers as they stand."""
    with connection.cursor() as cursor:
        cursor.execute(_ABOVE, {"account": account.pk, "steps": settings.REFERRAL_STEPS_MAX})
        return (other.pk,) in cursor.fetchall()


def nearest_live_above(account_id: int, at: datetime) -> int | None:
    """Return the key of the nearest account above whose place lasts at a moment, or None at the top."""
    with connection.cursor() as cursor:
        cursor.execute(_NEAREST_LIVE, {"account": account_id, "at": at, "steps": settings.REFERRAL_STEPS_MAX})
        found = cursor.fetchone()
    return found[0] if found else None


def hold_places(accounts: Iterable[int]) -> set[int]:
    """
    Let places (by the account's key) not end before this transaction has; return whose places last.

    Whoever comes to stand below an account then stands there when its place ends, and is moved up.
    """
    with connection.cursor() as cursor:
        cursor.execute(_HOLD, [list(accounts)])
        return {key for (key,) in cursor.fetchall()}


def ensure_places(accounts: Collection[Account]) -> None:
    """
    Give those a place that never had one, and those above them; by their registration, as of its moment.

    A few statements for any number. What somebody else writes at the same moment is the same.
    """
    arrivals: dict[int, _Arrival] = {}
    referrers: dict[str, Account] = {}
    wanted = {account.pk: account for account in accounts}
    while wanted := _without_place(wanted, arrivals):
        newcomers = _arrivals(wanted.values())
        arrivals |= {arrival.account.pk: arrival for arrival in newcomers}
        codes = {arrival.code for arrival in newcomers} - {"", *referrers}
        found = {account.referral_code: account for account in Account.objects.filter(referral_code__in=codes)}
        referrers |= found
        wanted = {account.pk: account for account in found.values()}
    if arrivals:
        _settle(sorted(arrivals.values(), key=lambda arrival: arrival.account.pk), referrers)


def _without_place(wanted: dict[int, Account], known: dict[int, _Arrival]) -> dict[int, Account]:
    unknown = {key: account for key, account in wanted.items() if key not in known}
    if not unknown:
        return {}
    placed = set(Referral.objects.filter(account__in=unknown).values_list("account_id", flat=True))
    return {key: account for key, account in unknown.items() if key not in placed}


def _arrivals(accounts: Iterable[Account]) -> list[_Arrival]:
    by_key = {f"account.registered:{account.public_id}": account for account in accounts}
    events = {event.key: event for event in EventRecord.objects.filter(key__in=by_key)}
    return [
        _Arrival(account, event.occurred_at, event.payload.get("referral_code") or "")
        if (event := events.get(key))
        else _Arrival(account, account.created_at, "")  # Operators, who never registered.
        for key, account in by_key.items()
    ]


def _settle(arrivals: list[_Arrival], referrers: dict[str, Account]) -> None:
    places = [_first_place(arrival, referrers.get(arrival.code)) for arrival in arrivals]
    hold_places({place.referrer_id for place in places if place.referrer_id})
    Referral.objects.bulk_create(places, ignore_conflicts=True)
    ours = Referral.objects.filter(public_id__in=[place.public_id for place in places], referrer__isnull=False)
    bound = list(ours.select_related("account", "referrer").order_by("id"))
    record_facts([Fact.of(bound_event(place), occurred_at=place.from_at) for place in bound])
    catch_up(bound)


def catch_up(places: Sequence[Referral]) -> None:
    """Where somebody above left before the house heard of a place, move it up as it would have been at each time."""
    above = {place.referrer_id for place in places}
    have_left = set(Referral.objects.filter(_LEFT, account__in=above).values_list("account_id", flat=True))
    for place in places:
        if place.referrer_id in have_left:
            _catch_up_one(place)


def _catch_up_one(place: Referral) -> None:
    while place.referrer_id is not None and (left_at := _left_at(place.referrer_id, place.from_at)):
        moves_at = max(left_at, place.from_at + MOMENT)
        place = move_up([place], nearest_live_above(place.referrer_id, moves_at), moves_at)[0]


def _left_at(account_id: int, at: datetime) -> datetime | None:
    """When an account leaves that is there at a moment; that moment where it is not, None where it stays."""
    places = Referral.objects.filter(account=account_id)
    last = places.filter(from_at__lte=at).order_by("-from_at").first()
    if last is not None and last.until_at is not None and last.until_at <= at:
        return at
    return places.filter(_LEFT, until_at__gt=at).aggregate(first=Min("until_at"))["first"]


def move_up(places: Sequence[Referral], heir: int | None, left_at: datetime) -> list[Referral]:
    """
    End places whose referrer left at a moment, and begin others below `heir`, or at the top, as of that moment.

    Where a place is younger than that, it lasts for the least time there is: the first referrer is kept for ever.
    """
    above = None if heir is None else Account.objects.get(pk=heir)
    times = [max(left_at, place.from_at + MOMENT) for place in places]
    with connection.cursor() as cursor:
        cursor.execute(_END, {"ids": [place.pk for place in places], "times": times})
    moved = Referral.objects.bulk_create(
        Referral(
            account=place.account,
            referrer=above,
            via=Referral.Via.MOVED,
            rule_number=new_rule_number(NodeKind.REFERRAL, serial=place.account_id, previous=place.rule_number),
            from_at=time,
        )
        for place, time in zip(places, times, strict=True)
    )
    pairs = zip(moved, places, strict=True)
    record_facts([Fact.of(moved_event(new, old.referrer), occurred_at=new.from_at) for new, old in pairs])
    return moved


def _first_place(arrival: _Arrival, referrer: Account | None) -> Referral:
    return Referral(
        account=arrival.account,
        referrer=referrer,
        via=_via(referrer),
        is_original=referrer is not None,
        rule_number=new_rule_number(NodeKind.REFERRAL, serial=arrival.account.pk),
        from_at=arrival.at,
    )


def _via(referrer: Account | None) -> str:
    if referrer is None:
        return Referral.Via.NOBODY
    return Referral.Via.MERCHANT if referrer.side == Account.Side.SELLER else Referral.Via.CODE


def bound_event(place: Referral) -> ReferralBound:
    assert place.referrer is not None
    return ReferralBound(
        referral=place.public_id,
        account=place.account.public_id,
        rule_number=place.rule_number,
        referrer=place.referrer.public_id,
        via=place.via,
    )


def moved_event(place: Referral, former: Account | None) -> ReferralMoved:
    return ReferralMoved(
        referral=place.public_id,
        account=place.account.public_id,
        rule_number=place.rule_number,
        referrer=place.referrer.public_id if place.referrer else None,
        former_referrer=former.public_id if former else None,
        via=place.via,
    )
