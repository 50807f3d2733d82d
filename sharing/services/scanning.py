"""
Recording scans: what happens between a look at a code and the page that it leads to.

One statement looks the share up, says whether it leads anywhere, and keeps the scan, whichever: nothing is kept in
Redis, in a queue or in the browser, so nothing of it can be lost or forged. Scans are not limited: many phones behind
one address are many people, and what guards look for is found in the log.
"""

import hmac
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache

from django.conf import settings
from django.utils import timezone
from django.utils.crypto import salted_hmac

from core.prepared import Prepared
from sharing.classifying import CLASSIFIER, classify
from sharing.models import ScanClass
from sharing.models.scans import AGENT_LENGTH_MAX
from sharing.tokens import ScanTicket

_SALT = "sharing.visitors"
_DAYS_REMEMBERED = 2
# How far the clocks of ours and of the database may be apart; it only chooses the months that are looked into.
_CLOCKS_APART_MAX = timedelta(minutes=10)

_SHARES = """
    SELECT share.id, share.activity_url, item.public_id AS item,
        share.revoked_at IS NULL AND program.ended_at IS NULL AND item.status <> 'removed' AS is_live
    FROM sharing_share share
    JOIN sharing_shareprogram program ON program.id = share.program_id
    JOIN catalog_item item ON item.id = share.item_id
"""
# Machine time names the months to look into, and the house's clock what a repeat is.
_LOOKED_BEFORE = """EXISTS (
        SELECT 1 FROM sharing_scan earlier
        WHERE earlier.share_id = {share} AND earlier.visitor = {visitor} AND earlier.scan_class = {scan_class}
          AND earlier.recorded_at BETWEEN %(recorded_from)s::timestamptz AND %(recorded_to)s::timestamptz
          AND earlier.scanned_at > {since}
    )"""
_ONE_LOOKED_BEFORE = _LOOKED_BEFORE.format(
    share="%(share)s", visitor="%(visitor)s", scan_class="%(scan_class)s", since="%(since)s::timestamptz"
)
_EACH_LOOKED_BEFORE = _LOOKED_BEFORE.format(
    share="look.share_id",
    visitor="look.visitor",
    scan_class="look.scan_class",
    since="look.scanned_at - %(window)s::interval",
)

_RECORD = Prepared(
    "record_scan",
    f"""
WITH found AS (
    {_SHARES} WHERE share.id = %(share)s::bigint
), kept AS (
    INSERT INTO sharing_scan (scanned_at, share_id, scan_class, classifier, visitor, is_repeat, agent, signals)
    SELECT %(now)s::timestamptz, found.id, %(scan_class)s::text, %(classifier)s::smallint, %(visitor)s::bigint,
        {_ONE_LOOKED_BEFORE}, %(agent)s::text, %(signals)s::text[]
    FROM found
    RETURNING id
)
SELECT kept.id, found.activity_url, found.item, found.is_live FROM kept, found
""",  # noqa: S608 - constants only, as below
)

# Keys are taken in the order of the looks' times, before the rows are written: what is returned is told apart by them.
_RECORD_ALL = Prepared(
    "record_scans",
    f"""
WITH looks AS MATERIALIZED (
    SELECT nextval('sharing_scan_ids') AS key, in_turn.* FROM (
        SELECT given.*, found.activity_url, found.item, found.is_live
        FROM unnest(
            %(shares)s::bigint[], %(times)s::timestamptz[], %(classes)s::text[], %(visitors)s::bigint[],
            %(follow)s::boolean[], %(agents)s::text[], %(signals)s::text[]
        ) WITH ORDINALITY AS given(share_id, scanned_at, scan_class, visitor, follows, agent, signals, turn)
        JOIN ({_SHARES} WHERE share.id = ANY(%(shares)s)) found ON found.id = given.share_id
        ORDER BY given.turn
    ) in_turn
), kept AS (
    INSERT INTO sharing_scan (id, scanned_at, share_id, scan_class, classifier, visitor, is_repeat, agent, signals)
    SELECT look.key, look.scanned_at, look.share_id, look.scan_class, %(classifier)s::smallint, look.visitor,
        look.follows OR {_EACH_LOOKED_BEFORE}, look.agent, string_to_array(look.signals, ' ')
    FROM looks look ORDER BY look.turn
)
SELECT turn, key, activity_url, item, is_live FROM looks
""",  # noqa: S608
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """Somebody or something looked at a share (by its key) `at` a moment of the house's clock."""

    share_id: int
    agent: str
    address: str
    signals: Collection[str] = ()
    at: datetime


@dataclass(frozen=True, slots=True)
class RecordedScan:
    """A scan that is kept, and where its share leads; `is_live`: whether it still leads there."""

    ticket: ScanTicket
    activity_url: str
    item: str
    is_live: bool


def record_scan(
    *, share_id: int, agent: str, address: str, signals: Collection[str], now: datetime
) -> RecordedScan | None:
    """
    Keep one look at a share (by its key), also where it has ended; None where there is no such share.

    Of the address nothing is kept but a keyed digest together with the agent, whose key changes every day.
    One statement. Two looks of one visitor at the very same moment may both count as the first.
    """
    look = _judge(Look(share_id=share_id, agent=agent, address=address, signals=signals, at=now))
    found = _RECORD.row(
        share=share_id,
        scan_class=look.scan_class,
        classifier=CLASSIFIER,
        visitor=look.visitor,
        now=now,
        since=now - settings.SCAN_REPEAT_WINDOW,
        agent=look.agent,
        signals=list(look.signals),
        **_recorded_within(),
    )
    if found is None:
        return None
    scan_id, activity_url, item, is_live = found
    return RecordedScan(look.ticket(scan_id), activity_url, item, is_live)


def record_scans(*, looks: Sequence[Look]) -> list[RecordedScan | None]:
    """
    Keep many looks as `record_scan` keeps each, the earliest first; say of each, in the order given, what is kept.

    The order in which they are given changes nothing about what is kept. One statement, which keeps all or none;
    nothing tells a look that is given again from a second one. For histories and imports: a person's look waits for
    no others.
    """
    judged = [_judge(look) for look in looks]
    places = sorted(range(len(judged)), key=lambda place: judged[place].rank)
    in_turn = [judged[place] for place in places]
    rows = _RECORD_ALL.rows(
        shares=[look.share_id for look in in_turn],
        times=[look.at for look in in_turn],
        classes=[str(look.scan_class) for look in in_turn],
        visitors=[look.visitor for look in in_turn],
        follow=_follow(in_turn),
        agents=[look.agent for look in in_turn],
        signals=[" ".join(look.signals) for look in in_turn],
        classifier=CLASSIFIER,
        window=settings.SCAN_REPEAT_WINDOW,
        **_recorded_within(),
    )
    kept: list[RecordedScan | None] = [None] * len(judged)
    for turn, scan_id, activity_url, item, is_live in rows:
        place = places[turn - 1]
        kept[place] = RecordedScan(judged[place].ticket(scan_id), activity_url, item, is_live)
    return kept


@dataclass(frozen=True, slots=True)
class _JudgedLook:
    """What is kept of a look."""

    share_id: int
    at: datetime
    scan_class: ScanClass
    visitor: int
    agent: str
    signals: tuple[str, ...]

    @property
    def rank(self) -> tuple[datetime, int, str, int, str, tuple[str, ...]]:
        """By time; of the same moment by all else that is kept, so that no order of delivery shows in the log."""
        return (self.at, self.share_id, self.scan_class, self.visitor, self.agent, self.signals)

    def ticket(self, scan_id: int) -> ScanTicket:
        return ScanTicket(scan_id=scan_id, share_id=self.share_id, scanned_at=self.at, scan_class=self.scan_class)


def _judge(look: Look) -> _JudgedLook:
    agent = look.agent[:AGENT_LENGTH_MAX]
    scan_class = ScanClass(classify(agent, look.signals))
    visitor = visitor_digest(look.share_id, look.address, agent, look.at.date())
    return _JudgedLook(look.share_id, look.at, scan_class, visitor, agent, tuple(look.signals))


def _follow(looks: Sequence[_JudgedLook]) -> list[bool]:
    """Whether each comes within the hour of one before it here: the log does not have that yet."""
    last: dict[tuple[int, int, ScanClass], datetime] = {}
    follow = []
    for look in looks:
        who = (look.share_id, look.visitor, look.scan_class)
        before = last.get(who)
        follow.append(before is not None and before > look.at - settings.SCAN_REPEAT_WINDOW)
        last[who] = look.at
    return follow


def _recorded_within() -> dict[str, datetime]:
    machine_now = timezone.now()
    return {
        "recorded_from": machine_now - settings.SCAN_REPEAT_WINDOW - _CLOCKS_APART_MAX,
        "recorded_to": machine_now + _CLOCKS_APART_MAX,
    }


def visitor_digest(share_id: int, address: str, agent: str, day: date) -> int:
    """Return what is kept of who looked: of use for this share and day only."""
    digest = hmac.digest(_key_of(day, settings.SECRET_KEY), f"{share_id}|{address}|{agent}".encode(), "sha256")
    return int.from_bytes(digest[:8], signed=True)


@lru_cache(_DAYS_REMEMBERED)
def _key_of(day: date, secret: str) -> bytes:
    return salted_hmac(_SALT, day.isoformat(), secret=secret, algorithm="sha256").digest()
