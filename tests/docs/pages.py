"""Reading the docs as tests do: their fenced blocks and their tables."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
DOCS = PROJECT / "docs"
PAGES = sorted([PROJECT / "README.md", PROJECT / "CHANGELOG.md", *DOCS.rglob("*.md")])

_FENCE = re.compile(r"^```(?P<language>\w*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """One fenced block of a page."""

    language: str
    text: str
    line: int


def blocks(page: Path, language: str) -> list[Block]:
    text = page.read_text()
    found = (Block(m["language"], m["text"], text.count("\n", 0, m.start()) + 2) for m in _FENCE.finditer(text))
    return [block for block in found if block.language == language]


def only_blocks(page: Path, language: str) -> str:
    """Return the page with every line blank but those of such blocks, so that line numbers stay."""
    lines = page.read_text().splitlines()
    kept = [""] * len(lines)
    for block in blocks(page, language):
        for place, line in enumerate(block.text.splitlines(), block.line - 1):
            kept[place] = line
    return "\n".join(kept)


def rows_after(text: str, mark: str) -> Iterator[list[str]]:
    """Yield the cells of each row of the first table behind `mark`, its header first."""
    lines = text[text.index(mark) :].splitlines()[1:]
    started = False
    for line in lines:
        if line.startswith("|"):
            started = True
            cells = [cell.strip() for cell in line.strip("|").split("|")]
            if not set("".join(cells)) <= set("-: "):
                yield cells
        elif started:
            return
