"""A rule set as somebody wrote it: read it, and say everything that is wrong with it, line by line."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from billing.check import Problem, check_document
from billing.document_text import write_document
from billing.documents import RuleSetInput
from billing.types import all_types
from core.api.parsers import parse_object
from core.errors import BadRequest, InvalidInput

NOT_READABLE, NOT_A_RULE_SET = "not_readable", "not_a_rule_set"


@dataclass(frozen=True, slots=True)
class Review:
    """
    What a text says, and what is wrong with it.

    `text`: the document as the house writes it, so that the problems' lines are right; as it was written,
    where it cannot be read. `document`: None where it cannot be kept, not even as a draft.
    """

    text: str
    document: Mapping[str, Any] | None
    problems: list[Problem]


def review_text(*, text: str) -> Review:
    """Read a document; a draft may be kept with problems, as long as it has the shape of a rule set."""
    try:
        written = parse_object(text.encode())
    except BadRequest as refusal:
        return Review(text, None, [_unreadable(text, refusal)])
    shown = write_document(written)
    try:
        document = RuleSetInput.check(written)
    except InvalidInput as faults:
        problems = [_misshapen(fault.field, fault.detail, shown.line_of(fault.field)) for fault in faults.errors]
        return Review(shown.text, None, problems)
    return Review(write_document(document).text, document, check_document(document, all_types()))


def _misshapen(path: str, detail: str, line: int) -> Problem:
    words = path.split(".")
    type_ = ".".join(words[1 : _first_number(words)]) if words[0] == "types" else ""
    return Problem(NOT_A_RULE_SET, type_, "", f"{path}: {detail}", path, line)


def _first_number(words: list[str]) -> int:
    return next((place for place, word in enumerate(words) if word.isdigit()), len(words))


def _unreadable(text: str, refusal: BadRequest) -> Problem:
    detail, line = where_unreadable(text, refusal)
    return Problem(NOT_READABLE, "", "", detail, "", line)


def where_unreadable(text: str, refusal: BadRequest) -> tuple[str, int]:
    """Say why a text is no document, and in which line a plain reader of JSON stumbles, if it does."""
    try:
        json.loads(text)
    except json.JSONDecodeError as broken:
        return f"{broken.msg}, in column {broken.colno}.", broken.lineno
    except (ValueError, RecursionError):
        return refusal.detail, 1
    return refusal.detail, 1
