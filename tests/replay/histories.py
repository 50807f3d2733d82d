"""Small histories, written as files."""

import csv
import gzip
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from core.money import Money
from replay.reading import Assumptions, History, read_history
from replay.services import OwnHands, replay_history

HEADING = "invoice_no,stock_code,description,quantity,invoice_date,unit_price,customer_id,country"
ASSUMED = Assumptions(seller="Shop", currency="GBP", timezone=UTC)
NOW = datetime(2026, 5, 1, tzinfo=UTC)
SOURCE = "shop"


def write(path: Path, *lines: str, heading: str = HEADING) -> Path:
    path.write_text("\n".join([heading, *lines, ""]), encoding="utf-8")
    return path


def read(path: Path, *lines: str, heading: str = HEADING, assumed: Assumptions = ASSUMED) -> History:
    return read_history(write(path / "history.csv", *lines, heading=heading), assumed=assumed, now=NOW)


def sale(
    number: str, at: str, *, code: str = "TEA", quantity: int = 1, price: str = "10.00", customer: str = "7"
) -> str:
    """One line; `at` is a day or a moment."""
    at = at if ":" in at else f"{at} 10:00:00"
    return f"{number},{code},Tea of Assam,{quantity},{at},{price},{customer},France"


def cancellation(number: str, at: str, *, quantity: int = 1, **more: str) -> str:
    return sale(f"C{number}", at, quantity=-quantity, **more)  # type: ignore[arg-type]


class Silent:
    """Progress that nobody looks at."""

    def stands_at(self, done: int) -> None:
        """Nobody looks."""

    def more(self, done: int) -> None:
        """Nobody looks."""


def replay(history: History, source: str = SOURCE) -> list:
    return replay_history(history, source=source, hands=OwnHands(source, Silent()), progress=Silent())


def head_of(real: Path, *, lines: int, to: Path) -> Path:
    """The first lines of a gzipped file, up to the last whole invoice among them."""
    with gzip.open(real, "rt", encoding="utf-8", newline="") as file:
        rows = [row for _number, row in zip(range(lines), csv.reader(file), strict=False)]
    last = rows[-1][0]
    return _write_rows(to, [row for row in rows if row[0] != last])


def _write_rows(path: Path, rows: Sequence[Sequence[str]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)
    return path


def gbp(minor: int) -> Money:
    return Money(minor, "GBP")
