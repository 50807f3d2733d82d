"""`manage.py replay_orders`: what the terminal and the report file say."""

import csv
import gzip
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from tests.replay.histories import HEADING, cancellation, head_of, sale, write
from tests.sample_data import sample_file

pytestmark = pytest.mark.django_db


def run(file: Path, report: Path, **options: Any) -> dict[str, str]:
    """What is printed, by the name at the beginning of each line."""
    printed = StringIO()
    call_command("replay_orders", file, stdout=printed, report=report, **options)
    return {line[:24].rstrip(): line[24:] for line in printed.getvalue().splitlines()}


@pytest.fixture
def report(tmp_path: Path) -> Path:
    return tmp_path / "refused.csv"


class TestWhatItPrints:
    """The figures of an import, with a trial balance that has no difference."""

    def test_figures_to_the_penny(self, tmp_path: Path, report: Path) -> None:
        file = write(
            tmp_path / "corner_shop.csv",
            sale("1", "2025-01-01", quantity=3),
            sale("1", "2025-01-01", code="PADS", price="0.001"),
            sale("2", "2025-02-01", customer="8"),
            sale("3", "2025-02-01", price="0.00"),
            cancellation("4", "2025-02-01", quantity=2),
            cancellation("5", "2025-02-02", code="MILK"),
        )

        printed = run(file, report)

        rate = printed.pop("rate")
        assert rate.endswith("s)")
        assert "(2 orders of 4 invoices in" in rate
        assert printed == {
            "invoices read": "5",
            "orders paid": "2, together 40.00 GBP",
            "refunds": "1, together 20.00 GBP",
            "money in": "40.00 GBP",
            "money with sellers": "19.00 GBP (pending 9.50 GBP, wallets 9.50 GBP, debts 0.00 GBP)",
            "money with customers": "20.00 GBP",
            "fees": "1.00 GBP",
            "refused lines": f"3, listed in {report}",
            "  nothing_to_refund": "1",
            "  price_not_positive": "1",
            "  price_not_whole": "1",
            "trial balance GBP": "debits 147.50 GBP, credits 147.50 GBP, difference 0.00 GBP",
        }

    def test_refused_lines_with_number_and_reason_in_a_file(self, tmp_path: Path, report: Path) -> None:
        file = write(tmp_path / "shop.csv", cancellation("1", "2025-01-01"), sale("2", "2025-01-01", price="free"))

        run(file, report)

        assert list(csv.reader(report.open())) == [
            ["line", "reason", "detail"],
            ["2", "nothing_to_refund", "1 × TEA for 10.00 GBP: nothing such was bought before."],
            ["3", "price_invalid", "'free' is no amount."],
        ]

    def test_the_same_again_when_it_is_run_again(self, tmp_path: Path, report: Path) -> None:
        file = write(
            tmp_path / "shop.csv",
            sale("1", "2025-01-01"),
            cancellation("2", "2025-01-01", quantity=2),
            sale("3", "2025-01-01", price="0"),
        )
        first, listed = run(file, report), report.read_text()

        second = run(file, report)

        assert second.pop("rate") == "nothing was left to do"
        first.pop("rate")
        assert (second, report.read_text()) == (first, listed)


class TestWhatItRefuses:
    """A file that is no history, or options that mean nothing, end in one sentence."""

    @pytest.mark.parametrize(
        ("text", "options", "sentence"),
        [
            ("a,b\n1,2\n", {}, "missing: invoice_no, stock_code, quantity"),
            (f"{HEADING}\n", {"currency": "pence"}, "PENCE is no ISO 4217 currency"),
            (f"{HEADING}\n", {"timezone": "Mars/Olympus"}, "Mars/Olympus"),
        ],
    )
    def test_in_one_sentence(
        self, tmp_path: Path, report: Path, text: str, options: dict[str, str], sentence: str
    ) -> None:
        file = tmp_path / "shop.csv"
        file.write_text(text)

        with pytest.raises(CommandError, match=sentence):
            run(file, report, **options)

    def test_a_file_that_is_not_there(self, tmp_path: Path, report: Path) -> None:
        with pytest.raises(CommandError, match=r"shop.csv cannot be imported: .*No such file"):
            run(tmp_path / "shop.csv", report)

    def test_a_gzipped_file_that_ends_in_the_middle(self, tmp_path: Path, report: Path) -> None:
        file = tmp_path / "shop.csv.gz"
        file.write_bytes(gzip.compress(HEADING.encode())[:-9])

        with pytest.raises(CommandError, match="cannot be imported"):
            run(file, report)


class TestTheRealFile:
    """The first weeks of a real shop's year."""

    def test_its_beginning_is_in_the_books_to_the_penny(self, tmp_path: Path, report: Path) -> None:
        file = head_of(sample_file("orders/online_retail.csv.gz"), lines=2500, to=tmp_path / "online_retail.csv")

        printed = run(file, report)

        orders, total = sold(file)
        assert printed["orders paid"] == f"{orders}, together {total} GBP"
        assert printed["trial balance GBP"].endswith("difference 0.00 GBP")


def sold(file: Path) -> tuple[int, Decimal]:
    """How many invoices have something to sell, and for how much, as a spreadsheet would say it."""
    rows = list(csv.DictReader(file.open(encoding="utf-8")))
    lines = [(row["invoice_no"], int(row["quantity"]), Decimal(row["unit_price"])) for row in rows]
    usable = [(number, quantity * price) for number, quantity, price in lines if quantity > 0 and price > 0]
    return len({number for number, _amount in usable}), sum((amount for _number, amount in usable), Decimal())
