import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from marketplace.servers import PROJECT_DIR, Embedded, Places
from marketplace.servers.processes import wait_until

START_SECONDS_MAX = 240.0
SOON = 60.0  # seconds

Run = Callable[[], "Running"]


class Running:
    """What `make run` runs, with everything it says."""

    def __init__(self, var_dir: Path, port: int, said: Path) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.said = said
        with said.open("wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "marketplace.run"],
                cwd=PROJECT_DIR,
                env={
                    **os.environ,
                    "DJANGO_SETTINGS_MODULE": "settings.local",
                    "VAR_DIR": str(var_dir),
                    "PORT": str(port),
                },
                stdout=out,
                stderr=out,
            )

    def says(self, words: str, *, seconds_max: float = SOON) -> bool:
        return wait_until(
            lambda: words in self.said.read_text() or self.process.poll() is not None, seconds_max=seconds_max
        ) and (words in self.said.read_text())

    def has_started(self) -> bool:
        return self.says("Ctrl-C stops everything", seconds_max=START_SECONDS_MAX)

    def web_answers(self) -> bool:
        try:
            urllib.request.urlopen(f"{self.url}/healthz", timeout=SOON).close()
        except urllib.error.HTTPError:
            return True
        except OSError:
            return False
        return True

    def end(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        return self.process.wait(SOON)


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def run(tmp_path: Path, port: int) -> Iterator[Run]:
    runs: list[Running] = []

    def started() -> Running:
        runs.append(Running(tmp_path / "var", port, tmp_path / f"said-{len(runs)}"))
        return runs[-1]

    yield started

    for each in runs:
        if each.process.poll() is None:
            each.end(signal.SIGTERM)
    for server in Embedded(Places.of(tmp_path / "var")).servers():
        server.stop()


def children_of(parent: int) -> dict[int, str]:
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and f"\nPPid:\t{parent}\n" in status(entry):
            found[int(entry.name)] = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
    return found


def status(process: Path) -> str:
    try:
        return (process / "status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""


class TestRun:
    """One command runs everything; whatever is killed comes again, and nothing stays when it ends."""

    def test_it_survives_kills_keeps_its_data_and_ends_in_order(self, run: Run, tmp_path: Path) -> None:
        first = run()
        assert first.has_started(), first.said.read_text()
        assert first.web_answers()

        second = run()
        assert second.process.wait(SOON) != 0
        assert f"already runs from {tmp_path / 'var'}: process {first.process.pid}" in second.said.read_text()

        for pid in children_of(first.process.pid):  # PostgreSQL and Redis too: this run has started them.
            os.kill(pid, signal.SIGKILL)
        assert first.says("PostgreSQL runs again.")
        assert first.says("Redis runs again.")
        assert first.says("The web was ended by SIGKILL")
        assert wait_until(first.web_answers, seconds_max=SOON)

        first.end(signal.SIGKILL)
        third = run()
        assert third.has_started(), third.said.read_text()
        assert third.web_answers()
        family = children_of(third.process.pid)
        assert third.end(signal.SIGINT) == 0

        assert third.said.read_text().endswith("Stopped.\n")
        assert not any(Path(f"/proc/{pid}").exists() for pid in family)
        assert not any(server.find() for server in Embedded(Places.of(tmp_path / "var")).servers())

    def test_a_taken_port_is_said_in_a_sentence(self, run: Run, port: int) -> None:
        with socket.socket() as other:
            other.bind(("127.0.0.1", port))
            other.listen()

            taken = run()
            assert taken.process.wait(SOON) != 0

        assert taken.said.read_text() == (
            f"127.0.0.1:{port} is taken: choose another port, for example PORT={port + 1} make run.\n"
        )
