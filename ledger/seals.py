"""
Seals: every batch, as it was booked, chained to the one before by a hash.

A seal is SHA-256 over the seal before it and over every column of everything that one batch booked. Who changes
a row behind the triggers changes its seal; who writes all later seals anew changes the head, which others keep.
docs/seals.md says what exactly is hashed, and what that proves.
"""

import hashlib
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q, QuerySet

from ledger.models import TRANSFERS_OF_JOURNAL, Batch, Seal
from ledger.row_names import row_name
from ledger.selectors import frontier

SEAL_LOCK = 0x7365616C  # "seal"
FORMAT = 1
FIRST_PREVIOUS = bytes(32)  # What the first seal has in the place of the one before.
MARK_BYTES = 4  # So much of each row's hash is kept, to find the row; the seal itself is over the whole hashes.

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """
    The rows of one table that belong to a batch.

    `plain` and `moments` are the sealed columns, in order; a moment is written as microseconds, which no
    setting of a connection changes. `rows`: joins the rows `r` to the batches `asked`. `key` is a number, since
    the order of texts is the database's; `name` is what people know a row by, where that is not its key.
    """

    table: str
    key: str
    plain: Sequence[str]
    moments: Sequence[str]
    rows: str
    name: str = ""

    @property
    def leaf(self) -> str:
        """SQL for one row's hash."""
        columns = [f"r.{name}" for name in self.plain]
        columns += [f"(EXTRACT(epoch FROM r.{name}) * 1000000)::bigint" for name in self.moments]
        return f"sha256(convert_to(ROW({', '.join(columns)})::text, 'UTF8'))"


_OF_BATCH = "JOIN ledger_journal j ON j.batch_id = asked.id"

SOURCES: list[Source] = [
    Source(
        table="ledger_batch",
        key="r.id",
        plain=("id", "trigger", "events_count", "transfers_count", "accounts_count"),
        moments=("opened_at", "booked_at"),
        rows="JOIN ledger_batch r ON r.id = asked.id",
    ),
    Source(
        table="events_eventrecord",
        key="r.id",
        plain=("id", "type", "key", "subject", "payload"),
        moments=("occurred_at", "recorded_at"),
        rows=f"{_OF_BATCH} JOIN events_eventrecord r ON r.id = j.event_id",
    ),
    Source(
        table="ledger_journal",
        key="r.event_id",
        plain=("event_id", "batch_id", "rule_set_id", "rule", "reverses_id"),
        moments=("effective_at",),
        rows="JOIN ledger_journal r ON r.batch_id = asked.id",
    ),
    Source(
        table="ledger_transfer",
        key="r.id",
        plain=("id", "batch_id", "debit_id", "credit_id", "amount_minor", "currency"),
        moments=(),
        rows=f"{_OF_BATCH} {TRANSFERS_OF_JOURNAL} r ON true",
    ),
    Source(
        table="ledger_movement",
        key="r.id",
        plain=(
            "id",
            "account_id",
            "batch_id",
            "debits_minor",
            "credits_minor",
            "debits_after_minor",
            "credits_after_minor",
            "late",
        ),
        moments=("effective_min", "effective_max", "effective_latest_after", "booked_at"),
        rows="JOIN ledger_movement r ON r.batch_id = asked.id",
    ),
    Source(  # Who the accounts are; their counters go on and are checked against the movements.
        table="ledger_ledgeraccount",
        key="r.id",
        name="r.code || ' ' || r.currency",
        plain=("id", "code", "currency", "must_cover", "must_owe"),
        moments=(),
        rows="JOIN ledger_movement m ON m.batch_id = asked.id JOIN ledger_ledgeraccount r ON r.id = m.account_id",
    ),
]


def add_source(source: Source) -> None:
    """A higher room's rows that a batch depends on; in `AppConfig.ready`, before anything is sealed."""
    if source not in SOURCES:
        SOURCES.append(source)


@dataclass(frozen=True, slots=True)
class Leaves:
    """What is sealed of one table in one batch: the hash over all its rows' hashes, and the beginning of each."""

    digest: bytes = b""
    marks: bytes = b""


Content = Mapping[str, Leaves]  # By table.


def seal_due() -> int:
    """
    Seal everything up to the frontier, in one transaction per chunk; return how many batches.

    Two at once are as good as one: the second finds the lock taken and leaves it to the first. One that dies
    leaves whole seals, and the next goes on behind them.
    """
    sealed = 0
    while count := seal_some():
        sealed += count
    return sealed


@transaction.atomic
def seal_some() -> int:
    """Seal a chunk of batches; return how many, 0 when none is due or somebody else is at it."""
    if not _is_alone():
        return 0
    booked_before = frontier()  # A statement of its own: what is read after it sees all that is booked before it.
    head = Seal.objects.order_by("-number").first()
    batches = _next_batches(head, booked_before)
    if not batches:
        return 0
    contents = contents_of([batch.id for batch in batches])
    number, previous = (head.number, bytes(head.digest)) if head else (0, FIRST_PREVIOUS)
    sealed_at = _clock()
    made = []
    for batch in batches:
        number += 1
        seal = Seal(
            number=number,
            batch_id=batch.id,
            booked_at=batch.booked_at,
            format=FORMAT,
            sealed_at=sealed_at,
            rows=pack(contents[batch.id]),
        )
        seal.digest = previous = digest_of(seal, contents[batch.id], previous)
        made.append(seal)
    Seal.objects.bulk_create(made)
    return len(made)


def head_seal() -> Seal | None:
    """Return the newest seal: whoever keeps its hash elsewhere can tell later whether the past was rewritten."""
    return Seal.objects.defer("rows").order_by("-number").first()


def unsealed_count() -> int:
    """Return how many batches are booked behind the head."""
    return _behind(head_seal()).count()


def hashes_of_batches(batch_ids: Sequence[int]) -> dict[int, str]:
    """Return the seals of these batches; those that are not sealed yet are left out."""
    sealed = Seal.objects.filter(batch_id__in=batch_ids).values_list("batch_id", "digest")
    return {batch_id: bytes(digest).hex() for batch_id, digest in sealed}


def digest_of(seal: Seal, content: Content, previous: bytes) -> bytes:
    """The seal's hash: over the one before, its own columns, and the hash of each table's rows."""
    own = f"{seal.format} {seal.number} {seal.batch_id} {_micros(seal.booked_at)} {_micros(seal.sealed_at)}"
    parts = [previous, own.encode()]
    parts += [f" {source.table} ".encode() + content[source.table].digest for source in SOURCES]
    return hashlib.sha256(b"".join(parts)).digest()


def contents_of(batch_ids: Sequence[int]) -> dict[int, dict[str, Leaves]]:
    """Hash everything that these batches booked, table by table, as it is now."""
    contents: dict[int, dict[str, Leaves]] = {id_: {s.table: Leaves() for s in SOURCES} for id_ in batch_ids}
    for source in SOURCES:
        for batch_id, digest, marks in _hashed(source, batch_ids):
            contents[batch_id][source.table] = Leaves(bytes(digest), bytes(marks))
    return contents


def _hashed(source: Source, batch_ids: Sequence[int]) -> list[tuple[int, memoryview, memoryview]]:
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            WITH leaf AS (
                SELECT asked.id AS batch_id, {source.key} AS key, {source.leaf} AS hash
                FROM unnest(%s::bigint[]) AS asked(id) {source.rows}
            )
            SELECT batch_id, sha256(string_agg(hash, ''::bytea ORDER BY key)),
                   string_agg(substr(hash, 1, {MARK_BYTES}), ''::bytea ORDER BY key)
            FROM leaf GROUP BY batch_id
            """,  # noqa: S608 - tables and columns are names of ours
            [list(batch_ids)],
        )
        return cursor.fetchall()


def marked_rows(source: Source, batch_id: int) -> Iterator[tuple[str, bytes]]:
    """Name each row of one batch as findings do, with the beginning of its hash."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT {source.name or source.key}, substr({source.leaf}, 1, {MARK_BYTES})
            FROM unnest(%s::bigint[]) AS asked(id) {source.rows} ORDER BY {source.key}
            """,  # noqa: S608 - tables and columns are names of ours
            [[batch_id]],
        )
        for name, mark in cursor.fetchall():
            yield row_name(source.table, name), bytes(mark)


def pack(content: Content) -> bytes:
    """Write the marks of all tables one after the other, each with its length."""
    return b"".join(struct.pack(">I", len(content[s.table].marks)) + content[s.table].marks for s in SOURCES)


def unpack(rows: bytes) -> dict[str, bytes]:
    """Read `pack` back: marks by table; whatever is not of that form gives what can be read of it."""
    found, place = {}, 0
    for source in SOURCES:
        (length,) = struct.unpack(">I", rows[place : place + 4].ljust(4, b"\0"))
        found[source.table] = rows[place + 4 : place + 4 + length]
        place += 4 + length
    return found


def _is_alone() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [SEAL_LOCK])
        return cursor.fetchone()[0]


def _next_batches(head: Seal | None, booked_before: datetime) -> list[Batch]:
    """The batches behind the head, in booking order, until there are enough rows for one transaction."""
    due = _behind(head).filter(booked_at__lt=booked_before).order_by("booked_at", "id")
    chosen: list[Batch] = []
    rows = 0
    for batch in due[: settings.SEAL_BATCHES_AT_ONCE]:
        rows += 2 * batch.events_count + batch.transfers_count + 2 * batch.accounts_count
        if chosen and rows > settings.SEAL_ROWS_AT_ONCE:
            break
        chosen.append(batch)
    return chosen


def _behind(head: Seal | None) -> QuerySet[Batch]:
    if head is None:
        return Batch.objects.all()
    return Batch.objects.filter(
        Q(booked_at__gte=head.booked_at), Q(booked_at__gt=head.booked_at) | Q(id__gt=head.batch_id)
    )


def _clock() -> datetime:
    """The database's: one clock for everything that is in the book."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        return cursor.fetchone()[0]


def _micros(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1)
