"""
Who is running: processes are recognised by name and working directory.

A pid file may name a process that is long gone, or a foreign one that got its number; the working
directory of a living process is kept by the kernel and cannot be stale.
"""

import os
import signal
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

POLL_SECONDS = 0.02
DELETED = " (deleted)"


@dataclass(frozen=True)
class Process:
    pid: int
    parent: int
    directory: str  # as the kernel names it

    @property
    def directory_deleted(self) -> bool:
        return self.directory.endswith(DELETED)

    def is_alive(self) -> bool:
        """A zombie has no working directory any more, and who gets the number next has another: both count as gone."""
        return _working_directory(self.pid) == self.directory

    def send(self, number: signal.Signals) -> None:
        try:
            os.kill(self.pid, number)
        except ProcessLookupError:
            return  # Gone already: what the signal was for.


def working_in(directory: Path, names: Collection[str]) -> list[Process]:
    """
    All processes called one of `names` that work in `directory`, parents before their children.

    Those whose directory was deleted and made anew are listed too: they still hold its sockets.
    """
    found = [_look_at(int(entry), directory, names) for entry in os.listdir("/proc") if entry.isdigit()]
    processes = [process for process in found if process is not None]
    pids = {process.pid for process in processes}
    return sorted(processes, key=lambda process: (process.parent in pids, process.pid))


def wait_until(condition: Callable[[], bool], *, seconds_max: float) -> bool:
    """Whether `condition` came true in time."""
    deadline = time.monotonic() + seconds_max
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True


def end(processes: Collection[Process], *, seconds_max: float = 10.0) -> bool:
    """Kill `processes`; whether all were gone in time."""
    for process in processes:
        process.send(signal.SIGKILL)
    return wait_until(lambda: not any(process.is_alive() for process in processes), seconds_max=seconds_max)


def is_living(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def _look_at(pid: int, directory: Path, names: Collection[str]) -> Process | None:
    works_in = _working_directory(pid)
    if works_in is None or works_in not in (str(directory), f"{directory}{DELETED}"):
        return None
    try:
        status = Path(f"/proc/{pid}/status").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = dict(line.split(":", 1) for line in status if ":" in line)
    if fields["Name"].strip() not in names:
        return None
    return Process(pid=pid, parent=int(fields["PPid"]), directory=works_in)


def _working_directory(pid: int) -> str | None:
    """None for a process that is gone, a zombie, or somebody else's."""
    try:
        return os.readlink(f"/proc/{pid}/cwd")
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return None
