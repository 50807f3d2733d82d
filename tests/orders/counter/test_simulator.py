"""The till simulator in small, against a real server over HTTP; and what it says when somebody is wrong."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
from django.db import connection

from marketplace.wsgi import application
from orders.book_check import check_orders
from orders.counter.simulator.tills import FAULTS, Till
from tests.money_facts import book


class QuietHandler(WSGIRequestHandler):
    def log_message(self, *args: Any) -> None:
        """Requests have their own log lines."""


@pytest.fixture
def url(committed_db: Any) -> Iterator[str]:
    """A server with threads, and somebody who books, both on this test's database."""
    server = ThreadedWSGIServer(("127.0.0.1", 0), QuietHandler)
    server.set_app(application)
    is_over = threading.Event()

    def book_until_over() -> None:
        try:
            while not is_over.wait(0.1):
                book()
        finally:
            connection.close()

    threads = [threading.Thread(target=server.serve_forever), threading.Thread(target=book_until_over)]
    for thread in threads:
        thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    is_over.set()
    server.shutdown()
    server.server_close()
    for thread in threads:
        thread.join(timeout=30)


def run(url: str, **options: Any) -> str:
    lines: list[str] = []

    class Out:
        def write(self, text: str) -> None:
            lines.append(text)

    options = {"stores": 2, "tills": 1, "trades": 12, "customers": 2, "faults": 1.0, **options}
    call_command("simulate_tills", url=url, stdout=Out(), **options)
    return "".join(lines)


class TestADayAtTheTills:
    def test_ends_with_everybody_agreeing_whatever_went_wrong(self, url: str, monkeypatch: pytest.MonkeyPatch):
        names = iter(sorted(FAULTS) * 2)
        monkeypatch.setattr(Till, "draw_fault", lambda till: next(names))

        said = run(url)

        assert "0 disagreements" in said
        assert "24 trades" in said
        for fault in FAULTS:
            assert f"2 × {fault}" in said
        assert list(check_orders()) == []

    def test_says_so_when_a_till_believes_something_else(self, url: str, monkeypatch: pytest.MonkeyPatch):
        """The control: a till that forgets a refund is found out."""
        refund = Till.refund_a_part

        def forgetful(till: Till, belief: Any) -> None:
            refund(till, belief)
            belief.status, belief.refunded = "paid", 0

        monkeypatch.setitem(FAULTS, "refund repeated", forgetful)
        monkeypatch.setattr(Till, "draw_fault", lambda till: "refund repeated")
        with pytest.raises(CommandError, match="disagreements"):
            run(url, stores=1, trades=1, customers=1)
