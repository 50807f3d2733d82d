"""The README's walk, as printed, against what `make run` runs."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ClonedDatabase
from tests.docs.pages import PROJECT, blocks

README = PROJECT / "README.md"
START_SECONDS_MAX = 120
WALK_SECONDS_MAX = 120


@pytest.fixture
def marketplace(committed_db: ClonedDatabase, tmp_path: Path) -> Iterator[str]:
    """The address of a whole marketplace on a database of this test's own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    said = tmp_path / "said"
    inherited = {name: value for name, value in os.environ.items() if name != "REDIS_URL"}
    own = {"DJANGO_SETTINGS_MODULE": "settings.local", "VAR_DIR": str(tmp_path / "var"), "PORT": str(port)}
    with said.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "marketplace.run"],
            cwd=PROJECT,
            env=inherited | committed_db.environment | own,
            stdout=out,
            stderr=out,
        )
    try:
        deadline = time.monotonic() + START_SECONDS_MAX
        while "Ctrl-C stops everything" not in said.read_text():
            assert process.poll() is None, said.read_text()
            assert time.monotonic() < deadline, said.read_text()
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def walk() -> str:
    """The block that registers, tops up, orders, pays, refunds and proves."""
    return next(block.text for block in blocks(README, "sh") if "/accounts" in block.text)


class TestTheWalk:
    """A newcomer copies the block and sees what the page says."""

    def test_it_ends_with_the_sum_that_the_page_promises(self, marketplace: str) -> None:
        environment = os.environ | {"API": f"{marketplace}/api/v1"}
        walked = subprocess.run(
            ["bash", "-eu", "-o", "pipefail", "-c", walk()],
            env=environment,
            capture_output=True,
            text=True,
            timeout=WALK_SECONDS_MAX,
        )
        assert walked.returncode == 0, walked.stderr + walked.stdout
        *answers, last = walked.stdout.strip().splitlines()
        assert f"`{last}`" in README.read_text(), walked.stdout
        assert "problem" not in walked.stdout
        assert '    "balanced": true,' in answers
        assert '    "booked": true' in answers
        assert walked.stderr == ""
