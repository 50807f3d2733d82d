"""An operator acts as a customer: for a reason, for a short time, in the open, and never with money."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone
from post_office.models import Email

from accounts import services, sessions
from accounts.actor import Actor
from accounts.errors import SessionEnded
from accounts.models import Account, Behaviour, Link, Session
from accounts.terms import Terms
from core.api.views import ApiView
from orders.models import Order
from tests import shop
from tests.conftest import Api, make_account
from tests.docs.test_api import METHODS, views

REASON = "Ticket 4711: the item cannot be found."
WRITING = [name for name in METHODS if name != "get"]


def stand_in(operator: Api, customer: Account) -> Any:
    return operator.post(f"/accounts/{customer.public_id}/stand-in", {"reason": REASON})


def standing_in(operator: Account, customer: Account) -> Api:
    """A caller who acts as the customer, by the operator's log-in."""
    answer = stand_in(Api(operator), customer)
    assert answer.status_code == 201, answer.content
    return Api(None, token=answer.json()["token"])


def writing_calls() -> Iterator[tuple[str, str, type[ApiView]]]:
    """Every call that may change something, with its path."""
    for path, view in views():
        for method in WRITING:
            if hasattr(view, method) and method.upper() not in view.public:
                yield method.upper(), path, view


WRITING_CALLS = list(writing_calls())


class TestOpening:
    """POST /accounts/{id}/stand-in"""

    def test_the_operator_is_who_logged_in_and_the_customer_is_who_acts(self, operator, buyer):
        answer = stand_in(Api(operator), buyer)

        session = answer.json()["session"]
        assert answer.status_code == 201
        assert session["login_account"] == {"id": operator.public_id, "name": operator.name}
        assert session["acting_account"] == {"id": buyer.public_id, "name": buyer.name}
        assert session["reason"] == REASON
        assert session["linked_accounts"] == []
        me = Api(None, token=answer.json()["token"]).get("/account")
        assert (me.status_code, me.json()["id"], me["Acting-Account"]) == (200, buyer.public_id, buyer.public_id)

    @pytest.mark.parametrize("body", [{}, {"reason": ""}, {"reason": "   "}, {"reason": None}, {"reason": "x" * 501}])
    def test_a_reason_is_given(self, operator, buyer, body):
        answer = Api(operator).post(f"/accounts/{buyer.public_id}/stand-in", body)

        assert answer.status_code == 422
        assert not Session.objects.exclude(reason="").exists()

    @pytest.mark.parametrize("side", ["buyer", "seller"])
    def test_only_operators_do(self, new_account, buyer, side):
        assert stand_in(Api(new_account(side=side)), buyer).status_code == 403

    def test_not_as_another_operator_nor_as_oneself(self, operator, new_account):
        for target in (operator, new_account(operator=True)):
            answer = stand_in(Api(operator), target)
            assert (answer.status_code, answer.json()["code"]) == (409, "not_a_customer")

    def test_not_as_an_account_that_is_shut(self, operator, buyer):
        services.deactivate_account(account=buyer)
        assert stand_in(Api(operator), buyer).json()["code"] == "not_a_customer"

    def test_not_as_nobody(self, operator):
        assert Api(operator).post("/accounts/acc_nobody/stand-in", {"reason": REASON}).status_code == 404

    def test_not_without_the_second_factor_that_operators_need(self, operator, buyer, settings):
        settings.OPERATOR_SECOND_FACTOR = True
        assert stand_in(Api(operator), buyer).status_code == 403

        proven = sessions.open_session(account=operator, second_factor_at=timezone.now())
        assert stand_in(Api(None, token=proven.token), buyer).status_code == 201

    def test_not_as_who_demands_a_fresh_second_factor_without_one(self, operator, buyer):
        Account.objects.filter(pk=buyer.pk).update(step_up=True)
        answer = stand_in(Api(operator), buyer)
        assert (answer.status_code, answer.json()["code"]) == (403, "step_up_required")

        proven = sessions.open_session(account=operator, second_factor_at=timezone.now())
        assert stand_in(Api(None, token=proven.token), buyer).status_code == 201

    def test_not_from_a_session_in_which_one_stands_in_already(self, operator, buyer, seller):
        assert stand_in(standing_in(operator, buyer), seller).status_code == 403

    def test_no_session_stands_in_without_a_reason_or_for_itself(self, operator, buyer):
        own = sessions.open_session(account=operator).session
        wrong: list[dict[str, Any]] = [
            {"reason": REASON},
            {"opened_in": own},
            {"reason": REASON, "opened_in": own, "acting_account": operator},
        ]
        for number, fields in enumerate(wrong):
            columns = {"login_account": operator, "acting_account": buyer, "expires_at": timezone.now()} | fields
            with pytest.raises(IntegrityError, match="session_stands_in_for_another"), transaction.atomic():
                Session.objects.create(token_digest=str(number), **columns)


class TestTheCustomerSees:
    """Whoever is looked at knows by whom, why, and can end it."""

    def test_the_session_stands_among_its_own_with_the_reason(self, operator, buyer):
        mine = Api(buyer)
        standing_in(operator, buyer)

        listed = mine.get("/sessions").json()["results"]

        assert [(row["login_account"]["id"], row["reason"]) for row in listed] == [
            (operator.public_id, REASON),
            (buyer.public_id, None),
        ]

    def test_it_is_a_behaviour_with_who_really_acted(self, operator, buyer):
        standing_in(operator, buyer)

        (row,) = Api(buyer).get("/behaviours").json()["results"]
        assert (row["kind"], row["origin"]) == ("session.switched", "own")
        assert (row["login_account"]["id"], row["acting_account"]["id"]) == (operator.public_id, buyer.public_id)
        assert row["data"] == {"from": operator.public_id, "to": buyer.public_id, "reason": REASON}

    def test_linked_accounts_do_not_see_it(self, operator, buyer, seller):
        link(buyer, seller)
        standing_in(operator, buyer)

        assert not Behaviour.objects.filter(account=seller, kind="session.switched").exists()

    def test_a_mail_says_so(self, operator, new_account):
        standing_in(operator, new_account(email="anna@example.org"))

        mail = Email.objects.get()
        assert mail.to == ["anna@example.org"]
        assert operator.name in mail.message
        assert REASON in mail.message

    def test_the_customer_ends_it(self, operator, buyer):
        mine, looking = Api(buyer), standing_in(operator, buyer)
        session = looking.get("/session").json()["id"]

        assert mine.delete(f"/sessions/{session}").status_code == 204

        assert looking.get("/account").json()["code"] == "session_ended"

    def test_logging_out_everywhere_ends_it_too(self, operator, buyer):
        looking = standing_in(operator, buyer)
        Api(buyer).delete("/sessions")
        assert looking.get("/account").status_code == 401

    def test_a_linked_account_neither_sees_nor_ends_it(self, operator, buyer, seller):
        link(buyer, seller)
        looking = standing_in(operator, buyer)
        session = looking.get("/session").json()["id"]
        other = Api(seller)

        assert len(other.get("/sessions").json()["results"]) == 1
        assert other.delete(f"/sessions/{session}").status_code == 404
        assert looking.get("/account").status_code == 200

    def test_who_merely_switched_to_it_is_not_the_customers_to_end(self, buyer, seller):
        link(buyer, seller)
        switched = Api(None, token=Api(buyer).post("/session/switch", {"account": seller.public_id}).json()["token"])

        Api(seller).delete("/sessions")

        assert switched.get("/account").status_code == 200


class TestEnding:
    """It never outlives the operator's own session, nor its time."""

    @pytest.mark.parametrize("how", ["log out", "log out everywhere", "deactivated", "no longer the operator's"])
    def test_it_ends_with_the_operators_session(self, operator, buyer, how):
        own = Api(operator)
        looking = Api(None, token=stand_in(own, buyer).json()["token"])
        if how == "log out":
            own.delete("/session")
        elif how == "log out everywhere":
            own.delete("/sessions")
        elif how == "deactivated":
            services.deactivate_account(account=operator)
        else:
            own.delete(f"/sessions/{own.get('/session').json()['id']}")

        assert looking.get("/account").status_code == 401

    def test_another_session_of_the_operator_does_not_end_it(self, operator, buyer):
        looking = standing_in(operator, buyer)
        Api(operator).delete("/session")
        assert looking.get("/account").status_code == 200

    def test_the_operator_ends_it_alone(self, operator, buyer):
        own = Api(operator)
        looking = Api(None, token=stand_in(own, buyer).json()["token"])

        assert looking.delete("/session").status_code == 204

        assert looking.get("/account").status_code == 401
        assert own.get("/account").status_code == 200

    def test_it_ends_by_itself(self, operator, buyer, settings):
        settings.STAND_IN_LIFETIME = timedelta(minutes=7)
        standing_in(operator, buyer)
        session = Session.objects.exclude(reason="").get()
        assert timedelta(minutes=6) < session.expires_at - timezone.now() <= timedelta(minutes=7)

    def test_it_never_outlasts_the_operators_own_time(self, operator, buyer):
        own = Api(operator)
        soon = timezone.now() + timedelta(minutes=2)
        Session.objects.update(expires_at=soon)
        stand_in(own, buyer)
        assert Session.objects.exclude(reason="").get().expires_at == soon

    def test_an_account_that_is_shut_meanwhile_is_not_looked_at_any_more(self, operator, buyer):
        looking = standing_in(operator, buyer)
        services.deactivate_account(account=buyer)
        assert looking.get("/account").status_code == 401

    def test_who_has_just_logged_out_opens_none(self, operator, buyer):
        opened = sessions.open_session(account=operator)
        actor = sessions.actor_of(opened.session)
        sessions.end_session(public_id=opened.session.public_id, owner=operator)

        with pytest.raises(SessionEnded):
            services.stand_in(customer=buyer, reason=REASON, actor=actor, now=timezone.now())

    def test_finding_the_session_is_still_one_statement(self, operator, buyer, statements):
        looking = standing_in(operator, buyer)
        with statements() as seen:
            looking.get("/account")
        assert len(seen) == 1, str(seen)


class TestWhatItMayDo:
    """It reads as the customer, and writes next to nothing."""

    def test_what_may_be_written_is_this_and_no_more(self):
        assisted = {f"{method} {path}" for method, path, view in WRITING_CALLS if method in view.assisted}
        assert assisted == {"POST /items", "POST /stores", "DELETE /session"}
        assert not any(method in view.own_login for method, _path, view in WRITING_CALLS if method in view.assisted)

    @pytest.mark.parametrize("side", ["buyer", "seller"])
    def test_no_other_writing_call_succeeds(self, operator, new_account, side):
        customer = new_account(side=side)
        looking = standing_in(operator, customer)
        before = counts()
        let_through = []
        for method, path, view in WRITING_CALLS:
            if method in view.assisted:
                continue
            answer = looking.send(method, "/" + path.lstrip("/").replace("{", "").replace("}", ""), {}, key=path)
            if answer.status_code != 403 or answer.json()["code"] not in CODES:
                let_through.append((method, path, answer.status_code, answer.content))
        assert let_through == []
        assert counts() == before

    @pytest.mark.parametrize("call", ["top up", "place", "pay", "withdraw"])
    def test_no_money_moves(self, operator, buyer, seller, call):
        order, send = money_call(buyer, seller, call)
        answer = send(standing_in(operator, buyer))
        assert (answer.status_code, answer.json()["code"] in CODES) == (403, True), order

    @pytest.mark.parametrize("call", ["top up", "place"])
    def test_but_for_the_gate_it_would(self, operator, buyer, seller, call, monkeypatch):
        """The control: these calls are whole, and nothing else would have stopped them."""
        _order, send = money_call(buyer, seller, call)
        looking = standing_in(operator, buyer)
        monkeypatch.setattr(Actor, "ensure_in_person", lambda self: None)
        assert send(looking).status_code == 201

    def test_no_wallet_pays_even_without_the_gate(self, operator, buyer, seller, monkeypatch):
        """The operator is who logged in, and has no link with anybody."""
        _order, send = money_call(buyer, seller, "pay")
        looking = standing_in(operator, buyer)
        monkeypatch.setattr(Actor, "ensure_in_person", lambda self: None)
        answer = send(looking)
        assert (answer.status_code, answer.json()["code"]) == (404, "account_not_linked")

    def test_the_customers_links_are_not_the_operators(self, operator, buyer, seller):
        link(buyer, seller)
        looking = standing_in(operator, buyer)
        for target in (seller, operator):
            refused = looking.get("/account", acting_account=target.public_id)
            assert (refused.status_code, refused.json()["code"]) == (403, "switch_not_allowed")
            refused = looking.post("/session/switch", {"account": target.public_id})
            assert (refused.status_code, refused.json()["code"]) == (403, "stand_in_refused")

    def test_it_has_no_operators_rights(self, operator, buyer):
        assert standing_in(operator, buyer).get("/service-keys").status_code == 403

    def test_it_exports_nothing(self, operator, buyer):
        assert standing_in(operator, buyer).get("/account/export").json()["code"] == "own_login_required"

    def test_what_it_writes_says_who_really_acted(self, operator, seller):
        looking = standing_in(operator, seller)
        offer = {"title": "Water test", "price": {"amount": 900, "currency": "GBP"}, "kind": "service"}
        item = looking.post("/items", offer)
        store = looking.post("/stores", {"name": "Corner"})

        assert (item.status_code, store.status_code) == (201, 201)
        assert seller.items.get().created_by == operator
        assert seller.stores.get().opened_by == operator
        published = Behaviour.objects.get(kind="item.published")
        assert (published.login_account, published.acting_account) == (operator, seller)


CODES = ("stand_in_refused", "own_login_required")


def money_call(buyer: Account, seller: Account, call: str) -> tuple[Order, Callable[[Api], Any]]:
    """Something that moves or promises money, ready to be sent."""
    shop.fund(buyer, 10_000)
    item = shop.offer(seller)
    order = shop.place(buyer, item).orders[0]
    amount = {"amount": order.total_minor, "currency": order.currency}
    path, body = {
        "top up": ("/wallet/top-ups", {"amount": 500, "currency": "GBP"}),
        "withdraw": ("/wallet/withdrawals", {"amount": 500, "currency": "GBP"}),
        "place": ("/orders", {"lines": [{"item": item.public_id, "quantity": 1}]}),
        "pay": (f"/orders/{order.public_id}/pay", amount),
    }[call]
    return order, lambda caller: caller.post(path, body, key=call)


def counts() -> dict[str, int]:
    """How many rows each table of the house has, but what a refused call may leave: tries that are counted."""
    with connection.cursor() as cursor:
        tables = [name for name in connection.introspection.table_names(cursor) if name != "core_attemptcount"]
        found = {}
        for table in tables:
            cursor.execute(f"SELECT count(*) FROM {connection.ops.quote_name(table)}")
            found[table] = cursor.fetchone()[0]
    return found


def link(inviter: Account, invitee: Account) -> Link:
    return Link.objects.create(inviter=inviter, invitee=invitee, linked_at=timezone.now(), **Terms().columns())


class TestAgainstALogOut:
    """Of a log-out and an opening at the same moment, no session is left that stands in."""

    def test_none_survives(self, committed_db, race):
        operator, customer = make_account(operator=True), make_account()
        for _round in range(10):
            opened = sessions.open_session(account=operator)
            actor = sessions.actor_of(opened.session)
            now = timezone.now()

            race(
                lambda actor=actor, now=now: services.stand_in(customer=customer, reason=REASON, actor=actor, now=now),
                lambda own=opened.session: sessions.end_session(public_id=own.public_id, owner=operator),
            )

            assert not Session.objects.filter(ended_at=None).exclude(reason="").exists()
