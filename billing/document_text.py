"""
The one way in which a rule set's document is written out, with the line of everything in it.

The database keeps documents as jsonb, which forgets how they were written. So problems point at this
text: the same document is always written the same way, whoever shows it.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

LINE_WIDTH = 100  # What fits is written on one line: most transfers do.
INDENT = "  "

# Names that we know come in the order in which people write them; all others by the alphabet.
ORDER = (
    "name",
    "batch",
    "match",
    "period_ms",
    "max_accounts",
    "max_transfers",
    "types",
    "debit",
    "credit",
    "of",
    "bps",
)
LAST = ("amount", "transfers")

_OTHER_LINE_ENDS = {ord(character): f"\\u{ord(character):04x}" for character in "\x85\u2028\u2029"}


@dataclass(frozen=True, slots=True)
class DocumentText:
    """A document as text; `line_by_path` knows `types.order.paid.0.transfers.1.debit`, lines count from 1."""

    text: str
    line_by_path: Mapping[str, int]

    def line_of(self, path: str) -> int:
        """Return the line of a path, or of the nearest thing around it that the document has."""
        while path and path not in self.line_by_path:
            path = path.rpartition(".")[0]
        return self.line_by_path[path]


def write_document(document: Mapping[str, Any]) -> DocumentText:
    """Write a document out; the same for any two documents that say the same."""
    lines: list[str] = []
    line_by_path: dict[str, int] = {}
    for path, text in _lines(document, "", "", "", ""):
        lines.append(text)
        line_by_path.setdefault(path, len(lines))
    return DocumentText("\n".join(lines) + "\n", line_by_path)


def _lines(value: Any, path: str, indent: str, before: str, after: str) -> Iterator[tuple[str, str]]:
    """Yield the lines of one value with the path that each begins; `before` is its name, `after` a comma."""
    on_one_line = f"{indent}{before}{_in_order(value)}{after}"
    if not _children(value) or len(on_one_line) <= LINE_WIDTH:
        yield path, on_one_line
        return
    opening, closing = "{}" if isinstance(value, Mapping) else "[]"
    yield path, f"{indent}{before}{opening}"
    children = _children(value)
    for place, (name, shown, child) in enumerate(children, 1):
        inner = f"{path}.{name}" if path else name
        yield from _lines(child, inner, indent + INDENT, shown, "," if place < len(children) else "")
    yield path, f"{indent}{closing}{after}"


def _children(value: Any) -> list[tuple[str, str, Any]]:
    """What a value holds: its name in paths, how it is shown, and itself."""
    if isinstance(value, Mapping):
        return [(name, f"{_text(name)}: ", value[name]) for name in sorted(value, key=_place)]
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [(str(place), "", child) for place, child in enumerate(value)]
    return []


def _place(name: str) -> tuple[int, str]:
    if name in ORDER:
        return ORDER.index(name), name
    return len(ORDER) + (1 + LAST.index(name) if name in LAST else 0), name


def _in_order(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(shown + _in_order(child) for _name, shown, child in _children(value)) + "}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[" + ", ".join(_in_order(child) for child in value) + "]"
    return _text(value)


def _text(value: Any) -> str:
    """What some take for an end of line is written as an escape, so that everybody counts the same lines."""
    return json.dumps(value, ensure_ascii=False).translate(_OTHER_LINE_ENDS)
