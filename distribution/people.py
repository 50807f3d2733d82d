"""What may be read of seats, of the forest of people, and of nodes by their rule numbers."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import Count, Exists, OuterRef, QuerySet, Value
from django.db.models.expressions import RawSQL

from accounts.models import Account
from catalog.models import Store
from core.api.lists import after_cursor, read_cursor, write_cursor
from core.errors import NotFound
from distribution.areas.codes import find_area
from distribution.models import AgentSeat, Area, Placement, Referral
from distribution.rule_numbers import NodeKind, normal_prefix
from distribution.services.seats import living

_BELOW = """
WITH RECURSIVE below AS (
    SELECT area.id AS top, area.id FROM distribution_area area WHERE area.id = ANY(%s)
    UNION ALL
    SELECT below.top, area.id FROM below JOIN distribution_area area ON area.parent_id = below.id
)
"""
_STORES_BELOW = f"""{_BELOW}
SELECT below.top, count(*) FROM below
JOIN distribution_placement p ON p.area_id = below.id AND p.until_at IS NULL AND NOT p.is_waiting
GROUP BY below.top
"""  # noqa: S608 - two statements of our own
_BEHIND_ALL = 2**63 - 1  # More than any id.
# Of each account above no more than a page is read, however many stand below it.
_NEWEST_BELOW = """
SELECT newest.id FROM ({above}) above CROSS JOIN LATERAL (
    SELECT r.id FROM distribution_referral r
    WHERE r.referrer_id = above.account_id AND r.until_at IS NULL AND r.id < %s ORDER BY r.id DESC LIMIT %s
) newest
ORDER BY newest.id DESC LIMIT %s
"""
_AREAS_BELOW = f"{_BELOW} SELECT below.id FROM below"  # noqa: S608 - the same


def living_seats(
    *, area: str | None = None, account: str | None = None, visible_to: Account, now: datetime
) -> QuerySet[AgentSeat]:
    """
    Return the seats that are held now or will be: all for operators, others see their own.

    `area`: only those of exactly this area, by its code. `account`: only those of this account (public id).

    :raises NotFound: there is no such area.
    """
    seats = _seats(visible_to).filter(living(now))
    if area is not None:
        seats = seats.filter(area=find_area(area))
    if account is not None:
        seats = seats.filter(account__public_id=account)
    return seats


def get_seat(public_id: str, *, visible_to: Account) -> AgentSeat:
    """
    Return a seat, also one that has ended.

    :raises NotFound: there is none of this id that the account may see.
    """
    seat = _seats(visible_to).filter(public_id=public_id).first()
    if seat is None:
        raise NotFound
    return seat


def _seats(visible_to: Account) -> QuerySet[AgentSeat]:
    seats = AgentSeat.objects.select_related("area", "account")
    return seats if visible_to.is_staff else seats.filter(account=visible_to)


def stores_below(areas: Iterable[int]) -> dict[int, int]:
    """Return how many stores are placed in each area (by key) or in those below it; one statement."""
    with connection.cursor() as cursor:
        cursor.execute(_STORES_BELOW, [list(areas)])
        return dict(cursor.fetchall())


def stores_placed_in(area: int) -> QuerySet[Placement]:
    """Return where stores stand now in an area (by key) or below it, with the stores and their sellers."""
    placed = Placement.objects.filter(until_at=None, is_waiting=False, area__in=RawSQL(_AREAS_BELOW, [[area]]))  # noqa: S611 - a statement of our own
    return placed.select_related("store__seller", "area")


def vacant_beside(area: Area, now: datetime) -> QuerySet[Area]:
    """Return the areas beside one, below the same, that have no agent now and none for later."""
    held = AgentSeat.objects.filter(living(now), area=OuterRef("pk"))
    beside = Area.objects.filter(parent=area.parent_id, scheme=area.scheme_id, level=area.level, retired_at=None)
    return beside.exclude(pk=area.pk).exclude(Exists(held)).order_by("code")


def brought_by(account: Account) -> list[QuerySet[Referral]]:
    """
    Return who stands below an account now, a query set for each level that may be paid, the nearest first.

    Each row says on which `level` it is. Nobody sees further down than that.
    """
    parts: list[QuerySet[Referral]] = []
    above = Referral.objects.filter(referrer=account, until_at=None)
    for level in range(1, settings.REFERRAL_LEVELS_MAX[""] + 1):
        parts.append(_on_level(above, level))
        above = Referral.objects.filter(referrer__in=above.values("account"), until_at=None)
    return parts


def newest_brought_by(account: Account, *, cursor: str | None, size: int) -> list[QuerySet[Referral]]:
    """
    Return the same for one page: of each level the newest behind the cursor, no more than `size`.

    :raises CursorInvalid: nobody was given this cursor.
    """
    [behind_id] = read_cursor(cursor, Referral, ("-id",)) if cursor else [_BEHIND_ALL]
    first, *others = brought_by(account)
    parts, above = [first], first
    for level, all_of_level in enumerate(others, 2):
        accounts, named = above.values("account_id").query.sql_with_params()
        newest = RawSQL(_NEWEST_BELOW.format(above=accounts), [*named, behind_id, size, size])  # noqa: S611 - our own
        parts.append(_on_level(Referral.objects.filter(pk__in=newest), level))
        above = all_of_level
    return parts


def _on_level(places: QuerySet[Referral], level: int) -> QuerySet[Referral]:
    return places.annotate(level=Value(level)).select_related("account")


def brought_through(through: str, *, viewer: Account) -> tuple[Any, QuerySet[Referral]]:
    """
    Return somebody (public id) who came through the viewer, and who came through that one; rows say their `level`.

    :raises NotFound: nobody of this id came through the viewer, or on the last level, below which nobody is shown.
    """
    *walkable, _last = brought_by(viewer)
    for level in walkable:
        found: Any = level.filter(account__public_id=through).first()
        if found is not None:
            below = Referral.objects.filter(referrer=found.account, until_at=None).select_related("account")
            return found, below.annotate(level=Value(found.level + 1))
    raise NotFound


def brought_counts(accounts: Iterable[int]) -> dict[int, int]:
    """Return how many stand directly below each of these accounts (by key) now."""
    below = Referral.objects.filter(referrer__in=set(accounts), until_at=None)
    return {row["referrer"]: row["count"] for row in below.values("referrer").annotate(count=Count("id")).order_by()}


def original_referrers(accounts: Iterable[int]) -> dict[int, Account | None]:
    """Return the first referrer that each account (by key) ever had."""
    first = Referral.objects.filter(account__in=set(accounts), is_original=True).select_related("referrer")
    return {place.account_id: place.referrer for place in first}


def places_of(account: Account) -> QuerySet[Referral]:
    """Return the places that an account has had among people, the newest first."""
    return Referral.objects.filter(account=account).select_related("account", "referrer").order_by("-from_at")


def get_store_for_chain(public_id: str, *, visible_to: Account) -> Store:
    """
    Return a store whose agents the account may see: operators see all, sellers their own.

    :raises NotFound: there is none of this id that it may see.
    """
    stores = Store.objects.filter(public_id=public_id)
    found = (stores if visible_to.is_staff else stores.filter(seller=visible_to)).first()
    if found is None:
        raise NotFound
    return found


def get_account_for_chain(public_id: str, *, visible_to: Account) -> Account:
    """
    Return an account whose referrers the account may see: operators see all, others their own.

    :raises NotFound: there is none of this id that it may see.
    """
    accounts = Account.objects.filter(public_id=public_id)
    found = (accounts if visible_to.is_staff else accounts.filter(pk=visible_to.pk)).first()
    if found is None:
        raise NotFound
    return found


@dataclass(frozen=True, slots=True)
class NumberedNode:
    """What bears a rule number, or bore it until an operator decided otherwise."""

    rule_number: str
    kind: NodeKind
    row: AgentSeat | Placement | Referral

    @property
    def cursor(self) -> str:
        """Points behind this node in the list of those numbers."""
        return write_cursor(_Numbered(self.rule_number), ("rule_number",))  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class _Numbered:
    rule_number: str


def nodes_by_number(*, prefix: str, after: str | None, limit: int) -> list[NumberedNode]:
    """
    Return the nodes whose rule number begins so, in the order of their numbers, ended ones as well.

    `after`: the cursor of the last node of the page before. Four look-ups in indexes, however many nodes there are.

    :raises CursorInvalid: nobody was given this cursor.
    """
    seats = AgentSeat.objects.select_related("area", "account")
    placements = Placement.objects.select_related("area", "proposed_area", "store__seller")
    people = Referral.objects.select_related("account")
    found = [
        *_numbered(seats, "rule_number", NodeKind.AGENT, prefix, after, limit),
        *_numbered(placements, "rule_number", NodeKind.PLACEMENT, prefix, after, limit),
        *_numbered(placements, "proposed_number", NodeKind.PLACEMENT, prefix, after, limit),
        *_numbered(people, "rule_number", NodeKind.REFERRAL, prefix, after, limit),
    ]
    return sorted(found, key=lambda node: node.rule_number)[:limit]


def _numbered(
    rows: QuerySet, field: str, kind: NodeKind, prefix: str, after: str | None, limit: int
) -> Sequence[NumberedNode]:
    begun = rows.filter(**{f"{field}__startswith": normal_prefix(prefix)})
    return [NumberedNode(getattr(row, field), kind, row) for row in after_cursor(begun, (field,), after)[:limit]]
