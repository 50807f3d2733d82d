"""
An import goes on while everything around it is killed, and ends with the figures of an undisturbed one.

The undisturbed one runs here, alone and without workers; the disturbed one beside a whole house.
"""

import csv
import re
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from tests.journeys.house import House, wait_for
from tests.replay.histories import HEADING, head_of
from tests.sample_data import sample_file

FINISHED_SECONDS_MAX = 240.0
MONEY_WORKER, WEB = "--queues money", "gunicorn"
# Beside workers, earnings are released as soon as the world's clock says so; alone, when the file's does.
DEPENDS_ON_WORKERS = (r" \(pending .*\)", r"listed in .*", r"^rate .*", r"^trial balance .*")


def figures(printed: str) -> list[str]:
    """What must be the same, line by line."""
    lines = (re.sub("|".join(DEPENDS_ON_WORKERS), "", line) for line in printed.splitlines())
    return [line for line in lines if line]


def undisturbed(file: Path, report: Path) -> list[str]:
    printed = StringIO()
    call_command("replay_orders", file, stdout=printed, report=report)
    return figures(printed.getvalue())


def imported(house: House, source: str) -> int:
    """How many of its invoices are in the books; -1 while nobody can tell."""
    found = house.ask(
        f"SELECT count(*) FROM replay_invoice i JOIN replay_party p ON p.id = i.seller_id WHERE p.source = '{source}'"
    )
    return -1 if found is None else found


@pytest.fixture
def small_file(tmp_path: Path) -> Path:
    """A made-up shop: 30 customers who buy every few days for some weeks, and bring every fourth thing back."""
    rows: list[list[Any]] = []
    for number in range(120):
        day = f"2024-01-{1 + number % 120 // 5:02} {9 + number % 5:02}:00:00"
        customer, code = number % 30, f"ITEM{number % 17}"
        for line in range(1 + number % 4):
            rows.append(
                [
                    number,
                    f"{code}-{line}",
                    f"Thing {line}",
                    2 + line,
                    day,
                    f"{1 + number % 9}.{number % 10}5",
                    customer,
                    "Wales",
                ]
            )
        if number % 4 == 3:
            rows.append(
                [f"C{number}", f"{code}-0", "Thing 0", -1, day, f"{1 + number % 9}.{number % 10}5", customer, "Wales"]
            )
    path = tmp_path / "made_up_shop.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([HEADING.split(","), *rows])
    return path


@pytest.fixture
def real_file(tmp_path: Path) -> Path:
    return head_of(sample_file("orders/online_retail.csv.gz"), lines=3200, to=tmp_path / "online_retail.csv")


class TestKillingEverything:
    """`kill -9` of the worker, the web, PostgreSQL, Redis and the import itself, one after the other."""

    @pytest.mark.parametrize("file", ["small_file", "real_file"])
    def test_ends_with_the_same_figures(
        self, request: pytest.FixtureRequest, file: str, committed_db: Any, house: House, tmp_path: Path
    ) -> None:
        path: Path = request.getfixturevalue(file)
        expected = undisturbed(path, tmp_path / "refused.csv")
        invoices = int(next(line for line in expected if line.startswith("invoices read")).split()[-1])
        source = path.stem.replace("_", "-")
        kills: list[Callable[[], object]] = [
            lambda: house.kill_child(MONEY_WORKER),
            lambda: house.kill_server("PostgreSQL"),
            lambda: house.kill_child(WEB),
            lambda: house.kill_server("Redis"),
        ]

        disturbed = house.manage("replay_orders", path)
        for number, kill in enumerate(kills):
            reached = invoices * (number + 1) // 8
            wait_for(lambda reached=reached: imported(house, source) >= reached, seconds=FINISHED_SECONDS_MAX)
            assert disturbed.poll() is None, "It was over before the kill."
            kill()
        disturbed.kill()
        disturbed.communicate()
        wait_for(lambda: house.is_whole() and house.answers())
        assert 0 < imported(house, source) < invoices
        again = house.manage("replay_orders", path)
        printed, errors = again.communicate(timeout=FINISHED_SECONDS_MAX)

        assert again.returncode == 0, errors[-2000:]
        assert figures(printed) == expected
        assert set(re.findall(r"^trial balance .* difference (.*) \w+$", printed, re.MULTILINE)) <= {
            "0",
            "0.00",
            "0.000",
        }
        checked = house.manage("verify_books")
        findings, errors = checked.communicate(timeout=FINISHED_SECONDS_MAX)
        assert checked.returncode == 0, findings + errors
