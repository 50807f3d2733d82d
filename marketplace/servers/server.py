"""What PostgreSQL and Redis have in common: adopted, started, watched and stopped in the same way."""

import os
import signal
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import ClassVar

from .errors import ServersUnavailable
from .owner import Owner
from .places import Places
from .processes import Process, end, wait_until, working_in

LOG_BYTES_MAX = 10 * 1024 * 1024
LOG_LINES_SHOWN = 8


class EmbeddedServer(ABC):
    """One server of one VAR_DIR. Callers hold the launch lock while they start or stop it."""

    name: ClassVar[str]
    process_names: ClassVar[tuple[str, ...]]
    start_seconds_max: ClassVar[float]
    stop_signals: ClassVar[tuple[tuple[signal.Signals, float], ...]]  # each with the seconds it is given

    def __init__(self, places: Places) -> None:
        self.places = places
        self._child: subprocess.Popen[bytes] | None = None
        self._known: Process | None = None

    @property
    @abstractmethod
    def data(self) -> Path:
        """The directory the server works in; a process that works there is this server."""

    @property
    @abstractmethod
    def log(self) -> Path: ...

    @property
    @abstractmethod
    def socket(self) -> Path: ...

    @abstractmethod
    def command(self) -> Sequence[str]: ...

    @abstractmethod
    def answers(self) -> bool: ...

    def prepare(self) -> None:
        """Make the data directory ready for a start."""
        self.owner.make_private(self.data)

    @abstractmethod
    def complete(self) -> None:
        """Make what is still missing inside the running server."""

    @cached_property
    def owner(self) -> Owner:
        return self.places.owner

    def find(self) -> Process | None:
        """The running server of this data directory, whoever started it."""
        if self._child is not None:
            self._child.poll()  # A dead child must not stay a zombie.
        living = working_in(self.data, self.process_names)
        pids = {process.pid for process in living}
        return next((p for p in living if p.parent not in pids and not p.directory_deleted and self.leads(p)), None)

    def leads(self, process: Process) -> bool:
        """Whether `process` is the server itself, not an orphan of a dead one."""
        return True

    def is_alive(self) -> bool:
        """Cheap: the whole list of processes is looked through only when the known one has gone."""
        if self._child is not None:
            self._child.poll()  # A dead child must not stay a zombie.
        if self._known is None or not self._known.is_alive():
            self._known = self.find()
        return self._known is not None

    def ensure_started(self) -> bool:
        """
        Adopt the running server of this data directory or start one; whether one was started.

        :raises ServersUnavailable: it does not start; the message ends with its last words.
        """
        if self._adopt():
            return False
        self.stop()  # It is deaf, or was killed and has left something behind.
        self.prepare()
        self._child = self._spawn()
        wait_until(lambda: self.answers() or not self._child_lives(), seconds_max=self.start_seconds_max)
        if not self.answers():
            self.stop()
            raise ServersUnavailable(f"{self.name} does not start: {self._last_words()}")
        self.complete()
        return True

    def stop(self) -> None:
        """End the server and whatever a killed one has left behind; nothing happens when none runs."""
        server = self.find()
        for number, seconds_max in self.stop_signals:
            if server is None:
                break
            server.send(number)
            if wait_until(lambda: self.find() is None, seconds_max=seconds_max):
                break
        if not end(working_in(self.data, self.process_names)):
            raise ServersUnavailable(f"{self.name} of {self.places.var_dir} cannot be stopped.")
        if self._child is not None:
            self._child.wait()
            self._child = None

    def _adopt(self) -> bool:
        """A running server may still be recovering from a crash, and is waited for; one without its socket is deaf."""
        if self.find() is None:
            return False
        wait_until(lambda: self.answers() or not self.socket.exists(), seconds_max=self.start_seconds_max)
        return self.answers()

    def _child_lives(self) -> bool:
        return self._child is not None and self._child.poll() is None

    def _spawn(self) -> subprocess.Popen[bytes]:
        """In a session of its own: Ctrl-C at a terminal is not meant for it."""
        if self.log.exists() and self.log.stat().st_size > LOG_BYTES_MAX:
            self.log.replace(self.log.with_suffix(".log.1"))
        with self.log.open("ab") as log, self._explaining_refusals():
            return subprocess.Popen(  # noqa: S603 - our own command line
                self.command(),
                cwd=self.data,
                env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                **self.owner.run_as(),
            )

    @contextmanager
    def _explaining_refusals(self) -> Iterator[None]:
        try:
            yield
        except OSError as refusal:  # No right to become another user, a program for another processor …
            raise ServersUnavailable(f"{self.name} cannot be started: {refusal}.") from refusal

    def _last_words(self) -> str:
        lines = self.log.read_text(errors="replace").splitlines()[-LOG_LINES_SHOWN:]
        return "\n  ".join([f"see {self.log}", *lines])
