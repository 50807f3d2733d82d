"""What the docs say beside examples: links, rooms, limits, libraries."""

import json
import re
import tomllib
from importlib.metadata import distributions, metadata
from pathlib import Path

import pytest
from django.conf import settings

from tests.docs.pages import DOCS, PAGES, PROJECT, rows_after

LINK = re.compile(r"\]\((?!https?:|mailto:)([^)\s]+)\)")
COPYLEFT = re.compile(r"\bA?GPL|GNU (Affero )?General Public", re.IGNORECASE)


def anchors(page: Path) -> set[str]:
    """As GitHub makes them of headings."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


class TestLinks:
    """Every link inside the project leads somewhere."""

    @pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(PROJECT)))
    def test_links_lead_to_pages_and_headings(self, page: Path) -> None:
        for link in LINK.findall(page.read_text()):
            place, _, anchor = link.partition("#")
            target = (page.parent / place).resolve() if place else page
            assert target.exists(), link
            assert not anchor or anchor in anchors(target), link

    def test_every_page_can_be_reached_from_the_readme(self) -> None:
        reached, waiting = set(), [PROJECT / "README.md"]
        while waiting:
            page = waiting.pop()
            reached.add(page)
            links = (link.partition("#")[0] for link in LINK.findall(page.read_text()))
            found = {(page.parent / link).resolve() for link in links if link.endswith(".md")}
            waiting += found - reached
        assert set(PAGES) <= reached


class TestTheHouse:
    """The floors of docs/architecture.md are the layers that import-linter enforces."""

    def test_the_floors_are_the_layers(self) -> None:
        contracts = tomllib.loads((PROJECT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
        _header, *rows = rows_after((DOCS / "architecture.md").read_text(), "<!-- house -->")
        floors = [" | ".join(re.findall(r"`(\w+)`", rooms)) for _floor, rooms, _what in rows]
        assert floors == contracts[0]["layers"]


class TestLimits:
    """Numbers in the text are the numbers in force."""

    def test_the_triggers_of_batches(self) -> None:
        shipped = json.loads((PROJECT / "billing" / "shipped_rules.json").read_text())["batch"]
        _header, *rows = rows_after((DOCS / "posting.md").read_text(), "## When a batch is cut")
        said = {trigger.strip("`"): int(default.split()[0]) for trigger, default, _when in rows}
        assert said == {
            "period": shipped["period_ms"],
            "accounts": shipped["max_accounts"],
            "transfers": shipped["max_transfers"],
        }

    def test_the_limits_of_delivery(self) -> None:
        text = (DOCS / "delivery.md").read_text()
        assert f"up to {settings.DELIVERY_BATCH_MAX} deliveries" in text
        assert f"a margin of {settings.DELIVERY_LOW_WATER_MARGIN:,} ids" in text
        assert f"at most {settings.DOORBELL_TIMEOUT_SECONDS * 1000:.0f} ms" in text
        assert f"silent for {settings.DOORBELL_SILENCE_SECONDS:.0f} s" in text
        assert f"at most {settings.DELIVERY_BACKOFF_SECONDS_MAX / 60:.0f} min" in text


class TestLibraries:
    """What is installed is what the decision lists, and nothing of it is under the GPL."""

    @pytest.mark.parametrize("pinned", ["requirements.txt", "requirements-dev.txt"])
    def test_every_library_named_by_us_is_listed_with_its_licence(self, pinned: str) -> None:
        named = (PROJECT / pinned).read_text().split("# What those need:")[0]
        names = re.findall(r"^([A-Za-z0-9-]+)(?:\[\w+\])?==", named, flags=re.MULTILINE)
        page = (DOCS / "decisions" / "0020-libraries.md").read_text()
        _header, *rows = rows_after(page, f"<!-- libraries: {pinned} -->")
        assert sorted(row[0] for row in rows) == sorted(names)
        assert all(row[2] for row in rows)

    def test_nothing_installed_is_under_the_gpl(self) -> None:
        pinned = {
            name.lower()
            for file in ("requirements.txt", "requirements-dev.txt")
            for name in re.findall(r"^([\w.-]+)(?:\[\w+\])?==", (PROJECT / file).read_text(), flags=re.MULTILINE)
        }
        installed = {found.metadata["Name"].lower() for found in distributions()}
        for name in pinned & installed:
            assert not COPYLEFT.search(licence_of(name).replace("LGPL", "").replace("Lesser General", "")), name


def licence_of(name: str) -> str:
    said = metadata(name)
    kinds = [kind for kind in said.get_all("Classifier") or [] if kind.startswith("License")]
    return " ".join([said.get("License-Expression") or "", (said.get("License") or "")[:200], *kinds])
