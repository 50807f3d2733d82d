import os
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from marketplace.run.address import Address
from marketplace.run.children import Child, Program
from marketplace.run.errors import CannotRun
from marketplace.run.supervisor import RESTART_SECONDS_MAX, Patience, Supervisor
from marketplace.servers import PROJECT_DIR, Embedded, Launcher, Places
from marketplace.servers.processes import is_living, wait_until

SOON = 10.0  # seconds

SLEEPER = "import time; time.sleep(60)"
FAMILY = textwrap.dedent(
    """
    import subprocess, sys, time
    print(subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]).pid, flush=True)
    time.sleep(60)
    """
)
STUBBORN = textwrap.dedent(
    """
    import signal, time
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    print("ready", flush=True)
    time.sleep(60)
    """
)

Children = Callable[..., Child]


@pytest.fixture
def child(tmp_path: Path) -> Iterator[Children]:
    made: list[Child] = []

    def running(script: str, *, stop_seconds_max: float = 5.0) -> Child:
        program = Program(f"child {len(made)}", [sys.executable, "-c", script], stop_seconds_max)
        made.append(Child(program, logs=tmp_path, environment=dict(os.environ)))
        made[-1].start()
        return made[-1]

    yield running

    for each in made:
        each.kill()


def said_by(child: Child) -> str:
    assert wait_until(lambda: child.log.exists() and child.log.read_text().endswith("\n"), seconds_max=SOON)
    return child.log.read_text().strip()


def is_gone(pid: int) -> bool:
    """A zombie waits for its parent only: it does nothing any more."""
    return not is_living(pid) or "State:\tZ" in Path(f"/proc/{pid}/status").read_text()


class TestChild:
    """A child ends when asked, when it must, and when nobody is left to watch it."""

    def test_it_ends_when_asked(self, child: Children) -> None:
        sleeper = child(SLEEPER)

        sleeper.ask_to_end()
        sleeper.wait_for_end()

        assert not sleeper.is_alive()
        assert sleeper.how_it_ended() == "was ended by SIGTERM"

    def test_one_that_does_not_listen_is_killed_after_its_time(self, child: Children) -> None:
        stubborn = child(STUBBORN, stop_seconds_max=0.2)
        said_by(stubborn)

        stubborn.ask_to_end()
        stubborn.wait_for_end()

        assert stubborn.how_it_ended() == "was ended by SIGKILL"

    def test_nothing_of_its_family_stays(self, child: Children) -> None:
        parent = child(FAMILY)
        grandchild = int(said_by(parent))

        parent.kill()

        assert wait_until(lambda: is_gone(grandchild), seconds_max=SOON)

    def test_it_does_not_outlive_a_killed_supervisor(self, tmp_path: Path) -> None:
        script = textwrap.dedent(
            """
            import os, sys, time
            from pathlib import Path
            from marketplace.run.children import Child, Program
            child = Child(
                Program("child", ["/bin/sh", "-c", "echo $$; exec sleep 60"], 1),
                logs=Path(sys.argv[1]),
                environment=dict(os.environ),
            )
            child.start()
            time.sleep(60)
            """
        )
        supervisor = subprocess.Popen([sys.executable, "-c", script, tmp_path], cwd=PROJECT_DIR)
        log = tmp_path / "child.log"
        assert wait_until(lambda: log.exists() and log.read_text().endswith("\n"), seconds_max=SOON)
        pid = int(log.read_text())

        supervisor.kill()
        supervisor.wait()

        assert wait_until(lambda: is_gone(pid), seconds_max=SOON)


class TestSupervisor:
    """Whoever dies is started again, the more patiently the oftener it happens."""

    def test_a_killed_child_and_a_killed_server_are_started_again(
        self, child: Children, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        sleeper = child(SLEEPER)
        launcher = Launcher(Embedded(Places.of(tmp_path / "var"), postgres=False, durable=False))
        launcher.join()
        redis = launcher.servers[0]
        said: list[str] = []
        supervisor = Supervisor(launcher, [sleeper], said.append)
        found = redis.find()
        assert found is not None
        try:
            found.send(signal.SIGKILL)
            sleeper.kill()
            watch_until(supervisor, lambda: sleeper.is_alive() and redis.is_alive() and "Redis runs again." in said)
        finally:
            launcher.leave()

        assert "Redis has died; starting it again in 1 s." in said
        assert f"The child 0 was ended by SIGKILL; starting it again in 1 s. See {sleeper.log}." in said

    def test_waiting_times_double_up_to_a_limit(self) -> None:
        patience = Patience()
        waits = []
        for _ in range(7):
            waits.append(patience.died())
            assert patience.died() is None
            patience.started()

        assert waits == [1, 2, 4, 8, 16, RESTART_SECONDS_MAX, RESTART_SECONDS_MAX]


def watch_until(supervisor: Supervisor, condition: Callable[[], bool]) -> None:
    """`watch` goes on until it is interrupted, as Ctrl-C does."""
    signal.signal(signal.SIGALRM, interrupt)
    pid = os.getpid()

    def interrupt_when_true() -> None:
        wait_until(condition, seconds_max=SOON)
        os.kill(pid, signal.SIGALRM)

    observer = threading.Thread(target=interrupt_when_true)
    observer.start()
    with pytest.raises(InterruptedError):
        supervisor.watch()
    observer.join()
    assert condition()


def interrupt(number: int, frame: object) -> None:
    raise InterruptedError


class TestAddress:
    """HOST and PORT say where the web listens; what cannot be is said in a sentence."""

    def test_by_default_only_this_machine_reaches_it(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("HOST", raising=False)
        monkeypatch.delenv("PORT", raising=False)

        assert Address.wanted() == Address("127.0.0.1", 8000)

    @pytest.mark.parametrize("port", ["0", "65536", "-1", "http", "8000.0", "٨٠"])
    def test_a_port_that_is_none_is_refused(self, monkeypatch: pytest.MonkeyPatch, port: str) -> None:
        monkeypatch.setenv("PORT", port)

        with pytest.raises(CannotRun, match="PORT must be a number from 1 to 65535"):
            Address.wanted()

    @pytest.mark.parametrize(
        ("host", "bind", "url"),
        [
            ("127.0.0.1", "127.0.0.1:80", "http://127.0.0.1:80"),
            ("0.0.0.0", "0.0.0.0:80", "http://localhost:80"),
            ("::", "[::]:80", "http://localhost:80"),
            ("shop.example", "shop.example:80", "http://shop.example:80"),
        ],
    )
    def test_it_is_written_as_gunicorn_and_browsers_want_it(self, host: str, bind: str, url: str) -> None:
        assert (Address(host, 80).bind, Address(host, 80).url) == (bind, url)

    def test_a_foreign_address_is_refused(self) -> None:
        with pytest.raises(CannotRun, match="cannot listen at"):
            Address("192.0.2.1", 8000).ensure_free()
