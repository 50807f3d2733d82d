"""
Booking a batch of journals: the same rows and counters as booking them one by one, in a constant
number of statements.

The order matters. Journals and transfers are copied in first. Then batches take turns: one writes its row, and
for each of two groups of accounts locks them, adds the net change and writes the movements. Those that payments
wait for come last, so that they are held for the shortest time. Lock, read and write are separate statements: a
statement that waits for a lock goes on with the snapshot it had before. What can be worked out before the locks is.
"""

import io
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from operator import attrgetter
from typing import Any

from django.db import connection

from core.arrays import plain_array
from ledger.accounts import Accounts, accounts_of
from ledger.engine import take_turn
from ledger.models import LATE_AFTER, LEG_BITS

COPY_NULL = r"\N"
COPY_DRAFTS_AT_ONCE = 250
COPY_ACCOUNTS_AT_ONCE = 500
COPY_BYTES_AT_ONCE = 1 << 16


@dataclass(slots=True, kw_only=True)
class JournalDraft:
    """
    One event's journal as a rule decided it. `transfers`: (debit code, credit code, minor units > 0).

    `together`: journals of one name are covered or not as one, whatever their order: a correction's.
    """

    event_id: int
    subject: str
    currency: str
    rule_set_id: int
    rule: str
    effective_at: datetime
    transfers: Sequence[tuple[str, str, int]]
    hold_ids: Sequence[int] = ()
    reverses_id: int | None = None
    together: str | None = None


@dataclass(frozen=True, slots=True)
class PostedBatch:
    """What was booked together, and when."""

    id: int
    trigger: str
    events_count: int
    transfers_count: int
    accounts_count: int


class NotCovered(Exception):
    """
    Some journals debit a wallet beyond what is available, or repay more debt than is owed.

    Nothing is booked; leave these events out (and what stands behind them in their subjects) and post again.
    """

    def __init__(self, event_ids: Iterable[int]) -> None:
        self.event_ids = frozenset(event_ids)
        super().__init__(f"{len(self.event_ids)} events are not covered")


@dataclass(slots=True)
class _Changes:
    """
    What a batch does to each account, by id: its transfers, oldest `effective_at` first, and what they sum to.

    `times` are those of the journals, ascending; `places` says which of them is a journal's, from 1.
    """

    legs: dict[int, list[int]] = field(default_factory=lambda: defaultdict(list))
    debits: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    credits: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    released: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    times: list[str] = field(default_factory=list)
    places: dict[int, int] = field(default_factory=dict)

    def earliest(self, account_id: int) -> int | str:
        """The place of its earliest time; an account whose hold alone is released has none."""
        legs = self.legs.get(account_id)
        return self.places[legs[0] >> LEG_BITS] if legs else "NULL"

    def latest(self, account_id: int) -> int | str:
        legs = self.legs.get(account_id)
        return self.places[legs[-1] >> LEG_BITS] if legs else "NULL"


Holds = Mapping[int, tuple[int, int]]  # hold id → (account id, minor units)
Effect = dict[int, int]  # account id → how much more (or less) may be taken from it, in minor units


def post_batch(drafts: Sequence[JournalDraft], *, trigger: str, opened_at: datetime) -> PostedBatch:
    """
    Book journals in the order given, inside the caller's transaction, and release their holds.

    The caller holds the engine's lock and the deliveries of these events.

    :raises NotCovered: a debit without a hold does not fit; roll back to before this call.
    """
    accounts = accounts_of(_codes(drafts))
    batch_id = _next_batch_id()
    holds = _take_holds(drafts)
    changes = _Changes()
    _copy(_TRANSFERS, _transfers(drafts, batch_id, accounts, changes))
    _copy(_JOURNALS, _journals(drafts, batch_id))
    _copy(_LEGS, _legs(changes, batch_id))
    for account_id, minor in holds.values():
        changes.released[account_id] += minor
    guarded = _guarded(drafts, accounts, changes, holds)
    ids = sorted({*changes.legs, *changes.released})
    groups = [_changes_of(group, changes) for group in _open_and_covering(ids, accounts)]
    posted = PostedBatch(
        batch_id, trigger, len(drafts), sum(len(draft.transfers) for draft in drafts), len(changes.legs)
    )

    booked_at = _open_batch(posted, opened_at=opened_at)
    if guarded:
        _ensure_covered(guarded, _lock_accounts(ids, guarded))
    write = _WRITE if guarded else _LOCK_AND_WRITE
    written = sum(_execute(write, {**group, "batch": batch_id, "booked_at": booked_at}) for group in groups)
    if written != posted.accounts_count:
        raise RuntimeError(f"{posted.accounts_count} accounts changed, and {written} are there.")
    return posted


def _codes(drafts: Sequence[JournalDraft]) -> dict[str, set[str]]:
    """Which accounts the batch touches, by currency."""
    codes: dict[str, set[str]] = defaultdict(set)
    for draft in drafts:
        add = codes[draft.currency].add
        for debit, credit, _minor in draft.transfers:
            add(debit)
            add(credit)
    return codes


def _next_batch_id() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval('ledger_batch_ids')")
        return cursor.fetchone()[0]


def _take_holds(drafts: Sequence[JournalDraft]) -> Holds:
    """Delete the holds that these events name; their amounts leave `held_minor` with the net change."""
    hold_ids = [hold_id for draft in drafts for hold_id in draft.hold_ids]
    if not hold_ids:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM ledger_hold WHERE id = ANY((SELECT %s::bigint[])::bigint[])"
            " RETURNING id, account_id, amount_minor",
            [plain_array(hold_ids)],
        )
        return {id_: (account_id, minor) for id_, account_id, minor in cursor.fetchall()}


_JOURNALS = "ledger_journal (event_id, batch_id, rule_set_id, rule, reverses_id, effective_at)"
_TRANSFERS = "ledger_transfer (id, batch_id, debit_id, credit_id, amount_minor, currency)"
_LEGS = "ledger_movementlegs (batch_id, account_id, transfer_ids)"


def _journals(drafts: Sequence[JournalDraft], batch_id: int) -> Iterator[str]:
    for first in range(0, len(drafts), COPY_DRAFTS_AT_ONCE):
        rows = []
        for draft in drafts[first : first + COPY_DRAFTS_AT_ONCE]:
            reverses = COPY_NULL if draft.reverses_id is None else draft.reverses_id
            rule, at = _escaped(draft.rule), draft.effective_at.isoformat()
            rows.append(f"{draft.event_id}\t{batch_id}\t{draft.rule_set_id}\t{rule}\t{reverses}\t{at}\n")
        yield "".join(rows)


def _transfers(drafts: Sequence[JournalDraft], batch_id: int, accounts: Accounts, changes: _Changes) -> Iterator[str]:
    """
    Write the transfers as `COPY` reads them, and add up what they do to each account on the way.

    PostgreSQL takes in one piece while the next is made. Oldest journals come first; the table has no order.
    """
    debits, credits, legs, places = changes.debits, changes.credits, changes.legs, changes.places
    by_time = sorted(drafts, key=attrgetter("effective_at"))
    last_at, place = None, 0
    for first in range(0, len(by_time), COPY_DRAFTS_AT_ONCE):
        rows = []
        for draft in by_time[first : first + COPY_DRAFTS_AT_ONCE]:
            if draft.effective_at != last_at:
                last_at, place = draft.effective_at, place + 1
                changes.times.append(last_at.isoformat())
            places[draft.event_id] = place
            currency, transfer_id = draft.currency, draft.event_id << LEG_BITS
            ids = accounts.ids[currency]
            for debit, credit, minor in draft.transfers:
                debit_id, credit_id = ids[debit], ids[credit]
                rows.append(f"{transfer_id}\t{batch_id}\t{debit_id}\t{credit_id}\t{minor}\t{currency}\n")
                debits[debit_id] += minor
                credits[credit_id] += minor
                legs[debit_id].append(transfer_id)
                legs[credit_id].append(transfer_id)
                transfer_id += 1
        yield "".join(rows)


def _legs(changes: _Changes, batch_id: int) -> Iterator[str]:
    """In the order of the accounts: each row of the index stands behind the one before."""
    ids = sorted(changes.legs)
    for first in range(0, len(ids), COPY_ACCOUNTS_AT_ONCE):
        rows = []
        for account_id in ids[first : first + COPY_ACCOUNTS_AT_ONCE]:
            transfer_ids = sorted(changes.legs[account_id])  # Until here in the order of their times.
            rows.append(f"{batch_id}\t{account_id}\t{plain_array(transfer_ids)}\n")
        yield "".join(rows)


@lru_cache
def _escaped(text: str) -> str:
    """Text as COPY reads it; rule names come from people."""
    return text.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")


class _Pieces(io.RawIOBase):
    """An iterator of texts as the file that `COPY` reads from."""

    def __init__(self, pieces: Iterable[str]) -> None:
        self._pieces = iter(pieces)
        self._rest = b""

    def read(self, size: int = -1) -> bytes:
        while not self._rest:
            piece = next(self._pieces, None)
            if piece is None:
                return b""
            self._rest = piece.encode()
        given, self._rest = self._rest[:size], self._rest[size:]
        return given


def _copy(into: str, pieces: Iterable[str]) -> None:
    with connection.cursor() as cursor:
        cursor.copy_expert(f"COPY {into} FROM STDIN", _Pieces(pieces), COPY_BYTES_AT_ONCE)


def _guarded(
    drafts: Sequence[JournalDraft], accounts: Accounts, changes: _Changes, holds: Holds
) -> list[tuple[JournalDraft, Effect]]:
    """
    Return the journals that change how much may be taken from an account that must not be short.

    A debit that its own hold covers always fits: it leaves what is available as it was. So only
    accounts with some other debit (wallets), or with a repayment (debts), are looked at at all.
    """
    if not accounts.covering.intersection(changes.debits) and not accounts.owing.intersection(changes.credits):
        return []
    unused = dict(holds)
    effects = _as_one(drafts, [_effect(draft, accounts, unused) for draft in drafts])
    watched = {account_id for effect in effects for account_id, minor in effect.items() if minor < 0}
    on_watched = (
        (draft, {account_id: minor for account_id, minor in effect.items() if account_id in watched})
        for draft, effect in zip(drafts, effects, strict=True)
    )
    return [(draft, effect) for draft, effect in on_watched if effect] if watched else []


def _effect(draft: JournalDraft, accounts: Accounts, unused: dict[int, tuple[int, int]]) -> Effect:
    """
    How one journal changes the room of the guarded accounts it touches.

    It uses up its holds; one that is gone, or was used by an earlier journal, covers nothing.
    """
    effect: Effect = defaultdict(int)
    ids, covering, owing = accounts.ids[draft.currency], accounts.covering, accounts.owing
    for debit, credit, minor in draft.transfers:
        debit_id, credit_id = ids[debit], ids[credit]
        if debit_id in covering:
            effect[debit_id] -= minor
        elif debit_id in owing:
            effect[debit_id] += minor
        if credit_id in covering:
            effect[credit_id] += minor
        elif credit_id in owing:
            effect[credit_id] -= minor
    for hold_id in draft.hold_ids:
        account_id, minor = unused.pop(hold_id, (None, 0))
        if account_id is not None:
            effect[account_id] += minor
    return effect


def _as_one(drafts: Sequence[JournalDraft], effects: list[Effect]) -> list[Effect]:
    """Move the effects of journals that go together to the first of them."""
    first: dict[str, Effect] = {}
    for place, draft in enumerate(drafts):
        if draft.together is None:
            continue
        if (leader := first.setdefault(draft.together, effects[place])) is not effects[place]:
            for account_id, minor in effects[place].items():
                leader[account_id] += minor
            effects[place] = {}
    return effects


# Batches take turns at it. Whatever the clock does, no batch is booked before one that is there already: looking back
# relies on that, and so do the seals.
_OPEN_BATCH = """
INSERT INTO ledger_batch (id, trigger, events_count, transfers_count, accounts_count, opened_at, booked_at)
VALUES (%s, %s, %s, %s, %s, %s,
        GREATEST(clock_timestamp(), (SELECT max(booked_at) + interval '1 microsecond' FROM ledger_batch)))
RETURNING booked_at
"""


def _open_batch(posted: PostedBatch, *, opened_at: datetime) -> datetime:
    """Wait for the turn, write the batch's row and return when it is booked; under the turn all movements are later."""
    take_turn()
    counts = posted.events_count, posted.transfers_count, posted.accounts_count
    with connection.cursor() as cursor:
        cursor.execute(_OPEN_BATCH, [posted.id, posted.trigger, *counts, opened_at])
        return cursor.fetchone()[0]


# All are locked in the house's order (`LOCK_ORDER`); only the counters that are asked for come back (OFFSET 0: they
# are chosen behind the locks, not before). NO KEY, so that new holds' foreign-key checks do not wait for a batch. The
# ids come out of a subquery: of a constant the planner would estimate, one by one, how often each is there.
_LOCK = """
SELECT id, CASE WHEN must_owe THEN debits_minor - credits_minor ELSE credits_minor - debits_minor - held_minor END
FROM (
    SELECT id, debits_minor, credits_minor, held_minor, must_owe FROM ledger_ledgeraccount
    WHERE id = ANY((SELECT %(ids)s::bigint[])::bigint[]) ORDER BY must_cover, id FOR NO KEY UPDATE OFFSET 0
) locked
WHERE id = ANY(%(watched)s::bigint[])
"""


def _lock_accounts(ids: Sequence[int], guarded: Sequence[tuple[JournalDraft, Effect]]) -> dict[int, int]:
    """Lock the accounts; return what may be taken from the guarded ones, or repaid on a debt."""
    watched = {account_id for _draft, effect in guarded for account_id in effect}
    with connection.cursor() as cursor:
        cursor.execute(_LOCK, {"ids": plain_array(ids), "watched": plain_array(watched)})
        return dict(cursor.fetchall())


def _ensure_covered(guarded: Sequence[tuple[JournalDraft, Effect]], room: dict[int, int]) -> None:
    """Walk the journals in order, as booking one by one would, and find those that do not fit."""
    short: list[int] = []
    held_up: set[str] = set()
    for draft, effect in guarded:
        if draft.subject in held_up:
            continue
        if any(minor < 0 and room[account_id] + minor < 0 for account_id, minor in effect.items()):
            short.append(draft.event_id)
            held_up.add(draft.subject)
            continue
        for account_id, minor in effect.items():
            room[account_id] += minor
    if short:
        raise NotCovered(short)


# The changes are given in the order of the accounts, and are joined to them in that order. An account whose hold alone
# is released has no movement.
_WRITE = """
WITH change AS (
    SELECT id, debits, credits, released, (%(times)s::timestamptz[])[earliest] AS earliest,
           (%(times)s::timestamptz[])[latest] AS latest
    FROM unnest(%(ids)s::bigint[], %(debits)s::bigint[], %(credits)s::bigint[], %(released)s::bigint[],
                %(earliest)s::int[], %(latest)s::int[]) AS c(id, debits, credits, released, earliest, latest)
), changed AS (
    UPDATE ledger_ledgeraccount a
    SET debits_minor = a.debits_minor + c.debits, credits_minor = a.credits_minor + c.credits,
        held_minor = a.held_minor - c.released, effective_latest = GREATEST(a.effective_latest, c.latest)
    FROM change c WHERE a.id = c.id
    RETURNING a.id, c.debits, c.credits, a.debits_minor, a.credits_minor, c.earliest, c.latest, a.effective_latest
)
INSERT INTO ledger_movement (account_id, batch_id, debits_minor, credits_minor, debits_after_minor,
                             credits_after_minor, effective_min, effective_max, effective_latest_after, late,
                             booked_at)
SELECT id, %(batch)s, debits, credits, debits_minor, credits_minor, earliest, latest, effective_latest,
       effective_latest - earliest > %(late_after)s, %(booked_at)s
FROM changed WHERE debits > 0 OR credits > 0
"""

# Two statements in one message: each has a snapshot of its own, and no payment waits for the way to us and back.
_LOCK_AND_WRITE = f"{_LOCK}; {_WRITE}"


def _open_and_covering(ids: Sequence[int], accounts: Accounts) -> list[list[int]]:
    """Tell apart whom no payment waits for, and wallets; as `LOCK_ORDER` does."""
    groups: tuple[list[int], list[int]] = [], []
    for id_ in ids:
        groups[id_ in accounts.covering].append(id_)
    return [group for group in groups if group]


def _changes_of(ids: Sequence[int], changes: _Changes) -> dict[str, Any]:
    """The parameters of the writing statement for one group of accounts, in the order of their ids."""
    return {
        "ids": plain_array(ids),
        "watched": plain_array(()),
        "debits": plain_array([changes.debits.get(id_, 0) for id_ in ids]),
        "credits": plain_array([changes.credits.get(id_, 0) for id_ in ids]),
        "released": plain_array([changes.released.get(id_, 0) for id_ in ids]),
        "earliest": plain_array(map(changes.earliest, ids)),
        "latest": plain_array(map(changes.latest, ids)),
        "times": plain_array(changes.times),
        "late_after": LATE_AFTER,
    }


def _execute(statement: str, parameters: Mapping[str, Any]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.rowcount
