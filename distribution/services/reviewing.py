"""A plan as somebody wrote it: read it, and say everything that is wrong with it, line by line."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from billing.document_text import DocumentText, write_document
from billing.services.reviewing import NOT_READABLE, where_unreadable
from core.api.parsers import parse_object
from core.errors import BadRequest, InvalidInput
from distribution.plan_documents import PlanInput
from distribution.services.plans import problems_of

NOT_A_PLAN = "not_a_plan"


@dataclass(frozen=True, slots=True)
class WrittenProblem:
    """What is wrong, and in which line of the text."""

    code: str
    detail: str
    line: int


@dataclass(frozen=True, slots=True)
class PlanReview:
    """
    What a text says, and what is wrong with it.

    `text`: the document as the house writes it, so that the problems' lines are right; as it was written,
    where it cannot be read. `document`: None where it cannot be kept, not even as a draft.
    """

    text: str
    document: Mapping[str, Any] | None
    problems: list[WrittenProblem]


def review_plan(*, text: str) -> PlanReview:
    """Read a document; a draft may be kept with problems, as long as it has the shape of a plan."""
    try:
        written = parse_object(text.encode())
    except BadRequest as refusal:
        return PlanReview(text, None, [WrittenProblem(NOT_READABLE, *where_unreadable(text, refusal))])
    shown = write_document(written)
    try:
        document = PlanInput.check(written)
    except InvalidInput as faults:
        problems = [
            WrittenProblem(NOT_A_PLAN, f"{fault.field}: {fault.detail}", shown.line_of(fault.field))
            for fault in faults.errors
        ]
        return PlanReview(shown.text, None, problems)
    checked = write_document(document)
    return PlanReview(checked.text, document, written_problems(document, checked))


def written_problems(document: Mapping[str, Any], text: DocumentText) -> list[WrittenProblem]:
    """Return what keeps a document from being sound, with the lines of its text."""
    found = problems_of(document)
    return [WrittenProblem(problem.code, problem.detail, text.line_of(problem.path)) for problem in found]
