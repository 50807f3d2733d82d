"""Keeps the servers and the programs alive, and stops them in order."""

import time
from collections.abc import Callable, Sequence

from marketplace.servers import Launcher, ServersUnavailable
from marketplace.servers.server import EmbeddedServer

from .children import Child

TICK_SECONDS = 0.25
RESTART_SECONDS_MIN = 1.0
RESTART_SECONDS_MAX = 30.0
STEADY_SECONDS = 60.0  # who has lived so long is restarted without the patience learned before


class Patience:
    """How long to wait before the next start of something that keeps dying: twice as long each time."""

    def __init__(self) -> None:
        self._wait_seconds = RESTART_SECONDS_MIN
        self._started_at = time.monotonic()
        self._due_at: float | None = None

    def started(self) -> None:
        self._started_at = time.monotonic()
        self._due_at = None

    def rest(self) -> None:
        """It lives: somebody else may have started it."""
        self._due_at = None

    def died(self) -> float | None:
        """The seconds until the next start, told once; afterwards None."""
        if self._due_at is not None:
            return None
        if time.monotonic() - self._started_at > STEADY_SECONDS:
            self._wait_seconds = RESTART_SECONDS_MIN
        wait_seconds, self._wait_seconds = self._wait_seconds, min(2 * self._wait_seconds, RESTART_SECONDS_MAX)
        self._due_at = time.monotonic() + wait_seconds
        return wait_seconds

    def is_due(self) -> bool:
        return self._due_at is not None and time.monotonic() >= self._due_at


class Supervisor:
    """Starts the children, restarts whoever dies, and ends everything when told."""

    def __init__(self, launcher: Launcher, children: Sequence[Child], say: Callable[[str], None]) -> None:
        self._launcher = launcher
        self._children = children
        self._say = say
        self._patience = {part: Patience() for part in (*launcher.servers, *children)}

    def start(self) -> None:
        for child in self._children:
            child.start()
            self._patience[child].started()

    def watch(self) -> None:
        """For ever, until an exception (KeyboardInterrupt: somebody wants it to end) breaks it."""
        while True:
            for server in self._launcher.servers:
                self._look_after_server(server)
            for child in self._children:
                self._look_after_child(child)
            time.sleep(TICK_SECONDS)

    def stop(self) -> None:
        """The web first, so that nothing new comes in; then beat and workers, which finish what they have begun."""
        for child in reversed(self._children):
            child.ask_to_end()
        for child in reversed(self._children):
            child.wait_for_end()

    def kill(self) -> None:
        for child in self._children:
            child.kill()

    def _look_after_server(self, server: EmbeddedServer) -> None:
        patience = self._patience[server]
        if server.is_alive():
            patience.rest()
            return
        if wait_seconds := patience.died():
            self._say(f"{server.name} has died; starting it again in {wait_seconds:.0f} s.")
        if not patience.is_due():
            return
        patience.started()
        try:
            self._launcher.revive(server)
        except ServersUnavailable as refusal:
            self._say(str(refusal))
        else:
            self._say(f"{server.name} runs again.")

    def _look_after_child(self, child: Child) -> None:
        if child.is_alive():
            return
        patience = self._patience[child]
        if wait_seconds := patience.died():
            self._say(
                f"The {child.name} {child.how_it_ended()}; starting it again in {wait_seconds:.0f} s. See {child.log}."
            )
        if patience.is_due():
            child.kill()
            child.start()
            patience.started()
