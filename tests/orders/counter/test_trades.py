"""What a till does over HTTP, answer by answer."""

from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings

from accounts.actor import Actor
from accounts.models import Account, ExternalIdentity
from catalog.models import Item, Store
from catalog.services import close_store, trust_providers
from core import clock
from core.money import Money
from events.models import EventRecord
from orders.book_check import check_orders
from orders.counter.models import CounterTrade, TillRequest
from orders.models import Order
from orders.services import run_due_transitions
from tests.orders.counter.till import Till, cancelled, make_till, pay_code, tea
from tests.shop import fund, held, offer
from wallets.models import Earning


def refusal_of(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def advance(monkeypatch: pytest.MonkeyPatch, by: timedelta) -> None:
    """Let the house's clock go on, without running what is due by then."""
    ahead = clock.offset() + by
    monkeypatch.setattr(clock, "offset", lambda: ahead)


@pytest.fixture
def identity(store: Store, customer: Account) -> dict[str, str]:
    """The customer as a provider knows it, at a store that is trusted for that provider."""
    trust_providers(store=store.public_id, providers=["demo-id"])
    ExternalIdentity.objects.create(account=customer, provider="demo-id", external_id="ana", bound_at=clock.now())
    return {"provider": "demo-id", "external_id": "ana"}


class TestMakingATrade:
    def test_of_free_lines_answers_what_the_customer_is_to_pay(self, till: Till, store: Store, seller: Account):
        made = till.sell(tea(2), tea(1, 150))

        assert made.status_code == 201
        trade = made.json()
        order = Order.objects.get()
        assert trade["trade_no"] == order.trade_no
        assert trade == {
            "trade_no": order.trade_no,
            "order": order.public_id,
            "store": store.public_id,
            "store_name": "Corner",
            "seller": {"id": seller.public_id, "name": seller.name},
            "terminal": till.terminal.public_id,
            "sequence": 1,
            "status": "pending",
            "lines": trade["lines"],
            "amount": 1950,
            "currency": "GBP",
            "refunded": 0,
            "placed_at": trade["placed_at"],
            "paid_at": None,
            "closes_at": trade["closes_at"],
            "qr": f"{settings.SITE_URL}/pay/{order.trade_no}",
            "receipt": None,
            "refusal": None,
        }
        assert [(line["title"], line["item"], line["quantity"], line["amount"]) for line in trade["lines"]] == [
            ("Tea, loose", None, 2, 1800),
            ("Tea, loose", None, 1, 150),
        ]
        assert (order.channel, order.buyer, order.next_transition_at) == (
            "store",
            None,
            order.placed_at + settings.COUNTER_PAYMENT_LIMIT,
        )

    def test_of_items_takes_them_from_the_shelf_and_charges_the_fee(self, till: Till, seller: Account):
        item = offer(seller, stock=5)

        made = till.sell({"item": item.public_id, "quantity": 2}, amount=2000)

        assert made.status_code == 201
        assert Item.objects.get().stock == 3
        assert Order.objects.get().fee_minor == 100

    @pytest.mark.parametrize(
        ("fields", "refusal"),
        [
            ({"amount": 901}, (422, "lines_mismatch")),
            ({"lines": [{"description": "x", "quantity": 1}]}, (422, "item_or_description")),
            ({"lines": [{"item": "itm_x", "quantity": 1}]}, (422, "item_unknown")),
            ({"lines": []}, (422, "min_length")),
            ({"sequence": 0, "x": 1}, (422, "unknown_field")),
            ({"sequence": -1}, (422, "min_value")),
            ({"sequence": "1"}, (422, "invalid")),
            ({"pay_code": "1", "identity": {"provider": "x", "external_id": "y"}}, (422, "pay_code_or_identity")),
            ({"identity": {"provider": "demo-id", "external_id": "nobody"}}, (422, "identity_unknown")),
        ],
    )
    def test_what_is_wrong_makes_nothing_and_leaves_the_sequence_free(
        self, till: Till, fields: dict[str, Any], refusal: tuple[int, str]
    ):
        body = {"sequence": 1, "lines": [tea()], "amount": 900, "currency": "GBP", **fields}
        assert refusal_of(till.post("/terminal/trades", body)) == refusal
        assert not Order.objects.exists()
        assert till.sell(sequence=1).status_code == 201

    def test_sells_only_what_is_the_stores(self, till: Till, seller: Account, other_store: Store, store: Store):
        def sell(item: Item, amount: int = 1000) -> tuple[int, str]:
            return refusal_of(till.sell({"item": item.public_id, "quantity": 1}, amount=amount))

        assert sell(offer(other_store.seller)) == (422, "item_unknown")
        second = make_till_in_second_store(seller).terminal.store
        assert sell(offer(seller, store=second.public_id)) == (422, "item_unknown")
        assert sell(offer(seller, currency="EUR")) == (422, "lines_mismatch")
        assert sell(offer(seller, status="paused")) == (409, "item_not_on_sale")
        assert sell(offer(seller, stock=0)) == (409, "out_of_stock")
        of_this_store = offer(seller, store=store.public_id)
        assert till.sell({"item": of_this_store.public_id, "quantity": 1}, amount=1000).status_code == 201

    def test_a_closed_store_sells_nothing_but_still_answers_and_gives_back(
        self, till: Till, customer: Account, seller: Account, store: Store
    ):
        paid = till.sell(pay_code=pay_code(customer)).json()
        pending = till.sell().json()
        close_store(store=store.public_id, actor=Actor.own(seller), now=clock.now())

        assert refusal_of(till.sell()) == (409, "store_closed")
        assert refusal_of(till.pay(pending, pay_code=pay_code(customer))) == (409, "store_closed")
        assert till.ask(1)["trade"]["status"] == "paid"
        assert cancelled(till, trade_no=paid["trade_no"]).json() == {"result": "refunded"}

    def test_people_make_none(self, api: Any, seller: Account):
        assert api(seller).post("/terminal/trades", {}).status_code == 403
        assert api().post("/terminal/trades", {}).status_code == 401


def make_till_in_second_store(seller: Account) -> Till:
    from catalog.services import open_store

    return make_till(open_store(name="Second", actor=Actor.own(seller), now=clock.now()))


class TestPayingByPayCode:
    def test_in_the_same_call_holds_the_money_and_completes_the_order(
        self, till: Till, customer: Account, seller: Account
    ):
        trade = till.sell(pay_code=pay_code(customer)).json()

        assert (trade["status"], trade["refusal"]) == ("paid", None)
        assert held(customer) == 900
        order = Order.objects.get()
        assert (order.status, order.buyer, order.payer, order.paid_by) == ("completed", customer, customer, customer)
        assert order.paid_at == order.fulfilled_at == order.completed_at
        assert order.next_transition_at is None
        earning = Earning.objects.get()
        assert (earning.owner, earning.channel) == (seller, "store")
        assert earning.releases_at == order.completed_at + settings.EARNINGS_HOLD_PERIOD
        assert list(check_orders()) == []

    def test_says_to_the_rules_where_that_was(self, store: Store, customer: Account):
        till = make_till(store, institution="ICBC")
        trade = till.sell(pay_code=pay_code(customer)).json()
        till.post(f"/terminal/trades/{trade['trade_no']}/refunds", {"sequence": 2, "amount": 1, "reason": "x"})

        where = {
            "channel": "store",
            "store": store.public_id,
            "terminal": till.terminal.public_id,
            "institution": "ICBC",
        }
        for type_ in ("order.paid", "order.refunded"):
            payload = EventRecord.objects.get(type=type_).payload
            assert where.items() <= payload.items()
        assert EventRecord.objects.filter(type="order.completed", subject=trade["order"]).exists()

    def test_later_pays_a_pending_trade(self, till: Till, customer: Account):
        trade = till.sell().json()
        paid = till.pay(trade, pay_code=pay_code(customer))
        assert (paid.status_code, paid.json()["status"]) == (200, "paid")
        assert held(customer) == 900

    @pytest.mark.parametrize("at_once", [True, False])
    @pytest.mark.parametrize(
        ("prepare", "code"),
        [
            (lambda customer: "0" * 18, "pay_code_invalid"),
            (lambda customer: "what the scanner saw", "pay_code_invalid"),
            (lambda customer: pay_code(customer, Money(899, "GBP")), "pay_code_maximum"),
            (lambda customer: pay_code(customer, Money(9000, "EUR")), "pay_code_maximum"),
            (lambda customer: (fund(customer, 899), pay_code(customer))[1], "insufficient_funds"),
        ],
    )
    def test_a_refusal_keeps_the_trade_and_kills_the_code(
        self, till: Till, customer: Account, prepare: Any, code: str, at_once: bool
    ):
        shown = prepare(customer)
        if at_once:
            made = till.sell(pay_code=shown)
            assert made.status_code == 201
        else:
            made = till.sell()
            assert refusal_of(till.pay(made.json(), pay_code=shown)) == (409, code)
        trade = till.ask(1)["trade"]
        assert (trade["status"], trade["refusal"]["code"]) == ("pending", code)
        assert trade["refusal"]["detail"]
        assert held(customer) == 0

        fund(customer, 100_000)
        assert refusal_of(till.pay(till.sell().json(), pay_code=shown)) == (409, "pay_code_invalid")
        assert till.pay(trade, pay_code=pay_code(customer)).json()["status"] == "paid"

    def test_a_code_pays_one_trade(self, till: Till, customer: Account):
        code = pay_code(customer)
        assert till.sell(pay_code=code).json()["status"] == "paid"
        assert till.sell(pay_code=code).json()["refusal"]["code"] == "pay_code_invalid"
        assert held(customer) == 900

    def test_a_double_scan_gets_the_same_answer_and_pays_once(self, till: Till, customer: Account):
        trade, code = till.sell().json(), pay_code(customer)
        first, second = till.pay(trade, pay_code=code), till.pay(trade, pay_code=code)
        assert (first.status_code, first.json()) == (second.status_code, second.json())
        assert held(customer) == 900

    def test_an_expired_code_pays_nothing(self, till: Till, customer: Account, monkeypatch: pytest.MonkeyPatch):
        code = pay_code(customer)
        advance(monkeypatch, settings.PAY_CODE_LIFETIME)
        assert till.sell(pay_code=code).json()["refusal"]["code"] == "pay_code_invalid"

    def test_a_wrong_amount_is_refused_and_leaves_the_code_alive(self, till: Till, customer: Account):
        trade, code = till.sell().json(), pay_code(customer)
        assert refusal_of(till.pay(trade, pay_code=code, amount=901)) == (422, "amount_mismatch")
        assert refusal_of(till.pay(trade, pay_code=code, currency="EUR")) == (422, "amount_mismatch")
        assert till.pay(trade, pay_code=code).status_code == 200

    def test_what_is_paid_or_closed_is_paid_no_more(self, till: Till, customer: Account):
        paid, closed = till.sell(pay_code=pay_code(customer)).json(), till.sell().json()
        cancelled(till, trade_no=closed["trade_no"])
        for trade in (paid, closed):
            assert refusal_of(till.pay(trade, pay_code=pay_code(customer))) == (409, "order_not_payable")

    def test_thirty_wrong_codes_in_a_quarter_of_an_hour_are_enough(
        self, till: Till, customer: Account, store: Store, settings: Any
    ):
        settings.PAY_CODE_FAILURES_MAX = 3
        trade = till.sell().json()
        for number in range(2):
            assert till.pay(trade, pay_code=f"{number:018}").status_code == 409
        assert till.sell(pay_code=pay_code(customer)).json()["status"] == "paid", "Right ones are not counted."
        assert till.sell(pay_code="9" * 18).status_code == 201

        for refused in (till.pay(trade, pay_code=pay_code(customer)), till.sell(pay_code=pay_code(customer))):
            assert refusal_of(refused) == (429, "too_many_attempts")
            assert int(refused["Retry-After"]) > 0
        assert till.sell().status_code == 201, "Without a code nothing is guessed."
        assert make_till(store).sell(pay_code=pay_code(customer)).json()["status"] == "paid"

    def test_a_store_has_a_limit_of_its_own(self, store: Store, customer: Account, settings: Any):
        settings.PAY_CODE_STORE_FAILURES_MAX = 2
        for number in range(2):
            make_till(store).sell(pay_code=f"{number:018}")
        assert make_till(store).sell(pay_code=pay_code(customer)).status_code == 429


class TestPayingByIdentity:
    def test_makes_the_trade_in_the_customers_name_and_pays_it_later(
        self, api: Any, till: Till, identity: dict[str, str], customer: Account, new_account: Any
    ):
        made = till.sell(identity=identity)
        assert (made.status_code, made.json()["status"]) == (201, "pending")
        trade = made.json()
        assert Order.objects.get().buyer == customer
        assert api(customer).get(f"/trades/{trade['trade_no']}").status_code == 200
        assert api(new_account()).get(f"/trades/{trade['trade_no']}").status_code == 404
        assert held(customer) == 0

        for _ in range(2):
            paid = till.pay(trade, identity=identity)
            assert (paid.status_code, paid.json()["status"]) == (200, "paid")
        assert held(customer) == 900
        assert EventRecord.objects.get(type="order.paid").payload["institution"] == "demo-id"

    def test_pays_a_trade_of_nobody_as_well(self, till: Till, identity: dict[str, str], customer: Account):
        assert till.pay(till.sell().json(), identity=identity).json()["status"] == "paid"

    def test_where_the_store_does_not_trust_the_provider_it_is_nobody(
        self, till: Till, identity: dict[str, str], store: Store
    ):
        trade = till.sell().json()
        trust_providers(store=store.public_id, providers=["other"])
        till_now = make_till(Store.objects.get(pk=store.pk))
        assert refusal_of(till_now.pay(trade, identity=identity)) == (422, "identity_unknown")
        assert refusal_of(till_now.sell(identity=identity)) == (422, "identity_unknown")

    @pytest.mark.parametrize("changed", [{"unbound_at": "2026-01-01T00:00:00Z"}, {"external_id": "eva"}])
    def test_an_identity_that_nobody_has_bound_is_unknown(
        self, till: Till, identity: dict[str, str], changed: dict[str, Any]
    ):
        ExternalIdentity.objects.update(**changed)
        assert refusal_of(till.pay(till.sell().json(), identity=identity)) == (422, "identity_unknown")

    def test_pays_no_trade_of_another_customer(
        self, till: Till, identity: dict[str, str], customer: Account, new_account: Any
    ):
        other = new_account()
        fund(other, 10_000)
        ExternalIdentity.objects.create(account=other, provider="demo-id", external_id="ben", bound_at=clock.now())
        trade = till.sell(identity=identity).json()
        as_ben = {"provider": "demo-id", "external_id": "ben"}
        assert refusal_of(till.pay(trade, identity=as_ben)) == (422, "identity_unknown")
        assert refusal_of(till.pay(trade, pay_code=pay_code(other))) == (409, "pay_code_invalid")
        assert held(other) == 0

    def test_too_little_money_is_a_refusal_that_is_kept(self, till: Till, identity: dict[str, str], customer: Account):
        fund(customer, 0)
        trade = till.sell().json()
        assert refusal_of(till.pay(trade, identity=identity)) == (409, "insufficient_funds")
        assert till.ask(1)["trade"]["refusal"]["code"] == "insufficient_funds"
        assert Order.objects.get().buyer is None


class TestPayingWithThePhone:
    def test_shows_the_trade_and_pays_it(self, api: Any, till: Till, customer: Account, new_account: Any):
        trade = till.sell().json()
        phone, path = api(customer), f"/trades/{trade['trade_no']}"
        shown = phone.get(path).json()
        assert (shown["store_name"], shown["amount"], shown["lines"]) == ("Corner", 900, trade["lines"])

        body = {"amount": 900, "currency": "GBP"}
        paid = phone.post(f"{path}/pay", body, key="k")
        assert (paid.status_code, paid.json()["status"]) == (200, "paid")
        again = phone.post(f"{path}/pay", body, key="k")
        assert again.json() == paid.json()
        assert refusal_of(phone.post(f"{path}/pay", body, key="k2")) == (409, "order_not_payable")
        assert held(customer) == 900
        assert api(new_account()).get(path).status_code == 404

    def test_refuses_as_orders_do(self, api: Any, till: Till, customer: Account, seller: Account):
        path = f"/trades/{till.sell().json()['trade_no']}/pay"
        phone = api(customer)
        assert refusal_of(phone.post(path, {"amount": 1, "currency": "GBP"}, key="1")) == (422, "amount_mismatch")
        assert refusal_of(phone.post(path, {"amount": 900, "currency": "GBP"})) == (400, "idempotency_key_required")
        linked = {"amount": 900, "currency": "GBP", "wallet": seller.public_id}
        assert refusal_of(phone.post(path, linked, key="2")) == (404, "account_not_linked")
        fund(customer, 1)
        assert refusal_of(phone.post(path, {"amount": 900, "currency": "GBP"}, key="3")) == (409, "insufficient_funds")
        assert phone.post("/trades/NOPE/pay", {"amount": "x"}, key="4").status_code == 404
        assert api(seller).get(path.removesuffix("/pay")).status_code == 403


class TestLargeAmounts:
    """Above the account's limit the customer says yes on the phone before the debit."""

    @pytest.mark.parametrize("at_once", [True, False])
    def test_wait_for_the_customer_and_are_seen_from_both_sides(
        self, api: Any, till: Till, customer: Account, at_once: bool, new_account: Any
    ):
        api(customer).put("/confirmation-limits", {"amount": 899, "currency": "GBP"})
        if at_once:
            trade = till.sell(pay_code=pay_code(customer)).json()
        else:
            refused = till.pay(till.sell().json(), pay_code=pay_code(customer))
            assert refusal_of(refused) == (409, "confirmation_needed")
            trade = till.ask(1)["trade"]
        assert (trade["status"], trade["refusal"]["code"]) == ("confirming", "confirmation_needed")
        assert till.ask(1)["outcome"] == "in_progress"
        phone, path = api(customer), f"/trades/{trade['trade_no']}"
        assert phone.get(path).json()["status"] == "confirming"
        assert api(new_account()).get(path).status_code == 404
        assert held(customer) == 0

        confirmed = phone.post(f"{path}/confirm", {"amount": 900, "currency": "GBP"}, key="yes")
        assert (confirmed.status_code, confirmed.json()["status"]) == (200, "paid")
        assert till.ask(1)["trade"]["status"] == "paid"
        assert held(customer) == 900

    def test_what_needs_no_confirmation_is_not_confirmed(self, api: Any, till: Till, customer: Account):
        path = f"/trades/{till.sell().json()['trade_no']}/confirm"
        refused = api(customer).post(path, {"amount": 900, "currency": "GBP"}, key="yes")
        assert refusal_of(refused) == (409, "confirmation_not_needed")

    def test_hold_for_identities_too(self, api: Any, till: Till, identity: dict[str, str], customer: Account):
        api(customer).put("/confirmation-limits", {"amount": 0, "currency": "GBP"})
        assert refusal_of(till.pay(till.sell().json(), identity=identity)) == (409, "confirmation_needed")

    def test_end_with_their_time(self, api: Any, till: Till, customer: Account, monkeypatch: pytest.MonkeyPatch):
        api(customer).put("/confirmation-limits", {"amount": 0, "currency": "GBP"})
        trade = till.sell(pay_code=pay_code(customer)).json()
        advance(monkeypatch, settings.COUNTER_PAYMENT_LIMIT)
        body = {"amount": 900, "currency": "GBP"}
        late = api(customer).post(f"/trades/{trade['trade_no']}/confirm", body, key="yes")
        assert refusal_of(late) == (409, "order_not_payable")


class TestASequence:
    def test_repeats_the_first_answer_for_ever(self, till: Till, customer: Account):
        code = pay_code(customer)
        first = till.sell(sequence=7, pay_code=code)
        cancelled(till, sequence=7)
        again = till.sell(sequence=7, pay_code=code)
        assert (again.status_code, again.json()) == (201, first.json())
        assert again["Idempotent-Replayed"] == "true"
        assert Order.objects.count() == 1

    def test_repeats_a_refusal_as_well(self, till: Till, customer: Account):
        fund(customer, 0)
        code = pay_code(customer)
        first = till.sell(sequence=7, pay_code=code)
        fund(customer, 10_000)
        assert till.sell(sequence=7, pay_code=code).json() == first.json()
        assert held(customer) == 0

    def test_with_other_data_is_refused(self, till: Till):
        trade = till.sell(sequence=7).json()
        assert refusal_of(till.sell(tea(2), sequence=7)) == (409, "sequence_reused")
        assert refusal_of(refund(till, trade, 1, sequence=7)) == (409, "sequence_reused")

    def test_is_one_series_per_till_in_any_order(self, store: Store, till: Till):
        other = make_till(store)
        for one in (till, other):
            for sequence in (9, 2, 2**53 - 1):
                assert one.sell(sequence=sequence).status_code == 201
        assert Order.objects.count() == 6

    def test_that_was_cancelled_first_is_never_made(self, till: Till, customer: Account):
        assert cancelled(till, sequence=7).json() == {"result": "not_created"}
        assert cancelled(till, sequence=7).json() == {"result": "not_created"}
        assert refusal_of(till.sell(sequence=7, pay_code=pay_code(customer))) == (409, "sequence_cancelled")
        assert till.ask(7) == {"outcome": "final", "answer": {"result": "not_created"}}
        assert held(customer) == 0


class TestWhatBecameOfIt:
    def test_an_unknown_sequence_is_not_known(self, till: Till):
        assert till.ask(5) == {"outcome": "not_known"}
        assert refusal_of(till.get("/terminal/trades")) == (422, "required")

    def test_a_paid_trade_is_final_with_the_original_answer(self, till: Till, customer: Account):
        answer = till.sell(pay_code=pay_code(customer)).json()
        asked = till.ask(1)
        assert asked == {"outcome": "final", "trade": answer, "answer": answer}
        assert till.get(f"/terminal/trades/{answer['trade_no']}").json() == asked

    def test_a_pending_one_is_in_progress_until_its_time_is_up(
        self, till: Till, monkeypatch: pytest.MonkeyPatch, seller: Account
    ):
        item = offer(seller, stock=1)
        answer = till.sell({"item": item.public_id, "quantity": 1}, amount=1000).json()
        assert till.ask(1)["outcome"] == "in_progress"
        advance(monkeypatch, settings.COUNTER_PAYMENT_LIMIT)
        asked = till.ask(1)
        assert (asked["outcome"], asked["trade"]["status"], asked["answer"]) == ("final", "closed", answer)
        assert run_due_transitions(clock.now()) == 1
        assert till.ask(1) == asked
        assert Item.objects.get().stock == 1

    def test_a_refund_says_what_it_was(self, till: Till, customer: Account):
        trade = till.sell(pay_code=pay_code(customer)).json()
        given = refund(till, trade, 400, sequence=2).json()
        asked = till.ask(2)
        assert (asked["outcome"], asked["answer"], asked["trade"]["refunded"]) == ("final", given, 400)

    def test_another_stores_trade_is_not_there(self, till: Till, other_store: Store, customer: Account):
        trade = till.sell(pay_code=pay_code(customer)).json()
        stranger, path = make_till(other_store), f"/terminal/trades/{trade['trade_no']}"
        assert stranger.get(path).status_code == 404
        assert stranger.pay(trade, pay_code=pay_code(customer)).status_code == 404
        assert refund(stranger, trade, 1).status_code == 404
        assert cancelled(stranger, trade_no=trade["trade_no"]).status_code == 404
        assert stranger.ask(1) == {"outcome": "not_known"}

    def test_another_till_of_the_store_may_go_on_with_it(self, till: Till, store: Store, customer: Account):
        trade = till.sell().json()
        assert make_till(store).pay(trade, pay_code=pay_code(customer)).json()["status"] == "paid"


class TestCancelling:
    def test_closes_what_is_not_paid(self, till: Till, seller: Account, api: Any, customer: Account):
        item = offer(seller, stock=1)
        trade = till.sell({"item": item.public_id, "quantity": 1}, amount=1000).json()
        for named in ({"sequence": 1}, {"trade_no": trade["trade_no"]}):
            assert cancelled(till, **named).json() == {"result": "closed"}
        assert till.ask(1)["trade"]["status"] == "closed"
        assert Item.objects.get().stock == 1
        late = api(customer).post(f"/trades/{trade['trade_no']}/pay", {"amount": 1000, "currency": "GBP"}, key="k")
        assert refusal_of(late) == (409, "order_not_payable")

    def test_gives_all_the_money_back(self, till: Till, seller: Account, customer: Account):
        item = offer(seller, stock=1)
        sold = {"item": item.public_id, "quantity": 1}
        trade = till.sell(sold, amount=1000, pay_code=pay_code(customer)).json()
        refund(till, trade, 300)
        for _ in range(2):
            assert cancelled(till, sequence=1).json() == {"result": "refunded"}
        shown = till.ask(1)["trade"]
        assert (shown["status"], shown["refunded"]) == ("refunded", 1000)
        assert Item.objects.get().stock == 1
        assert CounterTrade.objects.get().cancelled_by == till.terminal
        assert list(check_orders()) == []

    def test_ends_a_day_after_the_payment(self, till: Till, customer: Account, monkeypatch: pytest.MonkeyPatch):
        trade = till.sell(pay_code=pay_code(customer)).json()
        advance(monkeypatch, timedelta(hours=24, seconds=1))
        for named in ({"sequence": 1}, {"trade_no": trade["trade_no"]}):
            assert refusal_of(cancelled(till, **named)) == (409, "use_refund")
        assert refund(till, trade, 900).status_code == 201
        assert cancelled(till, sequence=1).json() == {"result": "refunded"}

    def test_names_a_sequence_or_a_trade(self, till: Till, customer: Account):
        assert refusal_of(cancelled(till)) == (422, "sequence_or_trade_no")
        assert refusal_of(cancelled(till, sequence=1, trade_no="x")) == (422, "sequence_or_trade_no")
        assert cancelled(till, trade_no="x").status_code == 404
        trade = till.sell(pay_code=pay_code(customer)).json()
        refund(till, trade, 1, sequence=9)
        assert refusal_of(cancelled(till, sequence=9)) == (409, "refund_not_cancellable")


def refund(till: Till, trade: dict[str, Any], amount: int, *, sequence: int | None = None) -> Any:
    body = {"sequence": sequence or next(till.sequences), "amount": amount, "reason": "Returned."}
    return till.post(f"/terminal/trades/{trade['trade_no']}/refunds", body)


class TestRefunding:
    def test_gives_back_a_part_and_then_the_rest(self, till: Till, customer: Account):
        trade = till.sell(pay_code=pay_code(customer)).json()

        first = refund(till, trade, 400)

        assert first.status_code == 201
        document = first.json()
        assert (document["amount"], document["order"], document["sequence"]) == (400, trade["order"], 2)
        assert till.ask(1)["trade"]["status"] == "paid"
        assert refusal_of(refund(till, trade, 501)) == (409, "refund_exceeds_paid")
        assert refund(till, trade, 500).status_code == 201
        assert till.ask(1)["trade"]["status"] == "refunded"
        assert list(check_orders()) == []

    def test_happens_once_per_sequence(self, till: Till, customer: Account):
        trade = till.sell(pay_code=pay_code(customer)).json()
        first = refund(till, trade, 400, sequence=5)
        assert refund(till, trade, 400, sequence=5).json() == first.json()
        assert refusal_of(refund(till, trade, 401, sequence=5)) == (409, "sequence_reused")
        other = till.sell(pay_code=pay_code(customer)).json()
        assert refusal_of(refund(till, other, 400, sequence=5)) == (409, "sequence_reused")
        assert Order.objects.get(trade_no=trade["trade_no"]).refunded_minor == 400

    def test_of_what_is_not_paid_is_refused_and_leaves_the_sequence_free(self, till: Till):
        trade = till.sell().json()
        assert refusal_of(refund(till, trade, 1, sequence=5)) == (409, "refund_exceeds_paid")
        assert not TillRequest.objects.filter(sequence=5).exists()
        cancelled(till, sequence=5)
        assert refusal_of(refund(till, trade, 1, sequence=5)) == (409, "sequence_cancelled")


class TestStatements:
    def test_making_and_paying_in_one_call_stays_within_its_budget(
        self, till: Till, customer: Account, seller: Account, statements: Any
    ):
        item, code = offer(seller, stock=5), pay_code(customer)
        sold = {"item": item.public_id, "quantity": 1}
        till.sell(sold, amount=1000)  # The fee schedule is compiled by now.
        with statements() as seen:
            made = till.sell(sold, tea(), amount=1900, pay_code=code)
        assert made.json()["status"] == "paid"
        assert len(seen) <= 18, str(seen)
