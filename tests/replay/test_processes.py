"""Several processes import the same as one, and none outlives the one that started them."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from marketplace.servers import PROJECT_DIR
from replay.models import Invoice
from replay.reading import Customer
from replay.services.processes import share_of
from tests.conftest import ClonedDatabase
from tests.replay.histories import HEADING, cancellation, sale, write

ENDED_SECONDS_MAX = 60.0


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Twenty customers who buy on five days and bring something back."""
    lines = []
    for day in range(1, 6):
        for customer in range(20):
            number, at = f"{day}{customer:02}", f"2025-01-{day:02}"
            lines.append(sale(number, at, customer=f"{customer}", quantity=3, price=f"{1 + customer}.25"))
            if (day + customer) % 4 == 0:
                lines.append(cancellation(number, at, customer=f"{customer}", price=f"{1 + customer}.25"))
    return write(tmp_path / "market.csv", *lines, heading=HEADING)


def start(file: Path, database: ClonedDatabase, *options: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "manage.py", "replay_orders", str(file), "--report", f"{file}.refused", *options],
        cwd=PROJECT_DIR,
        env={**os.environ, **database.environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def ended(process: "subprocess.Popen[str]") -> list[str]:
    """What it printed, but for the rate."""
    printed, errors = process.communicate(timeout=ENDED_SECONDS_MAX)
    assert process.returncode == 0, errors
    return [line for line in printed.splitlines() if not line.startswith("rate")]


def family(leader: int) -> list[int]:
    """The living processes of a session."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                state, _parent, _group, session = (entry / "stat").read_text().rpartition(")")[2].split()[:4]
                if int(session) == leader and state != "Z":
                    found.append(int(entry.name))
    return found


class TestSeveralProcesses:
    """Customers are shared out; everybody's invoices keep their order."""

    def test_import_what_one_does(self, committed_db: ClonedDatabase, file: Path) -> None:
        one = ended(start(file, committed_db, "--source", "one"))
        three = ended(start(file, committed_db, "--source", "three", "--processes", "3"))

        def of_source(printed: list[str]) -> list[str]:
            return [line for line in printed if not line.startswith(("refused lines", "trial balance"))]

        assert of_source(three) == of_source(one)
        assert any(line.endswith("difference 0.00 GBP") for line in three)
        assert [line.startswith("money in ") for line in three].count(True) == 1

    def test_end_with_the_one_that_started_them(self, committed_db: ClonedDatabase, file: Path) -> None:
        leader = start(file, committed_db, "--source", "killed", "--processes", "2")
        deadline = time.monotonic() + ENDED_SECONDS_MAX
        while not Invoice.objects.filter(seller__source="killed").exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        os.kill(leader.pid, signal.SIGKILL)
        leader.communicate()

        deadline = time.monotonic() + ENDED_SECONDS_MAX
        while family(leader.pid) and time.monotonic() < deadline:
            time.sleep(0.05)

        assert family(leader.pid) == []
        again = ended(start(file, committed_db, "--source", "killed", "--processes", "2"))
        assert again[0].split() == ["invoices", "read", "125"]

    def test_always_share_in_the_same_way(self) -> None:
        shares = [share_of(Customer(f"{number}", "France"), 4) for number in range(1000)]

        assert shares[:5] == [share_of(Customer(f"{number}", "Spain"), 4) for number in range(5)]
        assert all(shares.count(share) > 200 for share in range(4))
