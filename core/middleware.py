"""What surrounds every request: its id and its clock, and the refusal of text that nothing can store."""

import re
from collections.abc import Callable
from urllib.parse import unquote_to_bytes

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from structlog.contextvars import bind_contextvars, clear_contextvars

from core import clock
from core.api.problems import problem_response
from core.errors import BadRequest, BodyTooLarge, Refusal
from core.ids import new_public_id

Answer = Callable[[HttpRequest], HttpResponse]

_SANE_REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}\Z")


class MalformedRequest(BadRequest):
    code = "malformed_request"
    message = "The path, the query or a header holds NUL or is not UTF-8."


class RequestContext:
    """Every request has an id, kept from a proxy that sent one, and reads the house's clock once."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        clear_contextvars()
        sent = request.headers.get("X-Request-ID", "")
        request_id = sent if _SANE_REQUEST_ID.match(sent) else new_public_id("req")
        bind_contextvars(request_id=request_id)
        with clock.read_once():
            response = self.get_response(request)
        response["X-Request-ID"] = request_id
        return response


class RefuseUnstorableText:
    """NUL and broken UTF-8 are refused here, for every view: PostgreSQL stores neither."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        refusal = find_unstorable(request)
        return self.get_response(request) if refusal is None else problem_response(refusal)


def find_unstorable(request: HttpRequest) -> Refusal | None:
    """Return why a request cannot be read at all, or None. The body's text is its parser's business."""
    if int(request.META.get("CONTENT_LENGTH") or 0) > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
        return BodyTooLarge()
    path = request.META.get("PATH_INFO", "").encode("latin-1")
    query = unquote_to_bytes(request.META.get("QUERY_STRING", "").encode("latin-1"))
    headers = (value for name, value in request.META.items() if name.startswith("HTTP_"))
    texts = [*headers, *request.COOKIES.values()]
    return (
        None if _is_text(path) and _is_text(query) and not any("\0" in text for text in texts) else MalformedRequest()
    )


def _is_text(raw: bytes) -> bool:
    try:
        return "\0" not in raw.decode()
    except UnicodeDecodeError:
        return False
