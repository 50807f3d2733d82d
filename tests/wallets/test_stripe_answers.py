"""
What Stripe's documentation says it may answer, and localstripe never does: by a server that says it word for word.

Idempotency keys, refusals of the moment, states on the way, currencies whose unit is not ISO 4217's.
"""

import http.server
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

import pytest

from core.money import Money
from wallets.providers.base import Charge, Failed, InProgress, Outcome, Succeeded
from wallets.providers.stripe_amounts import amount_at_stripe
from wallets.providers.stripe_payments import StripeProvider

TEN = Money(1000, "GBP")
CHARGE = Charge("top_1", "pi_1")
NO_REFUNDS: dict[str, Any] = {"object": "list", "data": [], "has_more": False, "url": "/v1/refunds"}


@dataclass
class Scripted:
    """Answers in turn, whatever is asked; and remembers what was."""

    answers: list[tuple[int, dict[str, Any]]] = field(default_factory=list)
    asked: list[tuple[str, str, str | None, dict[str, list[str]]]] = field(default_factory=list)

    def will_say(self, body: dict[str, Any], status: int = 200) -> None:
        self.answers.append((status, body))

    def will_refuse(self, status: int, **error: Any) -> None:
        self.will_say({"error": {"message": "No.", **error}}, status)


@pytest.fixture
def said() -> Iterator[Scripted]:
    script = Scripted()

    class Answering(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            sent = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            script.asked.append((self.command, self.path, self.headers["Idempotency-Key"], parse_qs(sent)))
            status, body = script.answers.pop(0)
            raw = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        do_GET = do_POST = answer

        def log_message(self, *_: Any) -> None:
            """Nothing to say."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    script.address = f"http://127.0.0.1:{server.server_port}"  # type: ignore[attr-defined]
    yield script
    server.shutdown()
    server.server_close()


@pytest.fixture
def provider(settings: Any, said: Any) -> StripeProvider:
    settings.STRIPE_SECRET_KEY, settings.STRIPE_API_BASE = "sk_test_1", said.address
    return StripeProvider()


def intent(status: str, **more: Any) -> dict[str, Any]:
    return {"id": "pi_1", "object": "payment_intent", "status": status, "client_secret": "pi_1_secret", **more}


def refund(status: str, id_: str = "re_1", reference: str = "wdr_1") -> dict[str, Any]:
    return {"id": id_, "object": "refund", "status": status, "metadata": {"reference": reference}}


def charge(provider: StripeProvider, amount: Money = TEN) -> Outcome:
    return provider.charge(reference="top_1", amount=amount, owner="acc_1")


def give_back(provider: StripeProvider) -> Outcome:
    return provider.refund(reference="wdr_1", charge=CHARGE, amount=TEN)


class TestWhatMakesSomething:
    def test_carries_our_reference_as_its_idempotency_key(self, provider: StripeProvider, said: Scripted) -> None:
        said.will_say(intent("requires_payment_method"))
        said.will_say(NO_REFUNDS)
        said.will_say(refund("succeeded"))

        charge(provider)
        give_back(provider)

        assert [(method, key) for method, _path, key, _body in said.asked if method == "POST"] == [
            ("POST", "top_1"),
            ("POST", "wdr_1"),
        ]
        assert said.asked[0][3]["metadata[reference]"] == ["top_1"]

    def test_that_is_refused_for_good_has_failed(self, provider: StripeProvider, said: Scripted) -> None:
        said.will_refuse(400, type="invalid_request_error", code="amount_too_small")

        assert charge(provider) == Failed("amount_too_small")

    @pytest.mark.parametrize(
        ("status", "error"),
        [
            (400, {"type": "idempotency_error"}),
            (409, {"type": "invalid_request_error", "code": "idempotency_key_in_use"}),
            (429, {"type": "invalid_request_error", "code": "lock_timeout"}),
            (429, {"type": "invalid_request_error", "code": "rate_limit"}),
            (400, {"type": "invalid_request_error", "code": "balance_insufficient"}),
            (401, {"type": "invalid_request_error"}),
            (403, {"type": "invalid_request_error"}),
            (500, {"type": "api_error"}),
            (503, {"type": "api_error"}),
        ],
        ids=lambda value: str(value) if isinstance(value, int) else value.get("code", value["type"]),
    )
    def test_that_is_refused_for_the_moment_is_tried_again(
        self, provider: StripeProvider, said: Scripted, status: int, error: dict[str, str]
    ) -> None:
        said.will_say(NO_REFUNDS)
        said.will_refuse(status, **error)

        assert give_back(provider) == InProgress()

    def test_is_found_behind_a_hundred_others(self, provider: StripeProvider, said: Scripted) -> None:
        others = [refund("succeeded", f"re_{number}", f"wdr_other_{number}") for number in range(100)]
        said.will_say({**NO_REFUNDS, "data": others, "has_more": True})
        said.will_say({**NO_REFUNDS, "data": [refund("succeeded", "re_mine")]})

        assert give_back(provider) == Succeeded("re_mine")
        assert [method for method, *_ in said.asked] == ["GET", "GET"]


class TestStates:
    @pytest.mark.parametrize(
        "status",
        ["requires_payment_method", "requires_confirmation", "requires_action", "processing", "requires_capture"],
    )
    def test_on_the_way_are_no_end(self, provider: StripeProvider, said: Scripted, status: str) -> None:
        said.will_say(intent(status))

        assert provider.query(reference="top_1", known_as="pi_1") == InProgress("pi_1", "pi_1_secret")

    @pytest.mark.parametrize(
        ("status", "outcome"),
        [
            ("pending", InProgress("re_1")),
            ("requires_action", InProgress("re_1")),
            ("succeeded", Succeeded("re_1")),
            ("failed", Failed("refund_failed")),
            ("canceled", Failed("refund_failed")),
        ],
    )
    def test_of_refunds(self, provider: StripeProvider, said: Scripted, status: str, outcome: Outcome) -> None:
        said.will_say(refund(status))

        assert provider.query(reference="wdr_1", known_as="re_1") == outcome

    def test_of_a_payment_under_way_cannot_be_cancelled_and_is_not_taken_for_cancelled(
        self, provider: StripeProvider, said: Scripted
    ) -> None:
        said.will_refuse(400, type="invalid_request_error", code="payment_intent_unexpected_state")
        said.will_say(intent("processing"))

        assert provider.cancel(reference="top_1", known_as="pi_1") == InProgress("pi_1", "pi_1_secret")
        assert said.asked[0][2] != "top_1"  # Under our key Stripe would repeat this refusal for a day.


class TestAQuestion:
    @pytest.mark.parametrize("known_as", ["pi_1", "re_1"])
    def test_that_is_refused_ends_nothing(self, provider: StripeProvider, said: Scripted, known_as: str) -> None:
        """The key of another Stripe account knows nothing of what this one has charged."""
        said.will_refuse(404, type="invalid_request_error", code="resource_missing")

        assert provider.query(reference="x", known_as=known_as) == InProgress()

    def test_whether_it_is_cancelled_that_is_refused_ends_nothing(
        self, provider: StripeProvider, said: Scripted
    ) -> None:
        for _ in range(2):
            said.will_refuse(404, type="invalid_request_error", code="resource_missing")

        assert provider.cancel(reference="top_1", known_as="pi_1") == InProgress()


class TestAmounts:
    @pytest.mark.parametrize(
        ("minor", "currency", "at_stripe"),
        [
            (1250, "GBP", 1250),
            (1250, "JPY", 1250),
            (1250, "ISK", 125_000),
            (1250, "HUF", 1250),
            (1250, "TWD", 1250),
            (1200, "MGA", 12),
            (1250, "MGA", None),
            (1250, "KWD", 1250),
            (1251, "KWD", None),
            (1250, "UGX", None),
            (1250, "IQD", None),
        ],
    )
    def test_are_in_stripes_own_units(self, minor: int, currency: str, at_stripe: int | None) -> None:
        assert amount_at_stripe(Money(minor, currency)) == at_stripe

    def test_that_cannot_be_said_exactly_are_never_sent(self, provider: StripeProvider, said: Scripted) -> None:
        odd = Money(1251, "KWD")

        assert charge(provider, odd) == Failed("amount_not_possible")
        assert provider.refund(reference="wdr_1", charge=CHARGE, amount=odd) == Failed("amount_not_possible")
        assert said.asked == []
