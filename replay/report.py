"""What an import says when it ends: the report file of refused lines, and the figures for the terminal."""

import csv
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.money import Money
from ledger.selectors import TrialBalance
from replay.reading import Refused
from replay.selectors import Figures


@dataclass(frozen=True, slots=True)
class Speed:
    """What this run did, and in what time."""

    orders: int
    invoices: int
    seconds: float

    def __str__(self) -> str:
        if not self.invoices:
            return "nothing was left to do"
        rate = self.orders / self.seconds
        return f"{rate:.0f} orders/s ({self.orders} orders of {self.invoices} invoices in {self.seconds:.0f} s)"


def write_refused(path: Path, refused: Iterable[Refused]) -> None:
    """Write the report file: line, reason, detail; complete or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f"{path.name}.{os.getpid()}")
    with aside.open("w", encoding="utf-8", errors="backslashreplace", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["line", "reason", "detail"])
        rows.writerows((each.line, each.reason, each.detail) for each in refused)
    aside.replace(path)


def report_lines(
    *,
    invoices_read: int,
    figures: Sequence[Figures],
    refused: Sequence[Refused],
    refused_file: Path,
    trial_balances: Sequence[TrialBalance],
    speed: Speed,
) -> Iterator[str]:
    """Yield what the terminal shows, line by line."""
    yield _row("invoices read", f"{invoices_read}")
    for each in figures:
        yield from _of_currency(each)
    yield _row("refused lines", f"{len({line.line for line in refused})}, listed in {refused_file}")
    for reason, count in sorted(Counter(line.reason for line in refused).items()):
        yield _row(f"  {reason}", f"{count}")
    for balance in trial_balances:
        yield _row(f"trial balance {balance.currency}", _balance(balance))
    yield _row("rate", f"{speed}")


def _of_currency(figures: Figures) -> Iterator[str]:
    def money(minor: int) -> Money:
        return Money(minor, figures.currency)

    yield _row("orders paid", f"{figures.orders}, together {money(figures.paid_minor)}")
    yield _row("refunds", f"{figures.refunds}, together {money(figures.refunded_minor)}")
    yield _row("money in", f"{money(figures.money_in_minor)}")
    yield _row(
        "money with sellers",
        f"{money(figures.sellers_minor)} (pending {money(figures.pending_minor)}, "
        f"wallets {money(figures.wallets_minor)}, debts {money(figures.debts_minor)})",
    )
    yield _row("money with customers", f"{money(figures.customers_minor)}")
    yield _row("fees", f"{money(figures.fees_minor)}")


def _balance(balance: TrialBalance) -> str:
    debits, credits_ = Money(balance.debits_minor, balance.currency), Money(balance.credits_minor, balance.currency)
    return f"debits {debits}, credits {credits_}, difference {credits_ - debits}"


def _row(name: str, value: str) -> str:
    return f"{name:<24}{value}"
