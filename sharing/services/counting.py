"""
Counting the log of scans by share and day, so that a report reads some days and not a million scans.

A task counts what was recorded behind the mark and up to a moment behind which no open transaction can still add a
scan: ids and times commit out of order, and none may be missed. The mark moves in the same transaction. A report adds
what was recorded since (`sharing.reports`), and is exact at any moment.
"""

from collections.abc import Mapping
from datetime import datetime

from django.conf import settings
from django.db import connection, transaction

from sharing.models import ScanMark

DAY = "(scanned_at AT TIME ZONE 'UTC')::date"
COUNTS = """
COALESCE(sum({one}) FILTER (WHERE scan_class = 'human'), 0),
COALESCE(sum({one}) FILTER (WHERE scan_class = 'bot'), 0),
COALESCE(sum({one}) FILTER (WHERE scan_class = 'preview'), 0),
COALESCE(sum({one}) FILTER (WHERE scan_class = 'self'), 0),
COALESCE(sum({one}) FILTER (WHERE scan_class = 'human' AND NOT is_repeat), 0)
"""

# An INSERT has the table's lock before it reads its clock (the column's default). So one that is not seen to have it
# here records later than now, and one that is seen later than its transaction began.
_FRONTIER = """
WITH looked AS MATERIALIZED (SELECT clock_timestamp() AS at)
SELECT LEAST(looked.at, (
    SELECT min(a.xact_start) FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
    JOIN pg_database d ON d.oid = l.database AND d.datname = current_database()
    WHERE l.relation = 'sharing_scan'::regclass AND l.mode = 'RowExclusiveLock'
      AND l.granted AND l.pid <> pg_backend_pid()
)) FROM looked
"""

_NEXT = """
SELECT max(recorded_at), count(*) FROM (
    SELECT recorded_at FROM sharing_scan WHERE recorded_at > %s AND recorded_at <= %s ORDER BY recorded_at LIMIT %s
) further
"""

_ADD = """
INSERT INTO sharing_scanday AS counted (share_id, day, human, bot, preview, by_sharer, visitors)
SELECT share_id, {day}, {counts} FROM {scans} GROUP BY 1, 2 ORDER BY 1, 2
ON CONFLICT (share_id, day) DO UPDATE SET
    human = counted.human + EXCLUDED.human, bot = counted.bot + EXCLUDED.bot,
    preview = counted.preview + EXCLUDED.preview, by_sharer = counted.by_sharer + EXCLUDED.by_sharer,
    visitors = counted.visitors + EXCLUDED.visitors
"""

_COUNT = _ADD.format(
    day=DAY,
    counts=COUNTS.format(one="1"),
    scans="sharing_scan WHERE recorded_at > %(from)s AND recorded_at <= %(to)s",
)

# Of what is counted already, each changed scan twice: gone from its old class, and come to its new one.
_CORRECT = """
WITH before AS (
    SELECT scan.id, scan.recorded_at, scan.scan_class AS old_class, wanted.scan_class
    FROM unnest(%(ids)s::bigint[], %(classes)s::text[]) AS wanted(id, scan_class)
    JOIN sharing_scan scan ON scan.id = wanted.id
    ORDER BY scan.id FOR UPDATE OF scan
), changed AS (
    UPDATE sharing_scan scan
    SET scan_class = before.scan_class, classifier = COALESCE(%(classifier)s::smallint, scan.classifier)
    FROM before
    WHERE scan.id = before.id AND scan.recorded_at = before.recorded_at AND scan.scan_class <> before.scan_class
    RETURNING scan.share_id, scan.scanned_at, scan.recorded_at, scan.is_repeat, scan.scan_class, before.old_class
), signed AS (
    SELECT share_id, scanned_at, is_repeat, old_class AS scan_class, -1 AS one FROM changed WHERE recorded_at <= %(to)s
    UNION ALL
    SELECT share_id, scanned_at, is_repeat, scan_class, 1 FROM changed WHERE recorded_at <= %(to)s
)
{add}
""".format(add=_ADD.format(day=DAY, counts=COUNTS.format(one="one"), scans="signed"))  # noqa: S608 - constants only


def count_scans() -> int:
    """
    Count further scans into the days, as far as no open transaction can still add one; return how many.

    Each step commits, and goes on where the last one ended, whoever made it.
    """
    counted = step = _count_some()
    while step >= settings.SCANS_COUNTED_AT_ONCE:
        step = _count_some()
        counted += step
    return counted


@transaction.atomic
def _count_some() -> int:
    mark = ScanMark.objects.select_for_update(skip_locked=True).first()
    if mark is None:
        return 0  # Somebody else is at it.
    until = _frontier()  # Before the scans are read: what was recorded up to it is committed by now.
    with connection.cursor() as cursor:
        cursor.execute(_NEXT, [mark.counted_to, until, settings.SCANS_COUNTED_AT_ONCE])
        last, found = cursor.fetchone()
        if not found:
            return 0
        cursor.execute(_COUNT, {"from": mark.counted_to, "to": last})
    mark.counted_to = last
    mark.save()
    return found


def _frontier() -> datetime:
    with connection.cursor() as cursor:
        cursor.execute(_FRONTIER)
        return cursor.fetchone()[0]


def correct_classes(classes: Mapping[int, str], *, classifier: int | None = None) -> None:
    """
    Give scans (by key) another class, in the log and in what is counted of it, in the caller's transaction.

    Classes that scans have already change nothing. While the mark is shared here nobody counts: a scan is either
    counted, and corrected, or will be counted as what it is by then.

    `classifier`: the version that says so; None where something else shows it.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT counted_to FROM sharing_scanmark FOR SHARE")
        (counted_to,) = cursor.fetchone()
        wanted = {"ids": list(classes), "classes": list(classes.values()), "classifier": classifier, "to": counted_to}
        cursor.execute(_CORRECT, wanted)
