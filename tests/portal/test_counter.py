"""The till in the browser: what it says, who may not, what is pressed twice, and answers that never arrived."""

import csv
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.test import Client

from accounts.models import Account
from catalog.models import Store
from orders.counter.models import CashierAct, CounterTrade, Terminal
from orders.models import Order
from tests.accounts.test_linking import link
from tests.orders.counter.conftest import customer as customer
from tests.orders.counter.conftest import other_store as other_store
from tests.orders.counter.conftest import store as store
from tests.orders.counter.conftest import till as till
from tests.orders.counter.test_trades import advance
from tests.orders.counter.test_trades import identity as identity
from tests.orders.counter.till import Till, make_till, pay_code, tea
from tests.portal.conftest import csrf_token, hidden_fields_in, main_of, send, text_of
from tests.portal.test_paying import browser_of as browser_of
from tests.portal.test_paying import press as press_on_phone
from tests.shop import held, offer

Browser = Callable[[Account], Client]
FRAGMENT = {"HX-Request": "true"}


class Cashier:
    """Somebody at a till's page, who presses what stands there."""

    def __init__(self, client: Client, till: Till) -> None:
        self.client, self.path = client, f"/counter/{till.terminal.public_id}"
        self.token = csrf_token(client.get(f"{self.path}"))

    def look(self) -> str:
        return text_of(self.client.get(self.path, follow=True))

    def sequence(self) -> int:
        found = re.search(r'name="sequence" value="(\d+)"', self.client.get(self.path).content.decode())
        assert found
        return int(found[1])

    def post(self, path: str, **fields: Any) -> Any:
        return self.client.post(f"{self.path}{path}", {"csrfmiddlewaretoken": self.token, **fields})

    def change(self, **fields: Any) -> Any:
        return self.post("/sale", sequence=self.sequence(), **fields)

    def free_line(self, price: str = "9.00", description: str = "Tea, loose", currency: str = "GBP") -> Any:
        return self.change(description=description, price=price, currency=currency)

    def form(self) -> dict[str, str]:
        """What the button with the sum sends as it stands."""
        (form,) = re.findall(r'<form[^>]*/ring-up".*?</form>', self.client.get(self.path).content.decode(), re.DOTALL)
        return dict(hidden_fields_in(form))

    def ring_up(self, form: dict[str, str] | None = None) -> Any:
        return self.client.post(f"{self.path}/ring-up", form or self.form())

    def sold(self) -> str:
        """Ring up tea for 9.00; return the path of its page."""
        self.free_line()
        return self.ring_up()["Location"]

    def pay(self, trade: str, **how: Any) -> Any:
        body = {"csrfmiddlewaretoken": self.token, "amount": 900, "currency": "GBP", **how}
        return self.client.post(trade, body)


@pytest.fixture
def cashier(till: Till, seller: Account, browser_of: Browser) -> Cashier:
    return Cashier(browser_of(seller), till)


def trade_at(path: str) -> CounterTrade:
    return CounterTrade.objects.select_related("order").get(order__trade_no=path.rpartition("/")[2])


class TestTheCounter:
    """/counter"""

    def test_shows_stores_and_what_their_tills_have_taken_today(
        self, till: Till, seller: Account, customer: Account, browser_of: Browser, statements: Any
    ) -> None:
        client = browser_of(seller)
        till.sell(pay_code=pay_code(customer))
        assert "Corner Today New till Till 1 £9.00 in 1 sale today Open Till 1" in text_of(client.get("/counter"))
        with statements() as few:
            client.get("/counter")
        for number in range(2, 6):
            make_till(till.terminal.store, f"Till {number}").sell(pay_code=pay_code(customer))

        with statements() as many:
            page = client.get("/counter")

        assert "Till 5 £9.00 in 1 sale today" in text_of(page)
        assert len(many) == len(few) <= 7, str(many)

    def test_says_what_to_do_where_there_is_nothing_yet(self, new_account: Any, browser_of: Browser) -> None:
        assert "No store yet" in text_of(browser_of(new_account(side="seller")).get("/counter"))

    def test_is_for_sellers(self, till: Till, buyer: Account, visitor: Client, browser_of: Browser) -> None:
        path = f"/counter/{till.terminal.public_id}"
        for page in ("/counter", path):
            assert visitor.get(page)["Location"].startswith("/log-in?next=%2Fcounter")
            answer = browser_of(buyer).get(page)
            assert (answer.status_code, "This page is for sellers" in text_of(answer)) == (403, True)

    def test_of_somebody_else_is_not_there(self, till: Till, other_store: Store, browser_of: Browser) -> None:
        stranger, trade = browser_of(other_store.seller), till.sell().json()["trade_no"]
        at_till, at_store = f"/counter/{till.terminal.public_id}", f"/counter/stores/{till.terminal.store.public_id}"
        pages = ["", f"/trades/{trade}", f"/trades/{trade}/refund", f"/trades/{trade}/cancel", "/key", "/revoke"]
        asked = [at_till + page for page in pages] + [at_store + page for page in ("/day", "/day.csv", "/new-till")]
        assert {stranger.get(path).status_code for path in asked} == {404}
        token = csrf_token(stranger.get("/counter"))
        acted = [at_till + page for page in ("/sale", "/ring-up", "/next", "/key", "/revoke", *pages[1:4])]
        body = {"csrfmiddlewaretoken": token, "sequence": 1, "sure": "on", "amount": 900, "currency": "GBP"}
        assert {stranger.post(path, body).status_code for path in acted} <= {404, 422}
        assert Terminal.objects.get().revoked_at is None
        assert Order.objects.get().status == "pending"


class TestMakingATill:
    def test_shows_its_key_once_and_can_be_used_at_once(
        self, store: Store, seller: Account, browser_of: Browser
    ) -> None:
        client = browser_of(seller)

        page = send(client, f"/counter/stores/{store.public_id}/new-till", name="Till 9", institution="")

        (key,) = re.findall(r'value="(till_[\w-]+)"', page.content.decode())
        terminal = Terminal.objects.get()
        assert Till(terminal, key).sell().status_code == 201
        assert key not in client.get("/counter").content.decode()
        assert client.get(f"/counter/{terminal.public_id}").status_code == 200

    def test_needs_a_name(self, store: Store, seller: Account, browser_of: Browser) -> None:
        page = send(browser_of(seller), f"/counter/stores/{store.public_id}/new-till", name="", institution="")
        assert (page.status_code, Terminal.objects.count()) == (422, 0)

    def test_a_new_key_stops_the_old_one_and_not_the_page(self, till: Till, cashier: Cashier) -> None:
        assert "Give Till 1 a new key?" in text_of(cashier.client.get(f"{cashier.path}/key"))
        assert till.sell().status_code == 201
        shown = cashier.post("/key")
        assert till.sell().status_code == 401
        (key,) = re.findall(r'value="(till_[\w-]+)"', shown.content.decode())
        assert Till(till.terminal, key).sell(sequence=9).status_code == 201
        assert cashier.client.get(cashier.path).status_code == 200

    def test_out_of_service_it_stops_everywhere(self, till: Till, cashier: Cashier) -> None:
        assert cashier.post("/revoke")["Location"] == "/counter"
        assert till.sell().status_code == 401
        page = cashier.client.get(cashier.path)
        assert (page.status_code, "This till is out of service" in text_of(page)) == (409, True)


class TestTheSale:
    """/counter/<till>"""

    def test_is_rung_up_from_tiles_words_and_free_lines(self, cashier: Cashier, seller: Account) -> None:
        green = offer(seller, title="Green tea", price_minor=450, stock=3)
        offer(seller, title="Roasted beans", price_minor=1480)
        found = main_of(cashier.client.get(cashier.path, {"find": "gree"}))
        assert "Green tea" in found
        assert "Roasted beans" not in found

        cashier.change(item=green.public_id)
        cashier.change(find="roas")
        cashier.change(place=0, quantity=3)
        cashier.free_line("2.50", "Biscuit")

        said = cashier.look()
        assert re.search(r"Green tea £4.50 .*3 .*£13.50 Roasted beans £14.80 .*Biscuit £2.50", said), said
        assert "Total £30.80 Ask for £30.80" in said
        cashier.change(place=1, quantity=0)
        assert "Ask for £16.00" in cashier.look()
        cashier.change(empty="on")
        assert "Ask for" not in cashier.look()

    @pytest.mark.parametrize(
        ("fields", "status", "said"),
        [
            ({"description": "Tea", "price": "0", "currency": "GBP"}, 422, "Write an amount above zero"),
            ({"description": "Tea", "price": "1,5", "currency": "GBP"}, 422, "Write an amount above zero"),
            ({"description": "Tea", "price": "9" * 18, "currency": "GBP"}, 422, "Write an amount above zero"),
            ({"description": "Tea", "price": "5", "currency": "EUR"}, 422, "another currency"),
            ({"find": "nothing so called"}, 404, "nothing here"),
            ({"item": "itm_" + "0" * 26}, 404, "nothing here"),
            ({"place": 7, "quantity": 2}, 404, "nothing here"),
            ({"place": "x", "quantity": "y"}, 422, "Sale 1"),
        ],
    )
    def test_keeps_what_it_had_where_something_is_refused(
        self, cashier: Cashier, fields: dict[str, Any], status: int, said: str
    ) -> None:
        cashier.free_line("1.00")
        page = cashier.change(**fields)
        assert (page.status_code, said in text_of(page)) == (status, True), text_of(page)
        assert "Ask for £1.00" in cashier.look()

    def test_costs_as_many_statements_for_many_lines_as_for_few(
        self, cashier: Cashier, seller: Account, statements: Any
    ) -> None:
        cashier.change(item=offer(seller).public_id)
        with statements() as few:
            cashier.client.get(cashier.path)
        for number in range(8):
            cashier.change(item=offer(seller, title=f"Tea {number}").public_id)
        with statements() as many:
            cashier.client.get(cashier.path)
        assert len(many) == len(few) <= 11, str(many)

    def test_answers_scripts_with_the_part_that_changed(self, cashier: Cashier, seller: Account) -> None:
        offer(seller, title="Green tea")
        body = {"csrfmiddlewaretoken": cashier.token, "sequence": 1, "find": "green"}
        part = cashier.client.post(f"{cashier.path}/sale", body, headers=FRAGMENT).content.decode()
        assert part.lstrip().startswith('<section id="sale"')
        assert "Green tea" in part
        shelf = cashier.client.get(f"{cashier.path}?find=green", headers=FRAGMENT).content.decode()
        assert shelf.lstrip().startswith('<div id="shelf"')

    def test_leads_a_script_to_the_log_in_as_a_whole_page(self, cashier: Cashier) -> None:
        cashier.client.cookies.pop("sessionid")
        answer = cashier.client.get(cashier.path, headers=FRAGMENT)
        assert answer["HX-Redirect"].startswith("/log-in?next=")

    def test_survives_the_log_in_that_ran_out(self, cashier: Cashier, seller: Account, browser_of: Browser) -> None:
        cashier.free_line()
        cashier.client = browser_of(seller)
        assert "Ask for £9.00" in cashier.look()


class TestAskingForMoney:
    def test_however_often_it_is_pressed_there_is_one_trade(self, cashier: Cashier) -> None:
        cashier.free_line()
        form = cashier.form()

        answers = [cashier.ring_up(form) for _ in range(3)]

        assert {(answer.status_code, answer["Location"]) for answer in answers} == {(302, answers[0]["Location"])}
        assert Order.objects.count() == 1
        # Nobody saw the answers: who comes back to the till is led to what came of it.
        assert cashier.client.get(cashier.path)["Location"] == answers[0]["Location"]
        cashier.post("/next", sequence=form["sequence"])
        assert cashier.ring_up(form)["Location"] == answers[0]["Location"]
        assert Order.objects.count() == 1

    def test_of_another_sum_than_was_seen_is_refused(self, cashier: Cashier, seller: Account) -> None:
        item = offer(seller, price_minor=450)
        cashier.change(item=item.public_id)
        form = cashier.form()
        item.price_minor = 500
        item.save(update_fields=["price_minor"])

        page = cashier.ring_up(form)

        assert (page.status_code, "A price has changed" in text_of(page)) == (422, True)
        assert "Ask for £5.00" in text_of(page)
        assert Order.objects.count() == 0

    def test_for_what_is_not_there_any_more_says_so(self, cashier: Cashier, seller: Account) -> None:
        item = offer(seller, stock=1)
        cashier.change(item=item.public_id)
        cashier.change(place=0, quantity=2)
        assert "Only 1 left" in cashier.look()
        page = cashier.ring_up()
        assert (page.status_code, "There are not so many left" in text_of(page)) == (409, True)

    def test_leaves_an_old_page_without_effect_on_the_next_sale(self, cashier: Cashier) -> None:
        cashier.free_line()
        old = cashier.form()["sequence"]
        cashier.ring_up()
        cashier.post("/next", sequence=old)
        cashier.free_line("1.00", "Biscuit")
        page = cashier.post("/sale", sequence=old, place=0, quantity=5)
        assert (page.status_code, "rung up or ended meanwhile" in text_of(page)) == (409, True)
        assert "Ask for £1.00" in cashier.look()


class TestBeingPaid:
    """/counter/<till>/trades/<number>"""

    def test_by_the_customers_code(self, cashier: Cashier, customer: Account) -> None:
        trade = cashier.sold()
        assert "To be paid £9.00 Waiting for the customer to pay." in text_of(cashier.client.get(trade))
        code = pay_code(customer)

        answers = [cashier.pay(trade, pay_code=f"{code[:6]} {code[6:12]} {code[12:]}") for _ in range(2)]

        assert [(answer.status_code, answer["Location"]) for answer in answers] == [(302, trade)] * 2
        page = cashier.client.get(trade)
        assert "Paid £9.00 Hand over the goods." in text_of(page)
        assert held(customer) == 900
        receipt = till_receipt(page)
        assert cashier.client.get(receipt).status_code == 200
        assert "Till 1" in cashier.client.get(f"{receipt}.txt").content.decode()

    def test_by_the_customers_phone_and_learns_of_it_by_itself(
        self, cashier: Cashier, customer: Account, browser_of: Browser
    ) -> None:
        trade = cashier.sold()
        (again,) = re.findall(rf'hx-get="({trade}\?seen=[^"]+)"', cashier.client.get(trade).content.decode())
        assert cashier.client.get(again, headers=FRAGMENT).status_code == 204

        press_on_phone(browser_of(customer), f"/pay/{trade.rpartition('/')[2]}")

        part = cashier.client.get(again, headers=FRAGMENT)
        assert part.content.decode().lstrip().startswith('<div id="trade"')
        assert "Paid £9.00" in text_of(part)
        assert "hx-get" not in part.content.decode()  # It is over: nobody asks again.

    def test_by_an_identity_that_the_store_is_trusted_for(
        self, cashier: Cashier, customer: Account, identity: dict[str, str]
    ) -> None:
        trade = cashier.sold()
        unknown = cashier.pay(trade, provider="demo-id", external_id="nobody")
        assert (unknown.status_code, "Nobody who can pay here" in text_of(unknown)) == (422, True)
        assert cashier.pay(trade, **identity)["Location"] == trade
        assert held(customer) == 900

    @pytest.mark.parametrize(
        ("how", "said"),
        [
            ({"pay_code": "1" * 18}, "This code is wrong, used or too old."),
            ({}, "Scan or type what the customer shows"),
        ],
    )
    def test_by_nothing_good_says_why_and_can_be_tried_again(
        self, cashier: Cashier, customer: Account, how: dict[str, str], said: str
    ) -> None:
        trade = cashier.sold()
        refused = cashier.pay(trade, **how)
        assert said in text_of(cashier.client.get(trade) if refused.status_code == 302 else refused)
        assert held(customer) == 0
        cashier.pay(trade, pay_code=pay_code(customer))
        assert held(customer) == 900

    def test_after_too_many_codes_waits(self, cashier: Cashier, settings: Any) -> None:
        settings.PAY_CODE_FAILURES_MAX = 1
        trade = cashier.sold()
        cashier.pay(trade, pay_code="1" * 18)
        page = cashier.pay(trade, pay_code="2" * 18)
        assert (page.status_code, "Too many attempts" in text_of(page)) == (429, True)

    def test_of_a_large_sum_waits_for_the_customer(
        self, cashier: Cashier, customer: Account, browser_of: Browser, settings: Any
    ) -> None:
        settings.COUNTER_CONFIRM_ABOVE_MINOR = 500
        trade = cashier.sold()
        cashier.pay(trade, pay_code=pay_code(customer))
        page = cashier.client.get(trade)
        assert "Asked £9.00 Waiting for the customer to agree on the phone." in text_of(page)
        assert '<noscript><meta http-equiv="refresh"' in page.content.decode()

        press_on_phone(browser_of(customer), f"/pay/{trade.rpartition('/')[2]}")

        assert "Paid £9.00" in text_of(cashier.client.get(trade))

    def test_too_late_says_so_and_is_rung_up_again(
        self, cashier: Cashier, seller: Account, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        item = offer(seller, price_minor=450)
        cashier.change(item=item.public_id)
        cashier.free_line()
        trade = cashier.ring_up()["Location"]
        advance(monkeypatch, by=timedelta(minutes=11))
        assert "Time is up £13.50 It was not paid in time." in text_of(cashier.client.get(trade))

        cashier.post(f"{trade.removeprefix(cashier.path)}/again")

        assert "Ask for £13.50" in cashier.look()
        assert cashier.ring_up()["Location"] != trade

    def test_turned_to_the_customer_shows_the_sum_and_the_code_alone(self, cashier: Cashier, customer: Account) -> None:
        trade = cashier.sold()
        page = cashier.client.get(f"{trade}/code")
        assert "£9.00 Scan it with your phone to pay" in text_of(page)
        cashier.pay(trade, pay_code=pay_code(customer))
        assert "£9.00 Paid" in text_of(cashier.client.get(f"{trade}/code"))

    def test_is_shown_with_few_statements(self, cashier: Cashier, customer: Account, statements: Any) -> None:
        trade = cashier.sold()
        with statements() as waiting:
            cashier.client.get(trade)
        cashier.pay(trade, pay_code=pay_code(customer))
        with statements() as paid:
            cashier.client.get(trade)
        assert len(waiting) <= 8, str(waiting)
        assert len(paid) <= 8, str(paid)


def till_receipt(page: Any) -> str:
    (path,) = re.findall(r'href="(/receipts/\w+)"', page.content.decode())
    return path


class TestTakingItBack:
    def test_what_is_unpaid_is_cancelled_at_once(self, cashier: Cashier) -> None:
        trade = cashier.sold()
        for _ in range(2):
            assert cashier.client.post(f"{trade}/cancel", {"csrfmiddlewaretoken": cashier.token})["Location"] == trade
        assert "Cancelled £9.00" in text_of(cashier.client.get(trade))

    def test_what_was_paid_meanwhile_is_asked_about_with_the_sum(self, cashier: Cashier, customer: Account) -> None:
        trade, body = cashier.sold(), {"csrfmiddlewaretoken": cashier.token}
        cashier.pay(trade, pay_code=pay_code(customer))

        asked = cashier.client.post(f"{trade}/cancel", body)

        assert asked["Location"] == f"{trade}/cancel"
        assert "Give £9.00 back and cancel?" in text_of(cashier.client.get(asked["Location"]))
        assert trade_at(trade).order.refunded_minor == 0
        for _ in range(2):
            cashier.client.post(f"{trade}/cancel", {**body, "sure": "on"})
        assert trade_at(trade).order.refunded_minor == 900
        assert "Given back £9.00" in text_of(cashier.client.get(trade))

    def test_after_a_day_it_is_a_refund(
        self, cashier: Cashier, customer: Account, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        trade = cashier.sold()
        cashier.pay(trade, pay_code=pay_code(customer))
        advance(monkeypatch, by=timedelta(hours=25))
        body = {"csrfmiddlewaretoken": cashier.token, "sure": "on"}
        assert "Give the money back instead" in text_of(cashier.client.post(f"{trade}/cancel", body, follow=True))
        assert trade_at(trade).order.refunded_minor == 0

    def test_a_part_is_looked_over_and_given_back_once(self, cashier: Cashier, customer: Account) -> None:
        trade = cashier.sold()
        cashier.pay(trade, pay_code=pay_code(customer))
        asked = send(cashier.client, f"{trade}/refund", amount="4", reason="It was cold.")
        assert "Give £4.00 back? Of sale 1, £9.00 Why It was cold." in text_of(asked)
        assert trade_at(trade).order.refunded_minor == 0
        form = dict(hidden_fields_in(main_of(asked)))

        for _ in range(3):
            assert cashier.client.post(f"{trade}/refund", form)["Location"] == trade

        assert trade_at(trade).order.refunded_minor == 400
        assert "£4.00 given back, £5.00 kept." in text_of(cashier.client.get(trade))
        again = send(cashier.client, f"{trade}/refund", amount="5.01", reason="More.")
        assert (again.status_code, "That is more than is left" in text_of(again)) == (422, True)

    def test_two_pages_give_back_no_more_than_there_is(self, cashier: Cashier, customer: Account) -> None:
        trade = cashier.sold()
        cashier.pay(trade, pay_code=pay_code(customer))
        asked = [send(cashier.client, f"{trade}/refund", amount="6", reason="Cold.") for _ in range(2)]
        forms = [dict(hidden_fields_in(main_of(page))) for page in asked]
        said = [text_of(cashier.client.post(f"{trade}/refund", form, follow=True)) for form in forms]
        assert ["£6.00 given back." in one for one in said] == [True, False]
        assert "That is more than is left" in said[1]
        assert trade_at(trade).order.refunded_minor == 600

    def test_what_other_tills_of_the_store_sold(self, cashier: Cashier, customer: Account, store: Store) -> None:
        sold = make_till(store, "Till 2").sell(pay_code=pay_code(customer)).json()
        path = f"{cashier.path}/trades/{sold['trade_no']}"
        cashier.client.post(f"{path}/cancel", {"csrfmiddlewaretoken": cashier.token, "sure": "on"})
        assert "Given back £9.00" in text_of(cashier.client.get(path))


class TestWhoStoodThere:
    def test_is_the_linked_log_in_that_acts_for_the_seller(
        self, till: Till, seller: Account, customer: Account, new_account: Any, browser_of: Browser
    ) -> None:
        clerk = new_account(side="seller")
        link(seller, clerk)
        client = browser_of(clerk)
        switched = client.post(
            "/api/v1/session/switch",
            {"account": seller.public_id},
            content_type="application/json",
            headers={"X-CSRFToken": csrf_token(client.get("/counter"))},
        )
        assert switched.status_code == 200, switched.content
        at_till = Cashier(client, till)
        at_till.pay(at_till.sold(), pay_code=pay_code(customer))
        assert {act.login_account for act in CashierAct.objects.all()} == {clerk}


class TestTheDay:
    """/counter/stores/<id>/day"""

    def test_sums_up_by_till_and_state_and_shows_what_is_in_progress(
        self, till: Till, cashier: Cashier, customer: Account, store: Store
    ) -> None:
        second = make_till(store, "Till 2")
        paid = till.sell(pay_code=pay_code(customer)).json()
        second.sell(tea(2), pay_code=pay_code(customer))
        till.post(f"/terminal/trades/{paid['trade_no']}/refunds", {"sequence": 90, "amount": 400, "reason": "Cold."})
        second.sell(tea(1, 150))

        said = text_of(cashier.client.get(f"/counter/stores/{store.public_id}/day"))

        assert "Kept £23.00 2 sales Paid by customers £27.00 Given back £4.00" in said
        assert re.search(r"In progress .*Till 2 · 2 To be paid .*£1.50 Cash-up by till", said), said
        assert re.search(r"Till 1 1 £9.00 £4.00 £5.00 £[\d.]+ Till 2 1 £18.00 £0.00 £18.00", said), said
        only = text_of(cashier.client.get(f"/counter/stores/{store.public_id}/day?status=pending"))
        assert "Till 1 · 1" not in only.split("All sales")[1]

    def test_of_before_has_what_was_sold_then(
        self, cashier: Cashier, till: Till, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        till.sell()
        path = f"/counter/stores/{store.public_id}/day"
        advance(monkeypatch, by=timedelta(days=1))
        today = cashier.client.get(path)
        assert "Nothing rung up on this day" in text_of(today)
        (before,) = re.findall(r'rel="prev" href="([^"]+)"', today.content.decode())
        assert "Time is up" in text_of(cashier.client.get(before))
        assert cashier.client.get(f"{path}?date=2026-13-45&status=odd").status_code == 200

    def test_is_a_table_for_those_who_reckon(
        self, cashier: Cashier, till: Till, customer: Account, store: Store
    ) -> None:
        till.sell(pay_code=pay_code(customer))
        answer = cashier.client.get(f"/counter/stores/{store.public_id}/day.csv")
        (row,) = csv.DictReader(b"".join(answer.streaming_content).decode().splitlines())
        assert (row["terminal_name"], row["status"], row["amount"]) == ("Till 1", "paid", "900")
        assert answer["Content-Disposition"].startswith("attachment")

    def test_costs_as_many_statements_for_many_sales_as_for_few(
        self, cashier: Cashier, till: Till, store: Store, statements: Any
    ) -> None:
        path = f"/counter/stores/{store.public_id}/day"
        till.sell()
        with statements() as few:
            cashier.client.get(path)
        for _ in range(6):
            till.sell()
        with statements() as many:
            cashier.client.get(path)
        assert len(many) == len(few) <= 8, str(many)


class TestThePhone:
    """What /pay/<trade number> says beside tests/portal/test_paying.py."""

    def test_learns_by_itself_that_the_till_has_cancelled(
        self, cashier: Cashier, customer: Account, browser_of: Browser
    ) -> None:
        trade, phone = cashier.sold(), browser_of(customer)
        path = f"/pay/{trade.rpartition('/')[2]}"
        (again,) = re.findall(rf'hx-get="({path}\?seen=[^"]+)"', phone.get(path).content.decode())
        assert phone.get(again, headers=FRAGMENT).status_code == 204
        cashier.client.post(f"{trade}/cancel", {"csrfmiddlewaretoken": cashier.token})
        assert "This can no longer be paid" in text_of(phone.get(again, headers=FRAGMENT))

    def test_says_what_is_in_the_own_wallet_and_not_in_anothers(
        self, till: Till, customer: Account, new_account: Any, browser_of: Browser
    ) -> None:
        firm = new_account(kind="enterprise", name="Firm")
        link(firm, customer, spending_cap="unlimited")
        said = text_of(browser_of(customer).get(urlsplit(till.sell().json()["qr"]).path))
        assert f"{customer.name} your own £1,000.00 Firm linked" in said
        assert "Firm linked £" not in said

    def test_has_what_the_wallet_lacks_charged_and_says_that_it_is_on_its_way(
        self, till: Till, buyer: Account, browser_of: Browser
    ) -> None:
        trade, phone = till.sell().json(), browser_of(buyer)
        path = urlsplit(trade["qr"]).path
        assert "too little" in text_of(phone.get(path))
        press_on_phone(phone, path, provider="on")
        page = phone.get(path)
        assert "The charge is on its way." in text_of(page)
        assert "button-pay" not in main_of(page)
