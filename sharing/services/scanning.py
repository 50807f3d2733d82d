"""
Recording scans: what happens between a look at a code and the page that it leads to.

One statement looks the share up, says whether it leads anywhere, and keeps the scan, whichever: nothing is kept in
Redis, in a queue or in the browser, so nothing of it can be lost or forged. Scans are not limited: many phones behind
one address are many people, and what guards look for is found in the log.
"""

import hmac
from collections.abc import Collection
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

# Machine time names the months to look into, and the house's clock what a repeat is.
_RECORD = Prepared(
    "record_scan",
    """
WITH found AS (
    SELECT share.id, share.activity_url, item.public_id AS item,
        share.revoked_at IS NULL AND program.ended_at IS NULL AND item.status <> 'removed' AS is_live
    FROM sharing_share share
    JOIN sharing_shareprogram program ON program.id = share.program_id
    JOIN catalog_item item ON item.id = share.item_id
    WHERE share.id = %(share)s::bigint
), kept AS (
    INSERT INTO sharing_scan (scanned_at, share_id, scan_class, classifier, visitor, is_repeat, agent, signals)
    SELECT %(now)s::timestamptz, found.id, %(scan_class)s::text, %(classifier)s::smallint, %(visitor)s::bigint, EXISTS (
        SELECT 1 FROM sharing_scan earlier
        WHERE earlier.share_id = %(share)s AND earlier.visitor = %(visitor)s AND earlier.scan_class = %(scan_class)s
          AND earlier.recorded_at BETWEEN %(recorded_from)s::timestamptz AND %(recorded_to)s::timestamptz
          AND earlier.scanned_at > %(since)s::timestamptz
    ), %(agent)s::text, %(signals)s::text[]
    FROM found
    RETURNING id
)
SELECT kept.id, found.activity_url, found.item, found.is_live FROM kept, found
""",
)


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
    agent = agent[:AGENT_LENGTH_MAX]
    scan_class, machine_now = classify(agent, signals), timezone.now()
    found = _RECORD.row(
        share=share_id,
        scan_class=scan_class,
        classifier=CLASSIFIER,
        visitor=visitor_digest(share_id, address, agent, now.date()),
        now=now,
        since=now - settings.SCAN_REPEAT_WINDOW,
        recorded_from=machine_now - settings.SCAN_REPEAT_WINDOW - _CLOCKS_APART_MAX,
        recorded_to=machine_now + _CLOCKS_APART_MAX,
        agent=agent,
        signals=list(signals),
    )
    if found is None:
        return None
    scan_id, activity_url, item, is_live = found
    ticket = ScanTicket(scan_id=scan_id, share_id=share_id, scanned_at=now, scan_class=ScanClass(scan_class))
    return RecordedScan(ticket, activity_url, item, is_live)


def visitor_digest(share_id: int, address: str, agent: str, day: date) -> int:
    """Return what is kept of who looked: of use for this share and day only."""
    digest = hmac.digest(_key_of(day, settings.SECRET_KEY), f"{share_id}|{address}|{agent}".encode(), "sha256")
    return int.from_bytes(digest[:8], signed=True)


@lru_cache(_DAYS_REMEMBERED)
def _key_of(day: date, secret: str) -> bytes:
    return salted_hmac(_SALT, day.isoformat(), secret=secret, algorithm="sha256").digest()
