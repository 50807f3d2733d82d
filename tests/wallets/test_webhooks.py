"""A provider may tell us what happened itself: once or twice, late or before its answer, and nobody else may."""

import hashlib
import hmac
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import DatabaseError, transaction
from django.test import Client

from accounts.actor import Actor
from accounts.models import Account
from core.money import Money
from events.models import EventRecord
from tests.money_facts import AT, book
from tests.wallets import bank as banks
from tests.wallets.bank import Bank
from tests.wallets.shop import fill, wallet_of
from wallets import services
from wallets.models import TopUp, WebhookNotice, Withdrawal
from wallets.providers.base import InProgress, Succeeded

SECRET = "whsec_test"
STRIPE = "wallets.providers.stripe_payments.StripeProvider"
Post = Callable[..., Any]

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture(autouse=True)
def providers(settings: Any) -> Iterator[Bank]:
    """Stripe, whose webhooks need no call, and a bank that sends none."""
    settings.PAYMENT_PROVIDERS = {**settings.PAYMENT_PROVIDERS, "stripe": STRIPE, "bank": banks.PATH}
    settings.STRIPE_SECRET_KEY, settings.STRIPE_WEBHOOK_SECRET = "sk_test_1", SECRET
    yield banks.bank
    banks.bank.clear()


@pytest.fixture
def top_up(buyer: Account) -> TopUp:
    return services.request_top_up(
        owner=buyer, amount=Money(1000, "GBP"), provider="stripe", actor=Actor.own(buyer), now=AT
    )


def intent(reference: str, status: str = "succeeded", *, event: str = "evt_1", **event_fields: Any) -> dict[str, Any]:
    about = {"object": "payment_intent", "id": "pi_1", "status": status, "client_secret": "s", "amount": 1000}
    about["metadata"] = {"reference": reference}
    return {"id": event, "type": f"payment_intent.{status}", "data": {"object": about}, **event_fields}


def signed(raw: bytes, *, secret: str = SECRET, age_seconds: int = 0) -> str:
    at = int(time.time()) - age_seconds
    digest = hmac.new(secret.encode(), f"{at}.".encode() + raw, hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"


def post(body: Any, *, provider: str = "stripe", signature: str | None = None) -> Any:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"Stripe-Signature": signed(raw) if signature is None else signature}
    return Client().post(f"/api/v1/webhooks/{provider}", raw, content_type="application/json", headers=headers)


class TestANotice:
    def test_before_the_answer_finishes_the_payment(self, top_up: TopUp) -> None:
        assert post(intent(top_up.public_id)).json() == {"received": True}

        top_up.refresh_from_db()
        assert (top_up.status, top_up.provider_reference) == ("succeeded", "pi_1")
        late = services.finish_top_up(public_id=top_up.public_id, outcome=InProgress("pi_1", "secret"), now=AT)
        assert (late.status, late.client_secret) == ("succeeded", "")
        assert EventRecord.objects.count() == 1

    def test_after_the_answer_changes_nothing(self, top_up: TopUp) -> None:
        services.finish_top_up(public_id=top_up.public_id, outcome=Succeeded("pi_1"), now=AT)

        assert post(intent(top_up.public_id, "canceled")).status_code == 200

        top_up.refresh_from_db()
        assert top_up.status == "succeeded"
        assert WebhookNotice.objects.get().effect == "known"

    def test_that_comes_twice_counts_once(self, top_up: TopUp) -> None:
        answers = [post(intent(top_up.public_id)) for _ in range(2)]

        assert [answer.status_code for answer in answers] == [200, 200]
        assert WebhookNotice.objects.count() == EventRecord.objects.count() == 1

    def test_that_is_no_end_has_the_provider_asked_at_once(self, top_up: TopUp) -> None:
        before = top_up.next_query_at

        post(intent(top_up.public_id, "processing"))

        top_up.refresh_from_db()
        assert top_up.status == "in_progress"
        assert top_up.next_query_at < before  # type: ignore[operator]

    def test_out_of_order_is_overtaken_by_the_end(self, top_up: TopUp) -> None:
        post(intent(top_up.public_id, "succeeded", event="evt_2"))
        post(intent(top_up.public_id, "processing", event="evt_1"))

        top_up.refresh_from_db()
        assert (top_up.status, top_up.next_query_at) == ("succeeded", None)

    def test_brings_money_that_we_had_given_up(self, top_up: TopUp) -> None:
        services.give_up_top_up(public_id=top_up.public_id, now=AT)

        post(intent(top_up.public_id))

        top_up.refresh_from_db()
        assert top_up.status == "succeeded"
        assert EventRecord.objects.get().type == "wallet.topped_up"

    def test_of_another_try_than_ours_ends_nothing(self, top_up: TopUp) -> None:
        """Somebody tidies up at Stripe, and cancels an intent that we were never told of."""
        services.finish_top_up(public_id=top_up.public_id, outcome=InProgress("pi_ours", "secret"), now=AT)

        post(intent(top_up.public_id, "canceled"))

        top_up.refresh_from_db()
        assert (top_up.status, WebhookNotice.objects.get().effect) == ("in_progress", "known")

    def test_of_a_connected_account_is_not_about_us(self, top_up: TopUp) -> None:
        post(intent(top_up.public_id, account="acct_of_somebody"))

        top_up.refresh_from_db()
        assert (top_up.status, WebhookNotice.objects.get().effect) == ("in_progress", "other")

    @pytest.mark.parametrize("reference", ["top_nobody", "", "\u00e9", "wdr_1"])
    def test_of_nothing_that_we_know_is_kept_and_has_no_effect(self, reference: str) -> None:
        assert post(intent(reference)).status_code == 200
        assert WebhookNotice.objects.get().effect == "other"

    def test_never_speaks_of_another_providers_payment(self, buyer: Account) -> None:
        other = services.request_top_up(
            owner=buyer, amount=Money(1000, "GBP"), provider="bank", actor=Actor.own(buyer), now=AT
        )

        post(intent(other.public_id))

        other.refresh_from_db()
        assert other.status == "in_progress"

    def test_is_written_once(self, top_up: TopUp) -> None:
        post(intent(top_up.public_id))
        with pytest.raises(DatabaseError), transaction.atomic():
            WebhookNotice.objects.update(effect="other")

    def test_asks_nobody(self, top_up: TopUp, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(*_: Any, **__: Any) -> None:
            raise AssertionError("Something remote was called.")

        monkeypatch.setattr("stripe.RequestsClient.request", refuse)

        assert post(intent(top_up.public_id, "processing")).status_code == 200


def failed(reference: str, *, event: str) -> dict[str, Any]:
    about = {"object": "refund", "id": "re_1", "status": "failed", "metadata": {"reference": reference}}
    return {"id": event, "type": "refund.failed", "data": {"object": about}}


class TestMoneyThatABankSendsBack:
    """Money out that had arrived may come back days later; then it is its owner's again, once."""

    @pytest.fixture
    def sent(self, buyer: Account) -> Withdrawal:
        fill(buyer, 1000)
        book()
        asked = services.request_withdrawal(
            owner=buyer, amount=Money(400, "GBP"), provider="stripe", actor=Actor.own(buyer), now=AT
        )
        return services.finish_withdrawal(public_id=asked.public_id, outcome=Succeeded("re_1"), now=AT)

    def test_is_in_the_wallet_again(self, buyer: Account, sent: Withdrawal) -> None:
        for number in range(2):
            assert post(failed(sent.public_id, event=f"evt_{number}")).status_code == 200
        book()

        sent.refresh_from_db()
        assert (sent.status, sent.failure) == ("failed", "refund_failed")
        assert wallet_of(buyer).posted_minor == 1000
        assert EventRecord.objects.filter(type="withdrawal.failed").count() == 1
        assert [notice.effect for notice in WebhookNotice.objects.order_by("id")] == ["finished", "known"]

    def test_never_leaves_it_twice(self, buyer: Account, sent: Withdrawal) -> None:
        """What has failed stays so: a late word that it had arrived is of before."""
        post(failed(sent.public_id, event="evt_1"))
        arrived = failed(sent.public_id, event="evt_0")
        arrived["data"]["object"]["status"] = "succeeded"
        post(arrived)
        book()

        sent.refresh_from_db()
        assert (sent.status, wallet_of(buyer).posted_minor) == ("failed", 1000)


class TestRefusals:
    """Whatever somebody sends, it is a 4xx with a code, and nothing is kept."""

    @pytest.mark.parametrize(
        ("body", "signature", "status", "code"),
        [
            (intent("top_1"), "", 400, "webhook_signature_invalid"),
            (intent("top_1"), "t=1,v1=00", 400, "webhook_signature_invalid"),
            (intent("top_1"), "nonsense", 400, "webhook_signature_invalid"),
            (b"{", None, 400, "malformed_body"),
            (b"\xff", None, 400, "malformed_body"),
            (b"[]", None, 400, "malformed_body"),
            ({}, None, 400, "webhook_unreadable"),
            ({"id": 5, "type": "x", "data": {"object": {"object": "x"}}}, None, 400, "webhook_unreadable"),
            ({"id": "x" * 500, "type": "x", "data": {"object": {"object": "x"}}}, None, 400, "webhook_unreadable"),
            ({"id": "e", "type": "x", "data": {"object": []}}, None, 400, "webhook_unreadable"),
            ({"id": "e", "type": "x", "data": {"object": {"object": "refund", "metadata": 5}}}, None, 400, None),
            (intent("r" * 300), None, 400, "webhook_unreadable"),
            (intent("top_1", pad="x" * 300_000), None, 413, "body_too_large"),
        ],
    )
    def test_are_stable(self, body: Any, signature: str | None, status: int, code: str | None) -> None:
        refused = post(body, signature=signature)

        assert refused.status_code == status, refused.content
        assert code in (None, refused.json()["code"])
        assert not WebhookNotice.objects.exists()

    @pytest.mark.parametrize("provider", ["nobody", "local", "bank", "stripe%00"])
    def test_are_404_where_nobody_hears(self, provider: str) -> None:
        assert 400 <= post(intent("top_1"), provider=provider).status_code <= 404

    def test_include_what_is_signed_with_another_secret_or_was_long_ago(self) -> None:
        raw = json.dumps(intent("top_1")).encode()

        for signature in (signed(raw, secret="another"), signed(raw, age_seconds=3600)):
            assert post(raw, signature=signature).json()["code"] == "webhook_signature_invalid"

    def test_include_everything_while_no_secret_is_set(self, settings: Any) -> None:
        settings.STRIPE_WEBHOOK_SECRET = ""
        raw = json.dumps(intent("top_1")).encode()

        assert post(raw, signature=signed(raw, secret="")).json()["code"] == "webhook_signature_invalid"


def test_two_of_one_at_the_same_moment_count_once(
    committed_db: Any, top_up: TopUp, race: Callable[..., list[Any]]
) -> None:
    body = intent(top_up.public_id)

    answers = race(lambda: post(body).status_code, lambda: post(body).status_code)

    assert answers == [200, 200]
    assert WebhookNotice.objects.count() == EventRecord.objects.count() == 1
