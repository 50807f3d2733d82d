"""
Who stands behind a sale: the agents of the store's areas, and the people who brought the buyer, as of its moment.

Two statements, however many sales. Places point at areas and people at people, so a chain is walked and never kept:
one changed row changes every chain that goes through it, at the same instant.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from django.conf import settings

from core.arrays import plain_array, text_array
from core.prepared import Prepared
from distribution.legal import referral_levels_max


@dataclass(frozen=True, slots=True, kw_only=True)
class Sale:
    """What is asked about. Public ids; without a store, it counts for the only store that the seller has then."""

    store: str | None
    seller: str
    buyer: str
    at: datetime


class AreaRef(NamedTuple):
    """An area; `code` is the public one, such as `BR:35`."""

    id: int
    code: str
    level: int
    name: str

    @property
    def scheme(self) -> str:
        return self.code.partition(":")[0]


class PersonRef(NamedTuple):
    """An account by its key and its public id."""

    id: int
    public_id: str
    name: str


class PlacementRef(NamedTuple):
    """Where the store stands; `rule_number` is None while nobody knows an area for it."""

    rule_number: str | None
    waiting: bool


class AgentLink(NamedTuple):
    """One level of the chain of areas; `account` and `rule_number` are None where the seat is vacant."""

    level: int
    area: AreaRef
    account: PersonRef | None
    rule_number: str | None


class ReferrerLink(NamedTuple):
    """Who brought whom: level 1 brought the buyer. Nobody is here whose place had ended by then."""

    level: int
    account: PersonRef
    rule_number: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """
    Who stands behind one sale, the nearest first.

    `area`: of the settled placement; None where the store has none or it waits, and then there are no agents.
    `agents`: one link per level, from that area up to the country, vacant ones included.
    `referrers`: of the buyer, no further than the law of the area's scheme lets anybody be paid.
    """

    store: str | None = None
    area: AreaRef | None = None
    placement: PlacementRef | None = None
    agents: tuple[AgentLink, ...] = ()
    referrers: tuple[ReferrerLink, ...] = ()
    merchant_referrer: ReferrerLink | None = None


# The look-ups are lateral with a limit, so that each is one walk down an index whatever the planner believes of the
# tables. Of a seat only the changes between the first sale and the last are told: hardly any seat has one.
_PLACES = Prepared(
    "places_of_sales",
    """
    WITH RECURSIVE placed AS MATERIALIZED (
        SELECT s.n, COALESCE(named.public_id, single.public_id) AS store, found.rule_number, found.is_waiting,
               found.area_id
        FROM unnest(%(stores)s::text[], %(sellers)s::text[], %(times)s::timestamptz[])
             WITH ORDINALITY AS s(store, seller, at, n)
        LEFT JOIN LATERAL (
            SELECT c.id, c.public_id FROM catalog_store c WHERE c.public_id = s.store LIMIT 1
        ) named ON true
        LEFT JOIN LATERAL (
            SELECT a.id FROM accounts_account a WHERE s.store IS NULL AND a.public_id = s.seller LIMIT 1
        ) seller ON true
        LEFT JOIN LATERAL (
            SELECT min(o.id) AS id, min(o.public_id) AS public_id FROM catalog_store o
            WHERE o.seller_id = seller.id AND o.opened_at <= s.at AND (o.closed_at IS NULL OR o.closed_at > s.at)
            HAVING count(*) = 1
        ) single ON true
        LEFT JOIN LATERAL (
            SELECT p.area_id, p.rule_number, p.is_waiting FROM distribution_placement p
            WHERE p.store_id = COALESCE(named.id, single.id) AND p.from_at <= s.at
              AND (p.until_at IS NULL OR p.until_at > s.at)
            ORDER BY p.from_at DESC LIMIT 1
        ) found ON true
        WHERE COALESCE(named.id, single.id) IS NOT NULL
    ), up AS (
        SELECT area.id, area.parent_id, area.level FROM distribution_area area
        WHERE area.id IN (SELECT area_id FROM placed WHERE NOT is_waiting)
        UNION
        SELECT area.id, area.parent_id, area.level
        FROM up JOIN distribution_area area ON area.id = up.parent_id AND area.level < up.level
    )
    SELECT n, store, is_waiting, rule_number, CASE WHEN NOT is_waiting THEN area_id END,
           NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL::timestamptz, NULL::timestamptz
    FROM placed
    UNION ALL
    SELECT 0, NULL, NULL, agent.rule_number, up.id, up.parent_id, area.scheme_id || ':' || area.code, area.level,
           area.name, agent.id, agent.public_id, agent.name, agent.begins_at, agent.ends_at
    FROM up JOIN distribution_area area ON area.id = up.id
    LEFT JOIN LATERAL (
        SELECT s.rule_number, account.id, account.public_id, account.name,
               CASE WHEN s.from_at > %(first)s::timestamptz THEN s.from_at END AS begins_at,
               CASE WHEN LEAST(s.until_at, account.closed_at) <= %(last)s::timestamptz
                    THEN LEAST(s.until_at, account.closed_at) END AS ends_at
        FROM distribution_agentseat s JOIN accounts_account account ON account.id = s.account_id
        WHERE s.area_id = up.id AND s.from_at <= %(last)s AND (s.until_at IS NULL OR s.until_at > %(first)s)
    ) agent ON true
    """,
)

# An account's last place by then is its only one that matters: it is live while that lasts, and else it says where
# to go on. So a place that has ended is passed over from that instant on, whether or not those below were moved.
_PEOPLE = Prepared(
    "people_behind_sales",
    """
    WITH RECURSIVE asked AS MATERIALIZED (
        SELECT s.n, s.at, s.depth, account.id AS account_id
        FROM unnest(%(accounts)s::text[], %(times)s::timestamptz[], %(depths)s::int[])
             WITH ORDINALITY AS s(account, at, depth, n)
        CROSS JOIN LATERAL (SELECT a.id FROM accounts_account a WHERE a.public_id = s.account LIMIT 1) account
    ), walk AS (
        SELECT asked.n, asked.at, asked.depth, 0 AS level, 0 AS steps, false AS counts,
               place.referrer_id, place.rule_number,
               NULL::bigint AS account_id, NULL::varchar AS public_id, NULL::varchar AS name
        FROM asked CROSS JOIN LATERAL (
            SELECT r.referrer_id, r.rule_number, r.until_at FROM distribution_referral r
            WHERE r.account_id = asked.account_id AND r.from_at <= asked.at ORDER BY r.from_at DESC LIMIT 1
        ) place
        WHERE place.until_at IS NULL OR place.until_at > asked.at
        UNION ALL
        SELECT walk.n, walk.at, walk.depth, walk.level + live.yes::int, walk.steps + 1, live.yes,
               place.referrer_id, place.rule_number, place.account_id, account.public_id, account.name
        FROM walk CROSS JOIN LATERAL (
            SELECT r.account_id, r.referrer_id, r.rule_number, r.until_at FROM distribution_referral r
            WHERE r.account_id = walk.referrer_id AND r.from_at <= walk.at ORDER BY r.from_at DESC LIMIT 1
        ) place
        CROSS JOIN LATERAL (
            SELECT a.closed_at, a.public_id, a.name FROM accounts_account a WHERE a.id = place.account_id LIMIT 1
        ) account
        CROSS JOIN LATERAL (
            SELECT (place.until_at IS NULL OR place.until_at > walk.at)
               AND (account.closed_at IS NULL OR account.closed_at > walk.at) AS yes
        ) live
        WHERE walk.level < walk.depth AND walk.steps < %(steps)s
    )
    SELECT n, level, account_id, public_id, name, rule_number FROM walk WHERE counts ORDER BY n, level
    """,
)

MERCHANT_DEPTH = 1  # Of a seller only who brought it.


def resolve_chains(sales: Sequence[Sale], *, referrer_levels: int | None = None) -> list[Chain]:
    """
    Return the chain of each sale, in their order, as of each sale's moment.

    `referrer_levels`: how many levels of the buyer's referrers are wanted; the law's limit holds whatever is asked.
    Two statements, for one sale as for a thousand.
    """
    if not sales:
        return []
    moments = [sale.at.isoformat() for sale in sales]
    placed = _places(sales, moments)
    depths = [_depth(one.area.scheme if one.area else None, referrer_levels) for one in placed]
    people = _people(
        [sale.buyer for sale in sales] + [sale.seller for sale in sales],
        moments * 2,
        [*depths, *(MERCHANT_DEPTH for _ in sales)],
    )
    return [
        Chain(
            store=one.store,
            area=one.area,
            placement=one.placement,
            agents=one.agents,
            referrers=tuple(referrers),
            merchant_referrer=merchant[0] if merchant else None,
        )
        for one, referrers, merchant in zip(placed, people, people[len(sales) :], strict=False)
    ]


def agents_of(*, store: str, at: datetime) -> Chain:
    """Return the chain of areas above a store (public id), without people."""
    [one] = _places([Sale(store=store, seller="", buyer="", at=at)], [at.isoformat()])
    return Chain(store=one.store, area=one.area, placement=one.placement, agents=one.agents)


def referrers_of(*, account: str, at: datetime) -> list[ReferrerLink]:
    """Return who brought an account (public id), as far as the house's law lets anybody be paid for it."""
    return _people([account], [at.isoformat()], [_depth(None, None)])[0]


def _depth(scheme: str | None, wanted: int | None) -> int:
    limit = referral_levels_max(scheme)
    return limit if wanted is None else min(wanted, limit)


# --- Places --------------------------------------------------------------------------------------


class _Placed(NamedTuple):
    """Where a sale was made, and the agents there."""

    store: str | None = None
    placement: PlacementRef | None = None
    area: AreaRef | None = None
    agents: tuple[AgentLink, ...] = ()


_NOWHERE = _Placed()


def _places(sales: Sequence[Sale], moments: Sequence[str]) -> list[_Placed]:
    rows = _PLACES.rows(
        stores=text_array(sale.store for sale in sales),
        sellers=text_array(sale.seller for sale in sales),
        times=plain_array(moments),
        first=min(sale.at for sale in sales),
        last=max(sale.at for sale in sales),
    )
    areas = _Areas(row for row in rows if not row[0])
    placed = [_NOWHERE] * len(sales)
    for n, store, waiting, number, area_id, *_area in rows:
        if n:
            placement = None if waiting is None else PlacementRef(number, waiting)
            agents = areas.agents_from(area_id, sales[n - 1].at) if area_id else ()
            placed[n - 1] = _Placed(store, placement, agents[0].area if agents else None, agents)
    return placed


@dataclass(slots=True)
class _Area:
    """An area with whoever held its seat between the first sale and the last: each from when, until when."""

    ref: AreaRef
    parent_id: int | None
    seats: list[tuple[AgentLink, datetime | None, datetime | None]] = field(default_factory=list)

    def link(self, at: datetime) -> AgentLink:
        for link, begins, ends in self.seats:
            if (begins is None or begins <= at) and (ends is None or at < ends):
                return link
        return AgentLink(self.ref.level, self.ref, None, None)


class _Areas:
    """The areas of a batch of sales. Between two changes of seats a chain is walked once, for all sales below it."""

    def __init__(self, rows: Iterable[tuple]) -> None:
        self._areas: dict[int, _Area] = {}
        self._chains: dict[tuple[int, int], tuple[AgentLink, ...]] = {}
        changes: set[datetime | None] = set()
        for _n, _store, _waiting, number, id_, parent_id, code, level, name, account_id, *account, begins, ends in rows:
            area = self._areas.get(id_)
            if area is None:
                area = self._areas[id_] = _Area(AreaRef(id_, code, level, name), parent_id)
            if account_id is not None:
                agent = AgentLink(level, area.ref, PersonRef(account_id, *account), number)
                area.seats.append((agent, begins, ends))
                changes |= {begins, ends}
        self._changes = sorted(moment for moment in changes if moment is not None)

    def agents_from(self, area_id: int, at: datetime) -> tuple[AgentLink, ...]:
        """Return the link of an area and of each above it, as of a moment."""
        which = area_id, bisect_right(self._changes, at)
        chain = self._chains.get(which)
        if chain is None:
            area = self._areas[area_id]
            above = self.agents_from(area.parent_id, at) if area.parent_id is not None else ()
            chain = self._chains[which] = (area.link(at), *above)
        return chain


# --- People --------------------------------------------------------------------------------------


def _people(accounts: Sequence[str], moments: Sequence[str], depths: Sequence[int]) -> list[list[ReferrerLink]]:
    """For each account at each moment, its referrers up to a depth, the nearest first."""
    found: list[list[ReferrerLink]] = [[] for _ in accounts]
    rows = _PEOPLE.rows(
        accounts=text_array(accounts),
        times=plain_array(moments),
        depths=plain_array(depths),
        steps=settings.REFERRAL_STEPS_MAX,
    )
    for n, level, id_, public_id, name, rule_number in rows:
        found[n - 1].append(ReferrerLink(level, PersonRef(id_, public_id, name), rule_number))
    return found
