"""
Workers that meet their doom at a chosen statement.

A worker is forked from the test's process, so that it starts in milliseconds. Its connection counts what it
sends, and at the chosen place it dies (`kill -9`), or PostgreSQL fails it there.
"""

import io
import os
import signal
import struct
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from typing import Any

import psycopg2
from django.db import connection, connections
from psycopg2.extensions import STATUS_READY
from psycopg2.extensions import connection as RawConnection
from psycopg2.extensions import cursor as RawCursor

WORKER_SECONDS_MAX = 60.0
CHUNK_BYTES = 8192  # What COPY reads at once.


class Moment(Enum):
    """When a worker dies: the statement unsent, sent but not answered, half sent (COPY), or answered."""

    BEFORE = "before"
    DURING = "during"
    HALF_SENT = "half sent"
    AFTER = "after"


class Freeze(Enum):
    """When a worker stops moving (`SIGSTOP`), with all that it holds."""

    BEFORE = "frozen before"
    AFTER = "frozen after"


class Failure(Enum):
    """What PostgreSQL does to a worker in place of a statement."""

    CUT = "connection cut"
    DEADLOCK = "deadlock"
    TIMEOUT = "statement timeout"


ERROR_CODES = {Failure.DEADLOCK: "40P01", Failure.TIMEOUT: "57014"}


@dataclass(frozen=True)
class Doom:
    """The place, counted from 1, at which this happens once."""

    statement: int
    how: Moment | Freeze | Failure

    def __str__(self) -> str:
        return f"{self.how.value} at statement {self.statement}"


class _Fate:
    """How far this process has come."""

    doom: Doom | None = None
    is_met = False
    is_watching = False

    def __init__(self) -> None:
        self.sent: list[str] = []  # The first word of each statement.

    def next(self, text: bytes) -> Moment | Freeze | Failure | None:
        if not self.is_watching:
            return None
        self.sent.append(text.split(maxsplit=1)[0].decode())
        if self.doom is None or self.is_met or len(self.sent) != self.doom.statement:
            return None
        self.is_met = True
        return self.doom.how


_fate = _Fate()


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _freeze() -> None:
    os.kill(os.getpid(), signal.SIGSTOP)


class DoomedCursor(RawCursor):
    """Every statement goes through here."""

    def execute(self, statement: Any, parameters: Any = None) -> None:
        text = _as_text(self, statement, parameters)
        self._send(text, lambda: super(DoomedCursor, self).execute(statement, parameters))

    def copy_expert(self, statement: Any, file: Any, *size: int) -> None:
        rows = b"".join(iter(lambda: file.read(1 << 16), b""))
        whole, half = io.BytesIO(rows), io.BytesIO(rows[: len(rows) // 2])
        self._send(
            _as_text(self, statement, None),
            lambda: super(DoomedCursor, self).copy_expert(statement, whole, *size),
            half_sent=lambda: super(DoomedCursor, self).copy_expert(statement, _LastWords(half), *size),
        )

    def _send(self, text: bytes, send: Callable[[], Any], half_sent: Callable[[], Any] = _die) -> None:
        how = _fate.next(text)
        if how is Moment.BEFORE:
            _die()
        elif how is Moment.DURING:
            _send_and_die(self.connection, text)
        elif how is Moment.HALF_SENT:
            half_sent()
        elif how is Freeze.BEFORE:
            _freeze()
        elif isinstance(how, Failure):
            _fail(self.connection, how)
        send()
        _meet_afterwards(how)


class DoomedConnection(RawConnection):
    """Cuts and kills also meet COMMIT and ROLLBACK."""

    def cursor(self, *args: Any, **kwargs: Any) -> Any:
        return super().cursor(*args, **{**kwargs, "cursor_factory": DoomedCursor})

    def commit(self) -> None:
        self._end(b"COMMIT", super().commit)

    def rollback(self) -> None:
        self._end(b"ROLLBACK", super().rollback)

    def _end(self, text: bytes, send: Callable[[], None]) -> None:
        how = _fate.next(text)
        if how is Moment.BEFORE:
            _die()
        elif how in (Moment.DURING, Moment.HALF_SENT):
            _send_and_die(self, text)
        elif how is Freeze.BEFORE:
            _freeze()
        elif isinstance(how, Failure):
            _fail(self, Failure.CUT)
        send()
        _meet_afterwards(how)


class _LastWords:
    """A file that ends with its reader's life."""

    def __init__(self, file: Any) -> None:
        self._file = file

    def read(self, size: int = CHUNK_BYTES) -> Any:
        found = self._file.read(size)
        if not found:
            _die()
        return found


def _meet_afterwards(how: Moment | Freeze | Failure | None) -> None:
    if how is Moment.AFTER:
        _die()
    elif how is Freeze.AFTER:
        _freeze()


def _as_text(cursor: RawCursor, statement: Any, parameters: Any) -> bytes:
    return cursor.mogrify(statement, parameters) if parameters is not None else str(statement).encode()


def _send_and_die(raw: RawConnection, text: bytes) -> None:
    """PostgreSQL gets the whole statement, and has nobody to answer to."""
    if raw.status == STATUS_READY and not raw.autocommit:
        text = b"BEGIN; " + text
    os.write(raw.fileno(), b"Q" + struct.pack("!I", len(text) + 5) + text + b"\0")
    _die()


def _fail(raw: RawConnection, failure: Failure) -> None:
    if failure is Failure.CUT:
        _cut(raw.info.backend_pid)
        return
    with RawConnection.cursor(raw) as cursor:
        cursor.execute(
            f"DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '{ERROR_CODES[failure]}', MESSAGE = '{failure.value}'; END $$"
        )


def _cut(backend_pid: int) -> None:
    """As an administrator, or a server that goes down, would."""
    other = psycopg2.connect(**{k: v for k, v in connection.get_connection_params().items() if k in _PLACE})
    try:
        other.autocommit = True
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s)", [backend_pid])
            while True:
                cursor.execute("SELECT 1 FROM pg_stat_activity WHERE pid = %s", [backend_pid])
                if not cursor.fetchone():
                    return
    finally:
        other.close()


_PLACE = ("dbname", "user", "password", "host", "port")


@dataclass(frozen=True)
class Worker:
    """A forked process at work."""

    pid: int

    def until_frozen(self) -> None:
        """Wait until it has stopped moving; it must not have ended."""
        pid, status = os.waitpid(self.pid, os.WUNTRACED)
        assert pid == self.pid
        assert os.WIFSTOPPED(status), "It never froze."

    def thaw(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)

    def end(self) -> bool:
        """Wait for its end; whether it was killed. Any other failure of it is the test's."""
        return end_all([self])[0]

    def poll(self, when_frozen: Callable[["Worker"], None]) -> bool | None:
        """Whether it was killed, once it has ended."""
        pid, status = os.waitpid(self.pid, os.WNOHANG | os.WUNTRACED)
        if not pid:
            return None
        if os.WIFSTOPPED(status):
            when_frozen(self)
            return None
        was_killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        assert was_killed or os.waitstatus_to_exitcode(status) == 0, "It failed; its traceback is in the output."
        return was_killed


def end_all(workers: Sequence[Worker], *, when_frozen: Callable[[Worker], None] = lambda _: None) -> list[bool]:
    """Wait for the ends of all; which of them were killed."""
    deadline, ended = time.monotonic() + WORKER_SECONDS_MAX, dict[Worker, bool]()
    while len(ended) < len(workers):
        for worker in workers:
            if worker not in ended and (was_killed := worker.poll(when_frozen)) is not None:
                ended[worker] = was_killed
        if time.monotonic() > deadline:
            for worker in set(workers) - set(ended):
                worker.kill()
                os.waitpid(worker.pid, 0)
            raise AssertionError("A worker never ended.")
        time.sleep(0.001)
    return [ended[worker] for worker in workers]


def start(work: Callable[[], Any], doom: Doom | None = None, *, database_options: str = "") -> Worker:
    """
    Fork a process that does this work with a connection of its own, and ends.

    `database_options`: settings of its sessions, as `-c name=value`.

    The caller's connection is closed first: a child must not speak on it.
    """
    connections.close_all()
    pid = os.fork()
    if pid:
        return Worker(pid)
    code = 1
    try:
        options = connection.settings_dict["OPTIONS"]
        options["options"] = f"{options.get('options', '')} {database_options}"
        _be_doomed(doom)
        work()
        code = 0
    except BaseException:  # noqa: BLE001 - the parent asserts that it ended well
        traceback.print_exc()
    finally:
        os._exit(code)


def _be_doomed(doom: Doom | None) -> None:
    connection.settings_dict["OPTIONS"]["connection_factory"] = DoomedConnection
    connection.ensure_connection()
    _fate.doom, _fate.is_met, _fate.is_watching = doom, False, True
    _fate.sent.clear()


@contextmanager
def unwatched() -> Iterator[None]:
    """Statements that are no part of what is tested."""
    before, _fate.is_watching = _fate.is_watching, False
    try:
        yield
    finally:
        _fate.is_watching = before


def statements_of(work: Callable[[], Any]) -> list[str]:
    """Do the work undisturbed, in this process, and return the first word of each statement it sends."""
    connections.close_all()
    try:
        _be_doomed(None)
        work()
        return list(_fate.sent)
    finally:
        _fate.is_watching = False
        connection.settings_dict["OPTIONS"].pop("connection_factory")
        connections.close_all()
