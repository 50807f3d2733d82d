"""What surrounds every request: its id, its clock and its log line, and the refusal of text nobody can store."""

import re
import time
from collections.abc import Callable
from urllib.parse import unquote_to_bytes

import structlog
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.middleware.locale import LocaleMiddleware
from django.utils import translation
from structlog.contextvars import bind_contextvars, clear_contextvars

from core import clock, metrics
from core.api.problems import problem_response
from core.errors import BodyTooLarge, LengthRequired, MalformedRequest, Refusal
from core.ids import new_public_id

Answer = Callable[[HttpRequest], HttpResponse]

log = structlog.get_logger(__name__)

_SANE_REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}\Z")
_KNOWN_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_FOR_PROGRAMS = ("/api/", "/healthz", "/readyz", "/metrics")
_ASKED_BY_MACHINES = frozenset({"healthz", "readyz", "metrics"})


class RequestContext:
    """Every request has an id (a proxy's, if it sent one), one reading of the house's clock, and one log line."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        clear_contextvars()
        sent = request.headers.get("X-Request-ID", "")
        request_id = sent if _SANE_REQUEST_ID.match(sent) else new_public_id("req")
        bind_contextvars(request_id=request_id)
        began = time.perf_counter()
        with clock.read_once():
            response = self.get_response(request)
        note_request(request, response, seconds=time.perf_counter() - began)
        clear_contextvars()
        response["X-Request-ID"] = request_id
        return response


def note_request(request: HttpRequest, response: HttpResponse, *, seconds: float) -> None:
    """Count and log one answered request: by its route, since paths hold ids and queries hold searches."""
    route = request.resolver_match.route if request.resolver_match else "nowhere"
    method = request.method if request.method in _KNOWN_METHODS else "other"
    metrics.requests_total.labels(route, method, response.status_code).inc()
    metrics.request_seconds.labels(route, method).observe(seconds)
    if route not in _ASKED_BY_MACHINES:
        milliseconds = round(seconds * 1000, 1)
        log.info("request", method=method, route=route, status=response.status_code, milliseconds=milliseconds)


class RefuseUnstorableText:
    """NUL and broken UTF-8 are refused here, for every view: PostgreSQL stores neither."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        refusal = find_unstorable(request)
        return self.get_response(request) if refusal is None else problem_response(refusal)


def find_unstorable(request: HttpRequest) -> Refusal | None:
    """Return why a request cannot be read at all, or None. The body's text is its parser's business."""
    if request.META.get("HTTP_TRANSFER_ENCODING"):
        return LengthRequired()  # Django would read no body at all.
    length = request.META.get("CONTENT_LENGTH") or "0"
    if length.isdecimal() and int(length) > _body_bytes_max(request.path_info):
        return BodyTooLarge()
    query = unquote_to_bytes(request.META.get("QUERY_STRING", "").encode("latin-1", "replace"))
    headers = (value for name, value in request.META.items() if name.startswith("HTTP_"))
    # In paths Django leaves broken UTF-8 percent-encoded, which is text like any other.
    texts = [request.path, *headers, *request.COOKIES.values()]
    return None if _is_text(query) and not any("\0" in text for text in texts) else MalformedRequest()


def _body_bytes_max(path: str) -> int:
    """Files need more than what is typed; where they may come, LARGE_BODIES says."""
    larger = (bytes_max for pattern, bytes_max in settings.LARGE_BODIES.items() if re.fullmatch(pattern, path))
    return next(larger, settings.DATA_UPLOAD_MAX_MEMORY_SIZE)


def _is_text(raw: bytes) -> bool:
    try:
        return "\0" not in raw.decode()
    except UnicodeDecodeError:
        return False


class ReadersLanguage(LocaleMiddleware):
    """
    Pages speak their reader's language: the one chosen at the foot of a page, or else the browser's.

    What programs read speaks English, whoever asks: its codes are the contract.
    """

    def process_request(self, request: HttpRequest) -> None:
        if is_for_people(request.path):
            super().process_request(request)
        else:
            translation.activate(settings.LANGUAGE_CODE)

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        return super().process_response(request, response) if is_for_people(request.path) else response


def is_for_people(path: str) -> bool:
    return not path.startswith(_FOR_PROGRAMS)


class OwnPagesOnly:
    """
    Pages load nothing from anybody else, and nobody frames them: said to the browser, which sees to it.

    The operators' pages need scripts inside the page (Alpine evaluates what stands in attributes); a view that
    needs less says so itself.
    """

    POLICY = (
        "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data:; font-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; "
        "frame-ancestors 'none'"
    )

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.get("Content-Type", "").startswith("text/html"):
            response.setdefault("Content-Security-Policy", self.POLICY)
        return response
