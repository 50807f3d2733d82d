"""The processes the supervisor keeps alive."""

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from marketplace.servers import PROJECT_DIR

SET_PARENT_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of prctl(2)
LOG_BYTES_MAX = 10 * 1024 * 1024

_libc = ctypes.CDLL(None)


@dataclass(frozen=True)
class Program:
    """What a child runs, and how long it may take to end in good order."""

    name: str
    command: Sequence[str]
    stop_seconds_max: float


class Child:
    """One program, started again whenever it ends without being asked."""

    def __init__(self, program: Program, *, logs: Path, environment: Mapping[str, str]) -> None:
        self.name = program.name
        self.log = logs / f"{program.name.replace(' ', '-')}.log"
        self._program = program
        self._environment = environment
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._begin_log()
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own command line
                self._program.command,
                cwd=PROJECT_DIR,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is meant for the supervisor, which ends its children in order.
                preexec_fn=end_with_parent,
            )

    def is_alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def how_it_ended(self) -> str:
        code = self._process.returncode if self._process else None
        if code is None:
            return "was not started"
        return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"

    def ask_to_end(self) -> None:
        if self._process is not None and self.is_alive():
            self._process.terminate()

    def wait_for_end(self) -> None:
        """It ends by itself within its time, or is killed; nothing of its process group is left."""
        if self._process is None:
            return
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(self._program.stop_seconds_max)
        self.kill()

    def kill(self) -> None:
        """Also what is left of a dead one: a killed web leaves workers behind that keep its port."""
        if self._process is None:
            return
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def _begin_log(self) -> None:
        if self.log.exists() and self.log.stat().st_size > LOG_BYTES_MAX:
            self.log.replace(self.log.with_suffix(".log.1"))


def end_with_parent() -> None:
    """Runs in the child before its program: when the supervisor is killed, the kernel ends the child too."""
    if sys.platform == "linux":
        _libc.prctl(SET_PARENT_DEATH_SIGNAL, signal.SIGTERM)
