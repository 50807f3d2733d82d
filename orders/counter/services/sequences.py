"""
Sequences: the till's own names for what it wants done, made before the first attempt.

One at a time per sequence, by an advisory lock that a second create does not wait for and a cancel does.
What was answered first is kept in the transaction of its effect, and repeated for ever.

The till's own row is locked with it, shared: a seller who closes takes its tills out of service first, and so
waits for what they have begun. No till waits for another one, nor is anything locked that they have in common.
"""

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from django.db import connection

from core.prepared import Prepared
from orders.counter.errors import (
    RefundNotCancellable,
    SequenceCancelled,
    SequenceInUse,
    SequenceReused,
    TerminalKeyUnknown,
)
from orders.counter.models import CounterTrade, Terminal, TillRequest
from orders.models import Refund

NOT_CREATED = "not_created"

_BEGIN = Prepared(
    "begin_sequence",
    """
    SELECT pg_try_advisory_xact_lock(%(lock)s), r.id, r.kind, r.request_digest, r.answer
    FROM orders_terminal t LEFT JOIN orders_tillrequest r ON r.terminal_id = t.id AND r.sequence = %(sequence)s
    WHERE t.id = %(terminal)s AND t.revoked_at IS NULL FOR SHARE OF t
    """,
)
# pg_locks splits the 64 bits of an advisory lock's key in two; 1 marks a key of 64 bits.
_IS_RUNNING = """
SELECT EXISTS (
    SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 1
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND classid::bigint = (%(key)s::bigint >> 32) & 4294967295 AND objid::bigint = %(key)s::bigint & 4294967295
)
"""
_KEEP = Prepared(
    "keep_till_request",
    """
    INSERT INTO orders_tillrequest (terminal_id, sequence, kind, request_digest, answer, trade_id, refund_id)
    VALUES (%(terminal)s, %(sequence)s, %(kind)s, %(digest)s, %(answer)s, %(trade)s, %(refund)s)
    ON CONFLICT (terminal_id, sequence) DO NOTHING
    """,
)


class AnsweredMeanwhile(Exception):
    """A twin committed between our look-up and now; what was done must be rolled back, and its answer repeated."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One request of a till under one of its sequences; `digest` says what it asks for."""

    terminal: Terminal
    sequence: int
    kind: TillRequest.Kind
    digest: str

    @classmethod
    def of(cls, terminal: Terminal, kind: TillRequest.Kind, body: dict[str, Any], *, subject: str = "") -> "Asked":
        """`body` as it was sent; `subject`: what it is about beside that."""
        written = json.dumps([kind, subject, body], sort_keys=True, separators=(",", ":"))
        return cls(terminal, body["sequence"], kind, hashlib.sha256(written.encode()).hexdigest())


def begin(asked: Asked) -> str | None:
    """
    Take the sequence for this transaction; return the body of the first answer, None where there is none.

    :raises TerminalKeyUnknown: the till was taken out of service this moment.
    :raises SequenceInUse: a twin is running.
    :raises SequenceCancelled: it was cancelled before anything came of it.
    :raises SequenceReused: it was used for something else.
    """
    lock = _lock_number(asked.terminal, asked.sequence)
    begun = _BEGIN.row(lock=lock, sequence=asked.sequence, terminal=asked.terminal.pk)
    if begun is None:
        raise TerminalKeyUnknown
    is_ours, key, kind, digest, answer = begun
    if key is not None:
        return _first_answer(kind, digest, answer, asked)
    if not is_ours:
        raise SequenceInUse
    return None


def look_up(asked: Asked) -> str | None:
    """Return the first answer without taking the sequence; the refusals are those of `begin`."""
    found = find_request(asked.terminal, asked.sequence)
    return _first_answer(found.kind, found.request_digest, found.answer, asked) if found else None


def keep(asked: Asked, *, answer: str, trade: CounterTrade, refund: Refund | None = None) -> None:
    """
    Keep an answer with its effect; both commit, or neither.

    :raises AnsweredMeanwhile: a twin was faster.
    """
    _insert(asked.terminal, asked.sequence, asked.kind, asked.digest, answer, trade, refund)


def wait_for(terminal: Terminal, sequence: int) -> TillRequest | None:
    """Take a sequence for this transaction, after whoever has it; return what came of it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_lock_number(terminal, sequence)])
    return find_request(terminal, sequence)  # In a statement of its own: it sees what was waited for.


def bury(terminal: Terminal, sequence: int) -> None:
    """Leave a tombstone under a sequence that is ours: whatever comes late under it is refused."""
    answer = json.dumps({"result": NOT_CREATED})
    _insert(terminal, sequence, TillRequest.Kind.CANCELLED, "", answer, None, None)


def is_running(terminal: Terminal, sequence: int) -> bool:
    """Whether somebody has the sequence just now; ask before looking what came of it."""
    with connection.cursor() as cursor:
        cursor.execute(_IS_RUNNING, {"key": _lock_number(terminal, sequence)})
        return cursor.fetchone()[0]


def find_request(terminal: Terminal, sequence: int) -> TillRequest | None:
    """Return what a till asked for under a sequence."""
    found = TillRequest.objects.select_related("trade__order")
    return found.filter(terminal=terminal, sequence=sequence).first()


def ensure_cancellable(request: TillRequest) -> None:
    """:raises RefundNotCancellable: it gave money back."""
    if request.kind == TillRequest.Kind.REFUND:
        raise RefundNotCancellable


def _first_answer(kind: str, digest: str, answer: str, asked: Asked) -> str:
    if kind == TillRequest.Kind.CANCELLED:
        raise SequenceCancelled
    if digest != asked.digest:
        raise SequenceReused
    return answer


def _insert(
    terminal: Terminal,
    sequence: int,
    kind: TillRequest.Kind,
    digest: str,
    answer: str,
    trade: CounterTrade | None,
    refund: Refund | None,
) -> None:
    kept = _KEEP.run(
        terminal=terminal.pk,
        sequence=sequence,
        kind=kind,
        digest=digest,
        answer=answer,
        trade=trade.pk if trade else None,
        refund=refund.pk if refund else None,
    )
    if not kept:
        raise AnsweredMeanwhile


def _lock_number(terminal: Terminal, sequence: int) -> int:
    digest = hashlib.sha256(f"orders.counter\0{terminal.public_id}\0{sequence}".encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)
