"""Results: printed, held against their limits, and kept in RESULTS.md where that is asked for."""

import os
import platform
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

PAGE = Path(__file__).parent.parent / "RESULTS.md"
WRITE = "BENCH_WRITE"  # `python -m benchmarks --write NAME …` sets it.
TOP = """# Results

Each section is written by its benchmark: `python -m benchmarks --write NAME`. Compare ratios, not figures of
different machines: every ratio is of two things measured in turns in one run.
"""


@dataclass(frozen=True)
class Figure:
    """One line: what was measured, and whether it keeps its limit (None: it has none)."""

    what: str
    value: str
    limit: str = ""
    kept: bool | None = None


@dataclass
class Report:
    """All figures of one benchmark."""

    name: str
    about: str
    figures: list[Figure] = field(default_factory=list)

    def add(self, what: str, value: str, limit: str = "", kept: bool | None = None) -> None:
        self.figures.append(Figure(what, value, limit, kept))

    def at_least(self, what: str, value: float, limit: float, form: str = "{:.2f}") -> None:
        self.add(what, form.format(value), f"at least {form.format(limit)}", value >= limit)

    def at_most(self, what: str, value: float, limit: float, form: str = "{:.2f}") -> None:
        self.add(what, form.format(value), f"at most {form.format(limit)}", value <= limit)

    def finish(self) -> int:
        """Print, keep if asked to, and return the exit code: 1 where a limit is missed."""
        section = self.as_text()
        print(section)
        if os.environ.get(WRITE):
            _keep(self.name, section)
        return 1 if any(figure.kept is False for figure in self.figures) else 0

    def as_text(self) -> str:
        lines = [
            f"## {self.name}",
            "",
            self.about,
            "",
            _machine(),
            "",
            "| what | measured | limit | |",
            "|---|---:|---:|---|",
        ]
        verdicts = {None: "", True: "kept", False: "**missed**"}
        lines += [f"| {f.what} | {f.value} | {f.limit} | {verdicts[f.kept]} |" for f in self.figures]
        return "\n".join(lines) + "\n"


def percentile(values: Sequence[float], percent: float) -> float:
    """The nearest value that so many percent do not exceed."""
    ranked = sorted(values)
    return ranked[min(len(ranked) - 1, int(len(ranked) * percent / 100))]


def median(values: Sequence[float]) -> float:
    return percentile(values, 50)


def _keep(name: str, section: str) -> None:
    """Put the section in the place of its last one, or behind the others."""
    page = PAGE.read_text() if PAGE.exists() else TOP
    found = re.search(rf"^## {re.escape(name)}\n.*?(?=^## |\Z)", page, re.MULTILINE | re.DOTALL)
    before, behind = (page[: found.start()], page[found.end() :]) if found else (f"{page.rstrip()}\n\n", "")
    page = f"{before}{section}\n{behind}"
    PAGE.write_text(page.rstrip() + "\n")


def _machine() -> str:
    """What it ran on: the figures say little without it."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version")
        version = cursor.fetchone()[0].split()[0]
        shown = {}
        for name in ("fsync", "synchronous_commit", "full_page_writes", "shared_buffers", "max_wal_size"):
            cursor.execute(f"SHOW {name}")
            shown[name] = cursor.fetchone()[0]
    said = ", ".join(f"{name} {value}" for name, value in shown.items())
    load = ", ".join(f"{figure:.1f}" for figure in os.getloadavg())
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores ({_processor()}), Python {platform.python_version()}, "
        f"PostgreSQL {version} ({said}); load of the machine {load}."
    )


def _processor() -> str:
    found = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return found[1] if found else platform.machine()
