"""The till simulator in small, against a real server over HTTP; and what it says when somebody is wrong."""

import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
from django.db import connection

from marketplace.wsgi import application
from orders.book_check import check_orders
from orders.counter.simulator.faults import FAULTS, leave_to_time, refund_a_part
from orders.counter.simulator.identities import ELSEWHERE_FAULTS, WALLET_FAULTS
from orders.counter.simulator.tills import Belief, Deed, Till
from tests.conftest import PASSWORD, make_account
from tests.money_facts import book
from tests.orders.test_returning import deliver
from wallets.services import finish_open_identity_charges, finish_open_withdrawals


class QuietHandler(WSGIRequestHandler):
    def log_message(self, *args: Any) -> None:
        """Requests have their own log lines."""


@pytest.fixture
def url(committed_db: Any) -> Iterator[str]:
    """A server with threads, and somebody who does what workers do, both on this test's database."""
    server = ThreadedWSGIServer(("127.0.0.1", 0), QuietHandler)
    server.set_app(application)
    is_over = threading.Event()

    def work_until_over() -> None:
        try:
            while not is_over.wait(0.1):
                book()
                deliver()
                finish_open_identity_charges()
                finish_open_withdrawals()
        finally:
            connection.close()

    threads = [threading.Thread(target=server.serve_forever), threading.Thread(target=work_until_over)]
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
        operator = make_account(operator=True)
        everything = []
        monkeypatch.setattr(Till, "draw", lambda till: draw_in_turn(till, everything))

        said = run(url, stores=1, trades=31, operator=f"{operator.username}:{PASSWORD}")

        assert "0 disagreements" in said
        for fault in (*FAULTS, *WALLET_FAULTS, *ELSEWHERE_FAULTS):
            assert f"1 × {fault}" in said
        assert list(check_orders()) == []

    def test_waits_for_what_is_left_to_time(self, url: str, monkeypatch: pytest.MonkeyPatch, settings: Any):
        settings.COUNTER_PAYMENT_LIMIT = timedelta(seconds=1)
        monkeypatch.setattr(Till, "draw", lambda till: ("left to time", leave_to_time))

        assert "2 ended closed" in run(url, stores=1, trades=2, customers=1, to_the_end=True)

    def test_says_so_when_a_till_believes_something_else(self, url: str, monkeypatch: pytest.MonkeyPatch):
        """The control: a till that forgets a refund is found out."""

        def forgetful(till: Till, belief: Belief) -> None:
            refund_a_part(till, belief)
            belief.status, belief.refunded = "paid", 0

        monkeypatch.setattr(Till, "draw", lambda till: ("refund repeated", forgetful))
        with pytest.raises(CommandError, match="disagreements"):
            run(url, stores=1, trades=1, customers=1)


def draw_in_turn(till: Till, drawn: list[str]) -> tuple[str, Deed]:
    """Each fault and each way to pay once, in the order of their names."""
    left = [(name, deed) for name, deed in sorted({**till.faults, **dict(till.ways)}.items()) if name not in drawn]
    name, deed = left[0] if left else till.ways[0]
    drawn.append(name)
    return name, deed
