"""Closing for good, erasing who it was, and taking one's data along."""

import json
from typing import Any

import pytest
from django.core import mail as outbox
from post_office.models import Email, Log

from accounts import services
from accounts.actor import Actor
from accounts.mails import write_mail
from accounts.models import Account, Behaviour, Link, Session
from accounts.tasks import send_mails
from core import clock
from events.models import EventRecord
from orders.models import Order
from tests.accounts.test_identities import bind, proof_for
from tests.accounts.test_linking import invite, link
from tests.conftest import PASSWORD, Api
from tests.money_facts import book
from tests.shop import fund, offer, paid_order, place
from tests.wallets.shop import fill
from wallets.models import TopUp, Withdrawal

CLOSE = "/account/close"


def close(caller: Any, **body: Any) -> Any:
    return caller.post(CLOSE, {"password": PASSWORD, **body})


class TestClosing:
    """POST /account/close"""

    def test_nobody_comes_in_any_more(self, buyer, seller, api):
        caller, through = api(buyer), api(seller)
        made, code = link(seller, buyer), invite(buyer)
        bind(caller, proof_for(buyer))
        through.token = through.post("/session/switch", {"account": buyer.public_id}).json()["token"]

        assert close(caller).status_code == 204

        assert caller.get("/account").status_code == 401
        assert through.get("/account").status_code == 401
        login = Api(None).post("/sessions", {"username": buyer.username, "password": PASSWORD})
        assert login.json()["code"] == "credentials_invalid"
        assert Link.objects.get(pk=made.pk).ended_at is not None
        assert api(seller).post("/links", {"code": code}).json()["code"] == "invitation_invalid"
        assert not buyer.identities.filter(unbound_at=None).exists()
        assert EventRecord.objects.get(type="account.closed").payload["account"] == buyer.public_id

    def test_needs_the_password(self, buyer, api):
        caller = api(buyer)

        assert close(caller, password="wrong").json()["code"] == "credentials_invalid"
        assert caller.get("/account").status_code == 200

    def test_never_through_a_link(self, buyer, seller, api):
        link(seller, buyer)
        for answer in (
            api(seller).post(CLOSE, {"password": PASSWORD}, acting_account=buyer.public_id),
            api(seller).get("/account/export", acting_account=buyer.public_id),
        ):
            assert (answer.status_code, answer.json()["code"]) == (403, "own_login_required")

    def test_what_is_not_settled_is_said(self, buyer, seller, api):
        fund(buyer, 5000)
        paid_order(buyer, offer(seller))
        book()

        for account, obstacles in (
            (buyer, ["orders_under_way", "wallet_not_empty"]),
            (seller, ["earnings_pending", "orders_under_way"]),
        ):
            answer = close(api(account))
            assert (answer.status_code, answer.json()["code"]) == (409, "account_not_settled")
            assert answer.json()["obstacles"] == obstacles
            assert api(account).get("/account").status_code == 200

    @pytest.mark.parametrize("kind", [TopUp, Withdrawal])
    def test_what_a_provider_has_not_answered_is_not_settled(self, buyer, api, kind):
        """A top-up may still come in, and a withdrawal come back, to an account that is there."""
        payment = kind.objects.create(
            owner=buyer,
            login_account=buyer,
            provider="local",
            amount_minor=100,
            currency="GBP",
            requested_at=clock.now(),
            next_query_at=clock.now(),
        )
        assert close(api(buyer)).json()["obstacles"] == ["payments_under_way"]

        kind.objects.filter(pk=payment.pk).update(status="failed", next_query_at=None, finished_at=clock.now())
        assert close(api(buyer)).status_code == 204

    def test_an_operator_cannot_open_it_again(self, buyer, api):
        close(api(buyer))
        services.reactivate_account(account=buyer)

        login = Api(None).post("/sessions", {"username": buyer.username, "password": PASSWORD})
        assert login.json()["code"] == "credentials_invalid"

    def test_an_operator_does_not_close_itself_by_a_link_either(self, operator, api):
        assert close(api(operator)).status_code == 204


class TestErasing:
    def test_names_go_and_ids_stay(self, buyer, seller, api):
        order = place(buyer, offer(seller)).orders[0]
        Order.objects.filter(pk=order.pk).update(status="closed", next_transition_at=None)
        api(buyer).get(f"/items/{offer(seller).public_id}")
        old = buyer.username

        assert close(api(buyer), erase=True).status_code == 204

        erased = Account.objects.get(pk=buyer.pk)
        assert (erased.public_id, erased.name, erased.email) == (buyer.public_id, "Erased account", "")
        assert old not in str(list(Account.objects.values()))
        assert not Behaviour.objects.filter(account=buyer).exists()
        assert set(Session.objects.filter(login_account=buyer).values_list("device", flat=True)) == {""}
        seen = api(seller).get(f"/orders/{order.public_id}").json()
        assert seen["buyer"] == {"id": buyer.public_id, "name": "Erased account"}

    def test_mails_lose_address_and_text_at_once_and_those_that_wait_are_not_sent(self, new_account, settings):
        """Addresses need not be unique: another account's mail to the same one still goes out."""
        anna, firm = (new_account(email="anna@example.org") for _ in range(2))
        for account in (anna, firm):
            write_mail(account, subject="Hello", template="password_reset", token="t", minutes=30)
        send_mails()
        write_mail(anna, subject="Hello", template="password_reset", token="t", minutes=30)
        Account.objects.filter(pk=anna.pk).update(email="new@example.org")
        anna.refresh_from_db()
        write_mail(anna, subject="Hello", template="password_reset", token="t", minutes=30)
        write_mail(firm, subject="Hello", template="password_reset", token="t", minutes=30)
        failed = Email.objects.filter(context__account=anna.public_id).latest("id")
        failed.logs.create(status=1, message="550 no such user: new@example.org")

        services.erase_account(account=anna)

        blank = Email.objects.filter(context__account=anna.public_id)
        assert {(*mail.to, mail.subject, mail.message) for mail in blank} == {("", "")}
        assert "new@example.org" not in str([*Email.objects.values(), *Log.objects.values()])
        send_mails()
        assert [message.to for message in outbox.outbox] == [["anna@example.org"]] * 3

    def test_twice_changes_nothing(self, buyer):
        services.erase_account(account=buyer)
        first = Account.objects.filter(pk=buyer.pk).values().get() | {"password": ""}
        services.erase_account(account=Account.objects.get(pk=buyer.pk))

        assert Account.objects.filter(pk=buyer.pk).values().get() | {"password": ""} == first


class TestMirroredRecords:
    """What came through a link can be removed by whose storage it is in, once the link has ended."""

    def test_own_storage_only_and_only_after_the_end(self, buyer, seller, api):
        made = link(buyer, seller)
        api(seller).post("/items", {"title": "Tea", "price": {"amount": 1, "currency": "GBP"}, "kind": "goods"})
        path = f"/links/{made.public_id}/mirrored"
        assert api(buyer).delete(path).status_code == 404

        services.end_link(link=made.public_id, actor=Actor.own(buyer), now=clock.now())
        assert api(buyer).delete(path).status_code == 204

        assert not Behaviour.objects.filter(account=buyer, link_id=made.pk).exists()
        assert Behaviour.objects.filter(account=seller, link_id=made.pk).exists()
        assert Behaviour.objects.filter(account=buyer, link_id=None).exists()


class TestExport:
    """GET /account/export"""

    @pytest.mark.parametrize("count", [0, 3])
    def test_has_everything_that_is_ones_own(self, buyer, seller, api, count):
        link(buyer, seller)
        for _ in range(count):
            place(buyer, offer(seller, title='Tea "Earl\'s"\n'))

        answer = api(buyer).get("/account/export")

        exported = json.loads(b"".join(answer.streaming_content))
        assert set(exported) == {
            "account",
            "agent_seats",
            "behaviours",
            "cart",
            "earnings",
            "identities",
            "items",
            "links",
            "messages",
            "orders",
            "pay_code_secrets",
            "payout_targets",
            "referral_places",
            "referrals",
            "refund_requests",
            "scan_claims",
            "sessions",
            "share_programs",
            "shares",
            "stores",
            "top_ups",
            "wallet",
            "withdrawals",
        }
        assert exported["account"][0]["username"] == buyer.username
        assert [order["role"] for order in exported["orders"]] == ["buyer"] * count
        assert exported["links"][0]["with"] == seller.public_id
        assert "password" not in str(exported)
        assert "token" not in str(exported)

    def test_has_what_other_rooms_know(self, buyer, seller, api):
        item = offer(seller, description="Green")
        api(seller).post("/stores", {"name": "Shop", "address": "1 High Street"})
        fill(buyer, 5000)
        book()
        order = paid_order(buyer, item)
        book()
        api(buyer).post(f"/orders/{order.public_id}/refund-requests", {"reason": "It never came."})
        api(buyer).post("/wallet/top-ups", {"amount": 7, "currency": "GBP"}, key="k")
        api(buyer).put(f"/cart/lines/{item.public_id}", {"quantity": 3})

        bought, sold = (
            json.loads(b"".join(api(account).get("/account/export").streaming_content)) for account in (buyer, seller)
        )

        assert [(line["item"], line["quantity"]) for line in bought["cart"]] == [(item.public_id, 3)]
        assert [payment["amount"] for payment in bought["top_ups"]] == [7, 5000]
        statement = api(buyer).get("/wallet/statement").json()["results"]
        assert [line["transfer"] for line in bought["wallet"]] == [line["transfer"] for line in statement]
        assert sum(line["amount"] for line in bought["wallet"]) == 5000 - 1000
        assert [one["reason"] for one in bought["refund_requests"] + sold["refund_requests"]] == ["It never came."] * 2
        assert [earning["order"] for earning in sold["earnings"]] == [order.public_id]
        assert [(one["description"], one["status"]) for one in sold["items"]] == [("Green", "on_sale")]
        assert [one["address"] for one in sold["stores"]] == ["1 High Street"]
