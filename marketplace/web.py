"""The web server's worker: what is no HTTP request at all is refused in the API's words too."""

import json
from http import HTTPStatus
from typing import Any

import structlog
from gunicorn import util
from gunicorn.http import errors
from gunicorn.workers.gthread import ThreadWorker

from core.errors import PROBLEM_TYPE, LengthRequired, MalformedRequest, Refusal

log = structlog.get_logger(__name__)


class UriTooLong(Refusal):
    status = 414
    code = "uri_too_long"
    message = "The request line is longer than this server reads."


class HeadersTooLarge(Refusal):
    status = 431
    code = "headers_too_large"
    message = "The headers are more, or longer, than this server reads."


class Worker(ThreadWorker):
    """gunicorn's worker with threads; its own answers to what it cannot read are HTML, and one of them is a 501."""

    def handle_error(self, req: Any, client: Any, addr: Any, exc: Exception) -> None:
        refusal = refusal_of(exc)
        if refusal is None:
            super().handle_error(req, client, addr, exc)
            return
        log.info("request_unreadable", code=refusal.code, why=str(exc)[:200])
        try:
            util.write_nonblock(client, answer_of(refusal))
        except OSError:
            log.debug("client_gone")


def refusal_of(raised: Exception) -> Refusal | None:
    """Return what the client did wrong; None where the fault is ours."""
    match raised:
        case errors.InvalidResponseHeader() | errors.InvalidResponseHeaderName() | errors.ConfigurationProblem():
            return None
        case errors.LimitRequestLine():
            return UriTooLong()
        case errors.LimitRequestHeaders():
            return HeadersTooLarge()
        case errors.UnsupportedTransferCoding():
            return LengthRequired()
        case errors.ParseException():
            return MalformedRequest("This is no HTTP request that this server can read.")
    return None


def answer_of(refusal: Refusal) -> bytes:
    """Return the whole HTTP response; the connection ends with it, for what follows cannot be told apart."""
    body = json.dumps(refusal.document()).encode()
    head = (
        f"HTTP/1.1 {refusal.status} {HTTPStatus(refusal.status).phrase}\r\n"
        f"Connection: close\r\nContent-Type: {PROBLEM_TYPE}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body
