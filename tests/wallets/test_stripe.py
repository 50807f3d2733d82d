"""
Stripe by its official library, against a server that nobody here wrote (localstripe, a program of its own).

It is under the GPL, so it is no requirement of ours: `make fakes` puts it into an environment of its own, and it is
run beside the tests, never imported. What it does not do (idempotency keys, refunds that wait or fail, other
currencies' units) is in test_stripe_answers.py. CI demands it (`FAKES=required`); elsewhere these tests are skipped
without it.
"""

import http.server
import json
import os
import socket
import subprocess
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import stripe
from django.test import Client

from accounts.actor import Actor
from accounts.models import Account
from core.money import Money
from tests.money_facts import AT, book
from tests.wallets.shop import wallet_of
from wallets import services
from wallets.models import TopUp, WebhookNotice, Withdrawal
from wallets.providers.base import Charge, Failed, InProgress, NotKnown, Succeeded
from wallets.providers.stripe_payments import StripeProvider

ROOT = Path(__file__).parents[2]
PROGRAM = Path(os.environ.get("LOCALSTRIPE") or ROOT / ".venv-fakes" / "bin" / "localstripe")
SECRET = "whsec_test"
TEN = Money(1000, "GBP")


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The fake Stripe's address."""
    if not PROGRAM.exists():
        assert os.environ.get("FAKES") != "required", "localstripe is not there, and these tests are not to be skipped."
        pytest.skip("localstripe is not there: `make fakes` installs it")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [PROGRAM, "--from-scratch", "--port", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/tmp",
    )
    try:
        wait_for(port)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


def wait_for(port: int) -> None:
    for _ in range(100):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise AssertionError("localstripe does not listen.")


@pytest.fixture
def provider(settings: Any, server: str) -> StripeProvider:
    settings.STRIPE_SECRET_KEY, settings.STRIPE_API_BASE = "sk_test_12345", server
    return StripeProvider()


class Payer:
    """What happens in the payer's browser, with Stripe's own form."""

    def __init__(self, server: str) -> None:
        api: Any = {"api": server}
        self.api = stripe.StripeClient("sk_test_12345", base_addresses=api).v1

    def pay(self, intent: str, number: str = "4242424242424242") -> None:
        card: Any = {"type": "card", "card": {"number": number, "exp_month": 12, "exp_year": 2040, "cvc": "123"}}
        method = self.api.payment_methods.create(card)
        self.api.payment_methods.attach(method.id, {"customer": self.api.customers.create({}).id})
        self.api.payment_intents.update(intent, {"payment_method": method.id})
        self.api.payment_intents.confirm(intent)


@pytest.fixture
def payer(server: str) -> Payer:
    return Payer(server)


def opened(provider: StripeProvider, reference: str = "top_1") -> str:
    outcome = provider.charge(reference=reference, amount=TEN, owner="acc_1")
    assert isinstance(outcome, InProgress)
    assert outcome.client_secret.startswith(outcome.provider_reference)
    return outcome.provider_reference


class TestCharges:
    def test_wait_for_the_payer_and_then_succeed(self, provider: StripeProvider, payer: Payer) -> None:
        intent = opened(provider)
        assert isinstance(provider.query(reference="top_1", known_as=intent), InProgress)

        payer.pay(intent)

        assert provider.query(reference="top_1", known_as=intent) == Succeeded(intent)

    def test_that_are_cancelled_can_be_paid_no_more(self, provider: StripeProvider, payer: Payer) -> None:
        intent = opened(provider)

        assert provider.cancel(reference="top_1", known_as=intent) == Failed("cancelled")

        with pytest.raises(stripe.StripeError):
            payer.pay(intent)
        assert provider.query(reference="top_1", known_as=intent) == Failed("cancelled")

    def test_that_are_paid_are_cancelled_too_late(self, provider: StripeProvider, payer: Payer) -> None:
        intent = opened(provider)
        payer.pay(intent)

        assert provider.cancel(reference="top_1", known_as=intent) == Succeeded(intent)

    def test_that_a_card_refuses_wait_for_another_one(self, provider: StripeProvider, payer: Payer) -> None:
        intent = opened(provider)
        with pytest.raises(stripe.CardError):
            payer.pay(intent, "4000000000000341")

        assert isinstance(provider.query(reference="top_1", known_as=intent), InProgress)

    def test_we_were_never_told_of_are_not_known(self, provider: StripeProvider) -> None:
        assert provider.query(reference="top_1") == NotKnown()
        assert provider.cancel(reference="top_1") == Failed("cancelled")


class TestRefunds:
    def test_go_back_once_however_often_they_are_asked_for(self, provider: StripeProvider, payer: Payer) -> None:
        intent = opened(provider)
        payer.pay(intent)
        charge = Charge("top_1", intent)

        first = provider.refund(reference="wdr_1", charge=charge, amount=Money(300, "GBP"))
        again = provider.refund(reference="wdr_1", charge=charge, amount=Money(300, "GBP"))

        assert isinstance(first, Succeeded)
        assert again == first == provider.query(reference="wdr_1", known_as=first.provider_reference)
        made = payer.api.refunds.list({"payment_intent": intent}).data
        assert [refund.amount for refund in made] == [300]

    def test_of_what_stripe_does_not_have_are_refused(self, provider: StripeProvider) -> None:
        unknown = Charge("top_1", "pi_nobody")

        assert isinstance(provider.refund(reference="wdr_1", charge=unknown, amount=TEN), Failed)


class TestLosses:
    def test_of_the_connection_leave_it_open(self, settings: Any) -> None:
        settings.STRIPE_SECRET_KEY, settings.STRIPE_API_BASE = "sk_test_12345", "http://127.0.0.1:9"

        assert StripeProvider().charge(reference="top_1", amount=TEN, owner="acc_1") == InProgress()

    def test_of_the_key_leave_it_open_for_an_operator_to_set_right(self, settings: Any, server: str) -> None:
        settings.STRIPE_SECRET_KEY, settings.STRIPE_API_BASE = "no key", server

        assert StripeProvider().charge(reference="top_1", amount=TEN, owner="acc_1") == InProgress()


@pytest.fixture
def webhooks(server: str) -> Iterator[list[tuple[bytes, str]]]:
    """What the fake Stripe sends us, signed by it; one who listens in its stead keeps it for the test to pass on."""
    heard: list[tuple[bytes, str]] = []

    class Listener(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers["Content-Length"]))
            heard.append((raw, self.headers["Stripe-Signature"]))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Nothing to say."""

    listener = http.server.HTTPServer(("127.0.0.1", 0), Listener)
    threading.Thread(target=listener.serve_forever, daemon=True).start()
    hook = {"url": f"http://127.0.0.1:{listener.server_port}/", "secret": SECRET}
    body = json.dumps(hook).encode()
    headers = {"Content-Type": "application/json"}
    urllib.request.urlopen(urllib.request.Request(f"{server}/_config/webhooks/1", body, headers)).close()
    yield heard
    listener.shutdown()
    listener.server_close()


def test_a_payment_and_its_refund_agree_on_both_sides(
    db: None, buyer: Account, settings: Any, server: str, payer: Payer, webhooks: list[tuple[bytes, str]]
) -> None:
    """From the intent to the webhook that brings the money in, and back by a refund."""
    path = "wallets.providers.stripe_payments.StripeProvider"
    settings.PAYMENT_PROVIDERS = {**settings.PAYMENT_PROVIDERS, "stripe": path}
    settings.STRIPE_SECRET_KEY, settings.STRIPE_API_BASE = "sk_test_12345", server
    settings.STRIPE_WEBHOOK_SECRET = SECRET
    top_up = services.request_top_up(owner=buyer, amount=TEN, provider="stripe", actor=Actor.own(buyer), now=AT)
    outcome = services.charge_top_up(public_id=top_up.public_id)
    top_up = services.finish_top_up(public_id=top_up.public_id, outcome=outcome, now=AT)
    assert top_up.client_secret

    payer.pay(top_up.provider_reference)
    pass_on(webhooks, "payment_intent.succeeded")
    book()
    assert TopUp.objects.get().status == "succeeded"
    assert wallet_of(buyer).available_minor == 1000

    services.return_to_provider(charged=top_up, refund="rfd_1", amount=Money(400, "GBP"), now=AT)
    assert services.finish_open_withdrawals() == 1
    book()

    assert Withdrawal.objects.get().status == "succeeded"
    assert wallet_of(buyer).posted_minor == 600
    assert payer.api.payment_intents.retrieve(top_up.provider_reference).amount == 1000
    made = payer.api.refunds.list({"payment_intent": top_up.provider_reference}).data
    assert sum(refund.amount for refund in made) == 400


def pass_on(heard: list[tuple[bytes, str]], kind: str) -> None:
    """Post what Stripe has sent to ourselves, byte for byte, until what is waited for has come."""
    for _ in range(50):
        for raw, signature in heard:
            answer = Client().post(
                "/api/v1/webhooks/stripe", raw, content_type="application/json", headers={"Stripe-Signature": signature}
            )
            assert answer.status_code == 200, answer.content
        if WebhookNotice.objects.filter(kind=kind).exists():
            return
        time.sleep(0.1)
    raise AssertionError(f"Stripe sent no {kind}.")
