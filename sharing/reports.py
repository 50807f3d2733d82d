"""
What came of shares: who looked, who ordered, what was earned; of one share, of an item's, of a sharer's or of all of a
seller's items.

Scans are read from the days that are counted and, in the same statement, from the log behind the mark: so the numbers
are the log's at that moment, and take no walk over a million scans.
"""

from collections.abc import Sequence
from dataclasses import astuple, dataclass, field
from typing import Any

from django.db import connection

from accounts.models import Account
from catalog.models import Item
from core.errors import NotFound
from sharing.models import ScanMark, Share
from sharing.services.counting import COUNTS, DAY

SHARE, ITEM, SHARER, SELLER = "share", "item", "sharer", "seller"
BY_DAY, BY_STORE, BY_ITEM, BY_SHARER = "day", "store", "item", "sharer"

_SCOPES = {
    SHARE: "{share} = %(key)s",
    ITEM: "{share} IN (SELECT id FROM sharing_share WHERE item_id = %(key)s)",
    SHARER: "{share} IN (SELECT id FROM sharing_share WHERE sharer_id = %(key)s)",
    SELLER: (
        "{share} IN (SELECT shared.id FROM sharing_share shared JOIN catalog_item offered"
        " ON offered.id = shared.item_id WHERE offered.seller_id = %(key)s)"
    ),
}
# By what: what a row is of, its name, and what has to be joined for that.
_GROUPS = {
    "": ("NULL::text", "NULL::text", ""),
    BY_DAY: ("facts.day::text", "NULL::text", ""),
    BY_STORE: (
        "store.public_id",
        "store.name",
        "JOIN sharing_share share ON share.id = facts.share_id"
        " LEFT JOIN catalog_store store ON store.id = share.store_id",
    ),
    BY_ITEM: (
        "item.public_id",
        "item.title",
        "JOIN sharing_share share ON share.id = facts.share_id JOIN catalog_item item ON item.id = share.item_id",
    ),
    BY_SHARER: (
        "account.public_id",
        "account.name",
        "JOIN sharing_share share ON share.id = facts.share_id"
        " JOIN accounts_account account ON account.id = share.sharer_id",
    ),
}

# The mark is read here, with what it divides; `since` is where it was a moment ago, which it never goes back behind.
# Told that number, PostgreSQL knows how little is left of the log; of the mark's own it would expect a third.
_LOOKED = """
WITH facts AS (
    SELECT share_id, day, human, bot, preview, by_sharer, visitors FROM sharing_scanday WHERE {scope}
    UNION ALL
    SELECT share_id, {day}, {counts} FROM sharing_scan
    WHERE {scope} AND recorded_at > (SELECT counted_to FROM sharing_scanmark) AND recorded_at > %(since)s
    GROUP BY 1, 2
)
SELECT {of}, {name}, sum(human)::bigint, sum(bot)::bigint, sum(preview)::bigint, sum(by_sharer)::bigint,
    sum(visitors)::bigint
FROM facts {joined} GROUP BY 1, 2
"""

# What is not paid for is no order yet, and may never be one.
_EARNED = """
WITH facts AS (
    SELECT won.share_id, (won.paid_at AT TIME ZONE 'UTC')::date AS day, won."order", won.currency,
        won.charged_minor, earning.status,
        CASE won.state WHEN 'rejected' THEN 0 ELSE won.charged_minor - won.reversed_minor END AS left_minor
    FROM sharing_wonline won LEFT JOIN wallets_earning earning ON earning.id = won.earning_id
    WHERE won.paid_at IS NOT NULL AND {scope}
)
SELECT {of}, {name}, facts.currency, count(DISTINCT facts."order"),
    COALESCE(sum(left_minor) FILTER (WHERE facts.status = 'pending'), 0)::bigint,
    COALESCE(sum(left_minor) FILTER (WHERE facts.status = 'released'), 0)::bigint,
    sum(facts.charged_minor - left_minor)::bigint,
    COALESCE(sum(left_minor) FILTER (WHERE facts.status = 'held'), 0)::bigint
FROM facts {joined} GROUP BY 1, 2, 3
"""


@dataclass(slots=True)
class Scans:
    """How many looks there were of each class; `visitors`: human ones that are no repeats."""

    human: int = 0
    bot: int = 0
    preview: int = 0
    by_sharer: int = 0
    visitors: int = 0


@dataclass(frozen=True, slots=True)
class Earned:
    """What sharers have of paid orders in one currency, in minor units; all four sum to what sellers were charged."""

    currency: str
    pending_minor: int = 0
    released_minor: int = 0
    reversed_minor: int = 0
    held_minor: int = 0


@dataclass(slots=True)
class Row:
    """One line of a report: `of` a day or public id (None: of everything, or of no store), with its name."""

    of: str | None
    name: str | None
    scans: Scans = field(default_factory=Scans)
    orders: int = 0
    earned: list[Earned] = field(default_factory=list)


def report_rows(scope: str, key: int, *, by: str = "") -> list[Row]:
    """
    Return the rows of a report; `key`: of the share, item, sharer or seller. Without `by` it is one row.

    Days come in order, everything else with the most human scans first.
    """
    rows: dict[str | None, Row] = {} if by else {None: Row(None, None)}
    since = ScanMark.objects.get().counted_to
    for of, name, *figures in _read(_LOOKED, scope, by, "share_id", key=key, since=since):
        rows.setdefault(of, Row(of, name)).scans = Scans(*figures)
    for of, name, currency, orders, *amounts in _read(_EARNED, scope, by, "won.share_id", key=key):
        row = rows.setdefault(of, Row(of, name))
        row.orders += orders  # An order has one currency.
        row.earned.append(Earned(currency, *amounts))
    if by == BY_DAY:
        return sorted(rows.values(), key=lambda row: row.of or "")
    return sorted(rows.values(), key=lambda row: (-row.scans.human, row.of or ""))


def added_up(days: Sequence[Row]) -> Row:
    """
    Return the report of everything from its rows by day, without asking again.

    Only of days: an order is paid on one of them, but may be of several items.
    """
    whole = Row(None, None)
    earned: dict[str, Earned] = {}
    for day in days:
        whole.scans = Scans(*(old + new for old, new in zip(astuple(whole.scans), astuple(day.scans), strict=True)))
        whole.orders += day.orders
        for one in day.earned:
            _currency, *amounts = astuple(one)
            before = astuple(earned.get(one.currency, Earned(one.currency)))[1:]
            earned[one.currency] = Earned(one.currency, *map(sum, zip(before, amounts, strict=True)))
    whole.earned = [earned[currency] for currency in sorted(earned)]
    return whole


def _read(statement: str, scope: str, by: str, share: str, **values: Any) -> Sequence[tuple[Any, ...]]:
    of, name, joined = _GROUPS[by]
    written = statement.format(
        scope=_SCOPES[scope].format(share=share),
        of=of,
        name=name,
        joined=joined,
        day=DAY,
        counts=COUNTS.format(one="1"),
    )
    with connection.cursor() as cursor:
        cursor.execute(written, values)
        return cursor.fetchall()


def get_reported_share(public_id: str, *, visible_to: Account) -> Share:
    """
    Return a share whose report somebody wants: its sharer, its item's seller and operators see it.

    :raises NotFound: there is none of this id that the account may see.
    """
    share = Share.objects.select_related("program", "item").filter(public_id=public_id).first()
    if share is None or not (visible_to.is_staff or visible_to.pk in (share.sharer_id, share.item.seller_id)):
        raise NotFound
    return share


def get_reported_item(public_id: str, *, visible_to: Account) -> Item:
    """
    Return an item whose report somebody wants: its seller and operators see it, whatever has become of the item.

    :raises NotFound: there is none of this id that the account may see.
    """
    item = Item.objects.filter(public_id=public_id).first()
    if item is None or not (visible_to.is_staff or visible_to.pk == item.seller_id):
        raise NotFound
    return item


def get_reported_sharer(public_id: str, *, visible_to: Account) -> Account:
    """
    Return an account whose report somebody wants: it sees it itself, and operators do.

    :raises NotFound: there is none of this id, or it is somebody else.
    """
    sharer = Account.objects.filter(public_id=public_id).first()
    if sharer is None or not (visible_to.is_staff or visible_to.pk == sharer.pk):
        raise NotFound
    return sharer
