"""
The web server's worker: what is no HTTP request at all is refused in the API's words too, and answers that go on
for minutes keep no thread from the requests.
"""

import json
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from functools import partial
from http import HTTPStatus
from typing import Any

import structlog
from django.conf import settings
from gunicorn import util
from gunicorn.http import errors
from gunicorn.workers.gthread import ThreadWorker

from core.api.streams import LongAnswer
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


class HandedOver(BaseException):
    """
    Ends gunicorn's handling of a request whose answer another thread goes on with.

    Not an `Exception`: gunicorn answers those, and closes the connection.
    """

    def __init__(self, answer: LongAnswer, response: Any) -> None:
        super().__init__()
        self.answer = answer
        self.response = response


class Worker(ThreadWorker):
    """
    gunicorn's worker with threads. Its own answers to what it cannot read are HTML, and one of them is a 501.

    A `LongAnswer` goes on in a thread of its own, and the one that began it takes the next request. How many
    there may be is for those to limit who make them.
    """

    wsgi: Any

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._long_answers: set[LongAnswer] = set()

    def load_wsgi(self) -> None:
        super().load_wsgi()
        self.wsgi = partial(answer_or_hand_over, self.wsgi)

    def handle(self, conn: Any) -> Any:
        """Runs in a thread of the pool; whoever is handed over is not finished when this returns."""
        try:
            return super().handle(conn)
        except HandedOver as handed:
            name = f"long-answer-{self.nr}"
            going_on = (conn, handed.answer, handed.response)
            threading.Thread(target=self._go_on, args=going_on, name=name, daemon=True).start()
            return handed

    def finish_request(self, conn: Any, fs: "Future[Any]") -> None:
        if fs.cancelled() or fs.exception() is not None or not isinstance(fs.result(), HandedOver):
            super().finish_request(conn, fs)

    def handle_exit(self, sig: int, frame: Any) -> None:
        """A server that stops waits for its connections: long answers end now."""
        super().handle_exit(sig, frame)
        for answer in list(self._long_answers):
            answer.stop()

    def _go_on(self, conn: Any, answer: LongAnswer, response: Any) -> None:
        self._long_answers.add(answer)
        try:
            if not self.alive:
                answer.stop()
            conn.sock.settimeout(settings.LONG_ANSWER_WRITE_SECONDS_MAX)
            response.force_close()
            for piece in answer:
                response.write(piece)
            response.close()
        except OSError:
            log.debug("client_gone")
        finally:
            self._long_answers.discard(answer)
            answer.close()
            conn.close()
            self.method_queue.defer(self._count_out)

    def _count_out(self) -> None:
        self.nr_conns -= 1

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


def answer_or_hand_over(
    application: Callable[..., Iterable[bytes]], environ: dict[str, Any], start_response: Any
) -> Iterable[bytes]:
    """:raises HandedOver: the answer is one that goes on for minutes."""
    answer = application(environ, start_response)
    if isinstance(answer, LongAnswer):
        raise HandedOver(answer, start_response.__self__)
    return answer


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
