"""Starts the embedded servers for whoever needs them, and stops them when the last one leaves."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from .errors import ServersUnavailable
from .places import Places
from .postgres import Postgres
from .processes import wait_until
from .redis_server import Redis
from .server import EmbeddedServer

LAUNCH_SECONDS_MAX = 330.0  # longer than the longest start
HAS_PROC = Path("/proc/self/cwd").exists()


@dataclass(frozen=True)
class Embedded:
    """Which servers run embedded under which VAR_DIR; those that have a URL do not."""

    places: Places
    postgres: bool = True
    redis: bool = True
    durable: bool = True

    def servers(self) -> list[EmbeddedServer]:
        servers: list[EmbeddedServer] = []
        if self.postgres:
            servers.append(Postgres(self.places, durable=self.durable))
        if self.redis:
            servers.append(Redis(self.places))
        return servers


class Launcher:
    """
    One user of the embedded servers of one VAR_DIR.

    Users hold a shared lock while they use the servers. The kernel drops the lock of a killed user, so
    nobody has to clean up after it.
    """

    def __init__(self, embedded: Embedded) -> None:
        self.places = embedded.places
        self.servers = embedded.servers()
        self._membership: IO[bytes] | None = None

    def join(self) -> None:
        """
        Use the servers: those that run are adopted, the others started.

        :raises ServersUnavailable: one does not start, or VAR_DIR is not ours to write.
        """
        self._prepare_var_dir()
        if not self.servers:
            return
        if not HAS_PROC:
            raise ServersUnavailable("The embedded servers need Linux: set DATABASE_URL and REDIS_URL to real ones.")
        with self.launching():
            self._membership = self.places.users_lock.open("ab")
            fcntl.flock(self._membership, fcntl.LOCK_SH)
            self.places.owner.make_private(self.places.sockets)
            for server in self.servers:
                server.ensure_started()

    def leave(self) -> bool:
        """Use them no longer; the last user stops them. Whether that was us."""
        if self._membership is None:
            return False
        with self.launching():
            last = _try_lock(self._membership, fcntl.LOCK_EX)
            if last:
                self._stop()
            fcntl.flock(self._membership, fcntl.LOCK_UN)
            self._membership.close()
            self._membership = None
        return last

    def revive(self, server: EmbeddedServer) -> None:
        """
        Start a server that has died under its users.

        :raises ServersUnavailable: it does not start.
        """
        with self.launching():
            self.places.owner.make_private(self.places.sockets)
            server.ensure_started()

    @contextmanager
    def launching(self) -> Iterator[None]:
        """Only one launcher of a VAR_DIR starts or stops servers at a time."""
        with self.places.launch_lock.open("ab") as lock:
            if not wait_until(lambda: _try_lock(lock, fcntl.LOCK_EX), seconds_max=LAUNCH_SECONDS_MAX):
                raise ServersUnavailable(f"Somebody else has been starting {self.places.var_dir} for too long.")
            yield

    def _stop(self) -> None:
        """All servers of this VAR_DIR: who left before may have used one that we did not need."""
        for server in (*reversed(self.servers), *Embedded(self.places).servers()):
            server.stop()
        if not self.places.sockets_are_inside:
            with suppress(FileNotFoundError):
                shutil.rmtree(self.places.sockets)

    def _prepare_var_dir(self) -> None:
        try:
            self.places.var_dir.mkdir(parents=True, exist_ok=True)
            self.places.logs.mkdir(mode=0o700, exist_ok=True)
        except OSError as refusal:
            raise ServersUnavailable(f"VAR_DIR cannot be used: {refusal}.") from refusal
        if not os.access(self.places.var_dir, os.W_OK | os.X_OK):
            raise ServersUnavailable(f"{self.places.var_dir} belongs to another user: choose another VAR_DIR.")


@contextmanager
def using(embedded: Embedded | None) -> Iterator[Launcher | None]:
    """The embedded servers run inside this block; None stands for real servers elsewhere."""
    if embedded is None:
        yield None
        return
    launcher = Launcher(embedded)
    launcher.join()
    try:
        yield launcher
    finally:
        launcher.leave()


def claim(lock_path: Path) -> IO[bytes] | None:
    """An exclusive lock kept as long as the returned file is open; None when somebody else has it."""
    lock = lock_path.open("ab")
    if _try_lock(lock, fcntl.LOCK_EX):
        return lock
    lock.close()
    return None


def _try_lock(lock: IO[bytes], kind: int) -> bool:
    try:
        fcntl.flock(lock, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
