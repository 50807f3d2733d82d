"""Refusals: anticipated answers with a stable code, mapped once to problem+json."""

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, ClassVar

PROBLEM_TYPE = "application/problem+json"


@dataclass(frozen=True, slots=True)
class FieldError:
    """One fault of one field of a request's body; `field` is a dotted path such as `lines.0.quantity`."""

    field: str
    code: str
    detail: str


class Refusal(Exception):
    """
    An anticipated "no". `code` is public API and never changes; `message` is for people and may.

    `detail` replaces the message for one case; further keywords become members of the answer.
    """

    status: ClassVar[int] = 400
    code: str = "refused"
    message: ClassVar[str] = "The request was refused."
    retry_after_seconds: int | None = None
    acted_as: str | None = None
    """Public id of the acting account, where the refusal comes before the request is known to be somebody's."""

    def __init__(self, detail: str | None = None, *, errors: Sequence[FieldError] = (), **extra: object) -> None:
        self.detail = detail or self.message
        self.errors = tuple(errors)
        self.extra = extra
        super().__init__(self.detail)

    def document(self) -> dict[str, Any]:
        """Return the members of the problem document (RFC 9457)."""
        document: dict[str, Any] = {
            "type": f"urn:marketplace:problem:{self.code}",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "code": self.code,
            "detail": self.detail,
        }
        if self.errors:
            document["errors"] = [{"field": e.field, "code": e.code, "detail": e.detail} for e in self.errors]
        return document | self.extra


class BadRequest(Refusal):
    status = 400


class MalformedRequest(BadRequest):
    code = "malformed_request"
    message = "The path, the query or a header holds NUL or is not UTF-8."


class NotAuthenticated(Refusal):
    status = 401
    code = "not_authenticated"
    message = "Log in first: send `Authorization: Bearer <token>`."


class Forbidden(Refusal):
    status = 403
    code = "forbidden"
    message = "This account may not do that."


class NotFound(Refusal):
    status = 404
    code = "not_found"
    message = "There is nothing here that you can see."


class Conflict(Refusal):
    status = 409


class LengthRequired(Refusal):
    status = 411
    code = "length_required"
    message = "Send the body in one piece with its Content-Length."


class BodyTooLarge(Refusal):
    status = 413
    code = "body_too_large"
    message = "The body is larger than this server reads."


class Unprocessable(Refusal):
    status = 422


class InvalidInput(Unprocessable):
    """Faults that the body alone shows; the answer's code is the first fault's."""

    code = "invalid"
    message = "Some fields are not as they should be."

    def __init__(self, errors: Sequence[FieldError]) -> None:
        super().__init__(errors[0].detail if len(errors) == 1 else None, errors=errors)
        self.code = errors[0].code


class TooManyAttempts(Refusal):
    status = 429
    code = "too_many_attempts"
    message = "Too many attempts; wait before the next one."

    retry_after_seconds: int

    def __init__(self, *, retry_after_seconds: int) -> None:
        super().__init__()
        self.retry_after_seconds = retry_after_seconds


class AmountTooLarge(Unprocessable):
    code = "amount_too_large"
    message = "The total is larger than 2^53-1 minor units."


class CursorInvalid(Unprocessable):
    code = "cursor_invalid"
    message = "This cursor was not made by this list."


class ClockTooFar(Conflict):
    code = "clock_too_far"
    message = "The house's clock cannot go that far ahead."
