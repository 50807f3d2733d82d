"""
Booking a batch of journals: the same rows and counters as booking them one by one, in a constant
number of statements.

The order matters. Journals and transfers are copied in first; the accounts are locked last, all at
once and in id order, so that hot accounts are held for the shortest time and two batches cannot
deadlock; then one net UPDATE, the movements and the batch row. Lock, read and write are separate
statements: a statement that waits for a lock goes on with the snapshot it had before.
"""

import io
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from ledger.codes import must_cover, must_owe
from ledger.models import LATE_AFTER, LEG_BITS

COPY_NULL = r"\N"

AccountKey = tuple[str, str]  # (code, currency)


@dataclass(frozen=True, slots=True, kw_only=True)
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
class _Locked:
    """One account under this transaction's lock."""

    debits_minor: int
    credits_minor: int
    held_minor: int
    must_cover: bool
    must_owe: bool


@dataclass(slots=True)
class _Change:
    """What the batch does to one account."""

    effective_min: datetime
    effective_max: datetime
    debits_minor: int = 0
    credits_minor: int = 0


Holds = Mapping[int, tuple[int, int]]  # hold id → (account id, minor units)


def post_batch(drafts: Sequence[JournalDraft], *, trigger: str, opened_at: datetime) -> PostedBatch:
    """
    Book journals in the order given, inside the caller's transaction, and release their holds.

    The caller holds the engine's lock and the deliveries of these events.

    :raises NotCovered: a debit without a hold does not fit; roll back to before this call.
    """
    account_ids = _account_ids(drafts)
    batch_id = _next_batch_id()
    holds = _take_holds(drafts)
    _copy_journals(drafts, batch_id)
    transfers_count = _copy_transfers(drafts, batch_id, account_ids)
    changes = _net_changes(drafts, account_ids)
    released = _released_by_account(holds)
    accounts = _lock_accounts({*changes, *released})
    _ensure_covered(drafts, account_ids, accounts, holds)
    posted = PostedBatch(batch_id, len(drafts), transfers_count, len(changes))
    _write_batch(posted, changes, released, trigger=trigger, opened_at=opened_at)
    return posted


def _account_ids(drafts: Sequence[JournalDraft]) -> dict[AccountKey, int]:
    """Find the accounts by code, and insert those never used; sorted, so that two batches cannot deadlock."""
    keys = sorted(
        {(code, d.currency) for d in drafts for debit, credit, _minor in d.transfers for code in (debit, credit)}
    )
    found = _find_accounts(keys)
    missing = [key for key in keys if key not in found]
    if missing:
        _insert_accounts(missing)
        found |= _find_accounts(missing)
    return found


def _find_accounts(keys: Sequence[AccountKey]) -> dict[AccountKey, int]:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT a.code, a.currency, a.id FROM unnest(%s::text[], %s::text[]) AS wanted(code, currency)
            JOIN ledger_ledgeraccount a ON a.code = wanted.code AND a.currency = wanted.currency
            """,
            _columns(keys, 2),
        )
        return {(code, currency): id_ for code, currency, id_ in cursor.fetchall()}


def _insert_accounts(keys: Sequence[AccountKey]) -> None:
    rows = [(code, currency, must_cover(code), must_owe(code)) for code, currency in keys]
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO ledger_ledgeraccount (code, currency, must_cover, must_owe)
            SELECT * FROM unnest(%s::text[], %s::text[], %s::boolean[], %s::boolean[])
            ON CONFLICT (code, currency) DO NOTHING
            """,
            _columns(rows, 4),
        )


def _next_batch_id() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval('ledger_batch_ids')")
        return cursor.fetchone()[0]


def _take_holds(drafts: Sequence[JournalDraft]) -> dict[int, tuple[int, int]]:
    """Delete the holds that these events name; their amounts leave `held_minor` with the net change."""
    hold_ids = [hold_id for draft in drafts for hold_id in draft.hold_ids]
    if not hold_ids:
        return {}
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM ledger_hold WHERE id = ANY(%s) RETURNING id, account_id, amount_minor", [hold_ids])
        return {id_: (account_id, minor) for id_, account_id, minor in cursor.fetchall()}


def _copy_journals(drafts: Sequence[JournalDraft], batch_id: int) -> None:
    rows = []
    for draft in drafts:
        reverses = COPY_NULL if draft.reverses_id is None else draft.reverses_id
        effective = draft.effective_at.isoformat()
        rows.append(
            f"{draft.event_id}\t{batch_id}\t{draft.rule_set_id}\t{_escaped(draft.rule)}\t{reverses}\t{effective}\n"
        )
    _copy("ledger_journal (event_id, batch_id, rule_set_id, rule, reverses_id, effective_at)", rows)


def _copy_transfers(drafts: Sequence[JournalDraft], batch_id: int, account_ids: Mapping[AccountKey, int]) -> int:
    rows = []
    for draft in drafts:
        first_id, currency = draft.event_id << LEG_BITS, draft.currency
        for leg, (debit, credit, minor) in enumerate(draft.transfers):
            debit_id, credit_id = account_ids[debit, currency], account_ids[credit, currency]
            rows.append(f"{first_id | leg}\t{batch_id}\t{debit_id}\t{credit_id}\t{minor}\t{currency}\n")
    _copy("ledger_transfer (id, batch_id, debit_id, credit_id, amount_minor, currency)", rows)
    return len(rows)


def _copy(into: str, rows: Iterable[str]) -> None:
    with connection.cursor() as cursor:
        cursor.copy_expert(f"COPY {into} FROM STDIN", io.StringIO("".join(rows)))


def _escaped(text: str) -> str:
    """Text as COPY reads it; rule names come from people."""
    return text.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")


def _net_changes(drafts: Sequence[JournalDraft], account_ids: Mapping[AccountKey, int]) -> dict[int, _Change]:
    changes: dict[int, _Change] = {}
    for draft in drafts:
        at, currency = draft.effective_at, draft.currency
        for debit, credit, minor in draft.transfers:
            _change_of(changes, account_ids[debit, currency], at).debits_minor += minor
            _change_of(changes, account_ids[credit, currency], at).credits_minor += minor
    return changes


def _change_of(changes: dict[int, _Change], account_id: int, at: datetime) -> _Change:
    change = changes.get(account_id)
    if change is None:
        change = changes[account_id] = _Change(at, at)
    elif at < change.effective_min:
        change.effective_min = at
    elif at > change.effective_max:
        change.effective_max = at
    return change


def _released_by_account(holds: Holds) -> dict[int, int]:
    released: dict[int, int] = defaultdict(int)
    for account_id, minor in holds.values():
        released[account_id] += minor
    return released


def _lock_accounts(account_ids: Iterable[int]) -> dict[int, _Locked]:
    """Lock in id order; NO KEY, so that new holds' foreign-key checks do not wait for a batch."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT id, debits_minor, credits_minor, held_minor, must_cover, must_owe
            FROM ledger_ledgeraccount WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE
            """,
            [sorted(account_ids)],
        )
        return {id_: _Locked(*counters) for id_, *counters in cursor.fetchall()}


def _ensure_covered(
    drafts: Sequence[JournalDraft],
    account_ids: Mapping[AccountKey, int],
    accounts: Mapping[int, _Locked],
    holds: Holds,
) -> None:
    """
    Walk the journals in order over the guarded accounts, and find those that do not fit.

    A debit that its own hold covers always fits: it leaves what is available as it was. So only
    accounts with some other debit (wallets), or with a repayment (debts), are walked at all.
    """
    unused = dict(holds)
    effects = _as_one(drafts, [_effects_on_room(draft, account_ids, accounts, unused) for draft in drafts])
    watched = {account_id for effect in effects for account_id, minor in effect.items() if minor < 0}
    if not watched:
        return
    room = {account_id: _room(accounts[account_id]) for account_id in watched}
    short: list[int] = []
    held_up: set[str] = set()
    for draft, effect in zip(drafts, effects, strict=True):
        if draft.subject in held_up:
            continue
        on_watched = {account_id: minor for account_id, minor in effect.items() if account_id in watched}
        if any(minor < 0 and room[account_id] + minor < 0 for account_id, minor in on_watched.items()):
            short.append(draft.event_id)
            held_up.add(draft.subject)
            continue
        for account_id, minor in on_watched.items():
            room[account_id] += minor
    if short:
        raise NotCovered(short)


def _as_one(drafts: Sequence[JournalDraft], effects: list[dict[int, int]]) -> list[dict[int, int]]:
    """Move the effects of journals that go together to the first of them."""
    first: dict[str, dict[int, int]] = {}
    for place, draft in enumerate(drafts):
        if draft.together is None:
            continue
        if (leader := first.setdefault(draft.together, effects[place])) is not effects[place]:
            for account_id, minor in effects[place].items():
                leader[account_id] += minor
            effects[place] = {}
    return effects


def _room(account: _Locked) -> int:
    """What may still be taken from a wallet, or repaid on a debt."""
    balance_minor = account.credits_minor - account.debits_minor
    return -balance_minor if account.must_owe else balance_minor - account.held_minor


def _effects_on_room(
    draft: JournalDraft,
    account_ids: Mapping[AccountKey, int],
    accounts: Mapping[int, _Locked],
    unused: dict[int, tuple[int, int]],
) -> dict[int, int]:
    """
    How one journal changes the room of the guarded accounts it touches.

    It uses up its holds; one that is gone, or was used by an earlier journal, covers nothing.
    """
    effects: dict[int, int] = defaultdict(int)
    for debit, credit, minor in draft.transfers:
        debit_id, credit_id = account_ids[debit, draft.currency], account_ids[credit, draft.currency]
        if accounts[debit_id].must_cover:
            effects[debit_id] -= minor
        if accounts[credit_id].must_cover:
            effects[credit_id] += minor
        if accounts[debit_id].must_owe:
            effects[debit_id] += minor
        if accounts[credit_id].must_owe:
            effects[credit_id] -= minor
    for hold_id in draft.hold_ids:
        account_id, minor = unused.pop(hold_id, (None, 0))
        if account_id is not None:
            effects[account_id] += minor
    return effects


_WRITE_BATCH = """
WITH change AS (
    SELECT * FROM unnest(%(ids)s::bigint[], %(debits)s::bigint[], %(credits)s::bigint[], %(released)s::bigint[],
                         %(earliest)s::timestamptz[], %(latest)s::timestamptz[])
        AS c(id, debits, credits, released, earliest, latest)
), batch AS (
    INSERT INTO ledger_batch (id, trigger, events_count, transfers_count, accounts_count, opened_at, booked_at)
    VALUES (%(batch)s, %(trigger)s, %(events)s, %(transfers)s, %(accounts)s, %(opened_at)s, clock_timestamp())
    RETURNING booked_at
), changed AS (
    UPDATE ledger_ledgeraccount a
    SET debits_minor = a.debits_minor + c.debits, credits_minor = a.credits_minor + c.credits,
        held_minor = a.held_minor - c.released,
        effective_latest = CASE WHEN c.debits > 0 OR c.credits > 0 THEN GREATEST(a.effective_latest, c.latest)
                                ELSE a.effective_latest END
    FROM change c WHERE a.id = c.id
    RETURNING a.id, c.debits, c.credits, a.debits_minor, a.credits_minor, c.earliest, c.latest, a.effective_latest
)
INSERT INTO ledger_movement (account_id, batch_id, debits_minor, credits_minor, debits_after_minor,
                             credits_after_minor, effective_min, effective_max, effective_latest_after, late,
                             booked_at)
SELECT changed.id, %(batch)s, changed.debits, changed.credits, changed.debits_minor, changed.credits_minor,
       changed.earliest, changed.latest, changed.effective_latest,
       changed.effective_latest - changed.earliest > %(late_after)s, batch.booked_at
FROM changed, batch WHERE changed.debits > 0 OR changed.credits > 0
"""


def _write_batch(
    posted: PostedBatch,
    changes: Mapping[int, _Change],
    released: Mapping[int, int],
    *,
    trigger: str,
    opened_at: datetime,
) -> None:
    """Everything that needs the locks, in one statement: counters, movements, batch row, clock time."""
    only_released = [account_id for account_id in released if account_id not in changes]
    untouched = {account_id: _Change(opened_at, opened_at) for account_id in only_released}
    rows = [
        (id_, c.debits_minor, c.credits_minor, released.get(id_, 0), c.effective_min, c.effective_max)
        for id_, c in {**changes, **untouched}.items()
    ]
    ids, debits, credits, freed, earliest, latest = _columns(rows, 6)
    parameters: dict[str, Any] = {
        "ids": ids,
        "debits": debits,
        "credits": credits,
        "released": freed,
        "earliest": earliest,
        "latest": latest,
        "batch": posted.id,
        "trigger": trigger,
        "events": posted.events_count,
        "transfers": posted.transfers_count,
        "accounts": posted.accounts_count,
        "opened_at": opened_at,
        "late_after": LATE_AFTER,
    }
    with connection.cursor() as cursor:
        cursor.execute(_WRITE_BATCH, parameters)


def _columns(rows: Sequence[Sequence[object]], width: int) -> list[list[object]]:
    """Turn rows into the columns that unnest() takes."""
    return [[row[place] for row in rows] for place in range(width)]
