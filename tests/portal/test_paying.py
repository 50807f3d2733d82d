"""The page that the till's QR code leads to: a phone sees what it is for and pays, once."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.test import Client

from accounts.models import Account
from core.money import Money
from core.qr import qr_svg
from orders.models import Order
from tests.accounts.test_linking import link
from tests.conftest import PASSWORD
from tests.orders.counter.conftest import customer as customer
from tests.orders.counter.conftest import store as store
from tests.orders.counter.conftest import till as till
from tests.orders.counter.test_trades import advance
from tests.orders.counter.till import Till, cancelled, pay_code, tea
from tests.portal.conftest import csrf_token, hidden_fields, send, text_of
from tests.qr_reader import read_qr
from tests.shop import fund, held

Browser = Callable[[Account], Client]


@pytest.fixture
def browser_of(database: None) -> Browser:
    """A browser in which somebody has logged in on our own page."""

    def open_browser(account: Account) -> Client:
        client = Client(enforce_csrf_checks=True)
        assert send(client, "/log-in", username=account.username, password=PASSWORD).status_code == 302
        return client

    return open_browser


def path_of(trade: dict[str, Any]) -> str:
    return urlsplit(trade["qr"]).path


def form_of(page: Any, **changed: Any) -> dict[str, Any]:
    """What the page's form sends as it stands."""
    html = page.content.decode().split("<main")[1]
    chosen = re.findall(r'type="radio" name="wallet" value="(\w+)" checked', html)
    return {**dict(hidden_fields(page)), **({"wallet": chosen[0]} if chosen else {}), **changed}


def press(client: Client, path: str, page: Any = None, **changed: Any) -> Any:
    """Look at the page, and press its button."""
    return client.post(path, form_of(page or client.get(path), **changed))


class TestTheTillsCode:
    def test_another_library_reads_the_address_of_the_page(self, till: Till, settings: Any) -> None:
        settings.SITE_URL = "https://shop.example"
        trade = till.sell().json()
        assert trade["qr"] == f"https://shop.example/pay/{trade['trade_no']}"
        assert read_qr(qr_svg(trade["qr"])) == trade["qr"]

    def test_who_is_not_logged_in_comes_back_after_logging_in(
        self, till: Till, customer: Account, visitor: Client
    ) -> None:
        path = path_of(till.sell().json())
        asked = visitor.get(path)
        assert asked["Location"] == f"/log-in?next={path.replace('/', '%2F')}"
        back = send(visitor, asked["Location"], username=customer.username, password=PASSWORD)
        assert back["Location"] == path
        assert "Pay £9.00" in text_of(visitor.get(path))

    def test_a_choice_survives_the_log_in_that_ran_out_meanwhile(
        self, till: Till, customer: Account, new_account: Any, browser_of: Browser
    ) -> None:
        firm = new_account(kind="enterprise")
        link(firm, customer, spending_cap="unlimited")
        client, path = browser_of(customer), path_of(till.sell().json())
        form = form_of(client.get(path), wallet=firm.public_id)
        client.cookies.pop("sessionid")

        asked = client.post(path, form)
        back = send(client, asked["Location"], username=customer.username, password=PASSWORD)

        assert form_of(client.get(back["Location"]))["wallet"] == firm.public_id


class TestPayingOnThePhone:
    """/pay/<trade number>"""

    def test_store_lines_and_sum_are_seen_before_anything_is_paid(
        self, till: Till, customer: Account, seller: Account, browser_of: Browser
    ) -> None:
        said = text_of(browser_of(customer).get(path_of(till.sell(tea(2), tea(1, 150)).json())))

        assert "To pay at Corner" in said
        assert f"Sold by {seller.name} · Till 1" in said
        assert "Tea, loose 2 × £9.00 £18.00 Tea, loose 1 × £1.50 £1.50" in said
        assert "Total £19.50" in said
        assert "Pay £19.50" in said
        assert held(customer) == 0

    def test_the_button_pays_and_the_page_says_so_from_then_on(
        self, till: Till, customer: Account, browser_of: Browser
    ) -> None:
        client, trade = browser_of(customer), till.sell().json()
        path = path_of(trade)

        answer = press(client, path)

        assert (answer.status_code, answer["Location"]) == (302, path)
        assert held(customer) == 900
        paid = client.get(path)
        assert "£9.00 paid" in text_of(paid)
        shown = till.get(f"/terminal/trades/{trade['trade_no']}").json()["trade"]
        assert shown["status"] == "paid"
        assert f'href="{urlsplit(shown["receipt"]).path}"' in paid.content.decode()

    def test_pressed_again_it_says_the_same_and_pays_nothing_more(
        self, till: Till, customer: Account, browser_of: Browser
    ) -> None:
        client, path = browser_of(customer), path_of(till.sell().json())
        page = client.get(path)

        answers = [press(client, path, page) for _ in range(3)]

        assert [(answer.status_code, answer["Location"]) for answer in answers] == [(302, path)] * 3
        assert held(customer) == 900

    def test_a_page_that_was_left_open_says_that_it_is_paid(
        self, till: Till, customer: Account, browser_of: Browser
    ) -> None:
        client, path = browser_of(customer), path_of(till.sell().json())
        left_open = client.get(path)
        press(client, path)

        late = press(client, path, left_open)

        assert late.status_code == 409
        assert "£9.00 paid" in text_of(late)
        assert held(customer) == 900

    @pytest.mark.parametrize(
        ("minor", "changed", "status", "said"),
        [
            (800, {}, 409, "There is not enough money in this wallet."),
            (900, {"amount": 899}, 422, "This is not the sum that is to be paid"),
            (900, {"currency": "EUR"}, 422, "This is not the sum that is to be paid"),
            (900, {"wallet": "acc_" + "0" * 26}, 404, "This wallet is no longer linked with yours."),
            (900, {"amount": "all"}, 422, "Pay £9.00"),
            (900, {"key": ""}, 422, "Pay £9.00"),
            (900, {"confirms": "on"}, 409, "The till is no longer waiting for your word."),
        ],
    )
    def test_what_is_refused_is_said_beside_the_form_and_pays_nothing(
        self, till: Till, buyer: Account, browser_of: Browser, minor: int, changed: Any, status: int, said: str
    ) -> None:
        fund(buyer, minor)
        client, path = browser_of(buyer), path_of(till.sell().json())

        refused = press(client, path, **changed)

        assert refused.status_code == status
        assert said in text_of(refused)
        assert held(buyer) == 0
        fund(buyer, 900)
        assert press(client, path).status_code == 302

    def test_without_a_token_of_the_page_nothing_is_paid(
        self, till: Till, customer: Account, browser_of: Browser
    ) -> None:
        client, path = browser_of(customer), path_of(till.sell().json())
        form = form_of(client.get(path))
        form.pop("csrfmiddlewaretoken")
        assert client.post(path, form).status_code == 403
        assert held(customer) == 0


class TestFromWhoseWallet:
    def test_linked_ones_are_offered_as_far_as_their_terms_let(
        self, till: Till, customer: Account, new_account: Any, browser_of: Browser
    ) -> None:
        generous, sparing, closed, unwilling = (new_account(kind="enterprise", name=n) for n in ("A", "B", "C", "D"))
        link(generous, customer, spending_cap="unlimited")
        link(sparing, customer, spending_cap=Money(899, "GBP"))
        link(closed, customer, spending_cap="unlimited")
        Account.objects.filter(pk=closed.pk).update(is_active=False)
        link(unwilling, customer)

        page = browser_of(customer).get(path_of(till.sell().json())).content.decode()

        offered = re.findall(r'name="wallet" value="(\w+)"', page)
        assert offered == [customer.public_id, generous.public_id]

    def test_the_chosen_one_pays_within_its_cap(
        self, till: Till, customer: Account, new_account: Any, browser_of: Browser
    ) -> None:
        firm = new_account(kind="enterprise")
        fund(firm, 5000)
        link(firm, customer, spending_cap=Money(1000, "GBP"))
        client, path = browser_of(customer), path_of(till.sell().json())
        page = client.get(path)

        answers = [press(client, path, page, wallet=firm.public_id) for _ in range(2)]

        assert [answer.status_code for answer in answers] == [302, 302]
        assert (held(firm), held(customer)) == (900, 0)
        assert f"From the wallet of {firm.name}." in text_of(client.get(path))
        order = Order.objects.get()
        assert (order.buyer, order.payer, order.paid_by) == (customer, firm, customer)
        again = client.get(path_of(till.sell().json())).content.decode()
        assert firm.public_id not in again  # The cap would not last for a second one.


class TestALargeSum:
    def test_is_agreed_to_with_the_sum_on_the_button(
        self, till: Till, customer: Account, browser_of: Browser, settings: Any
    ) -> None:
        settings.COUNTER_CONFIRM_ABOVE_MINOR = 500
        trade = till.sell(pay_code=pay_code(customer)).json()
        client, path = browser_of(customer), path_of(trade)

        page = client.get(path)
        assert "The till asks for your word" in text_of(page)
        assert "Agree and pay £9.00" in text_of(page)
        answers = [press(client, path, page) for _ in range(2)]

        assert [answer.status_code for answer in answers] == [302, 302]
        assert "£9.00 paid" in text_of(client.get(path))
        assert held(customer) == 900

    def test_is_where_the_orders_own_page_leads_until_it_is_paid(
        self, till: Till, customer: Account, browser_of: Browser, settings: Any
    ) -> None:
        settings.COUNTER_CONFIRM_ABOVE_MINOR = 500
        trade = till.sell(pay_code=pay_code(customer)).json()
        client, page = browser_of(customer), f"/orders/{trade['order']}"
        assert client.get(page)["Location"] == path_of(trade)

        press(client, path_of(trade))

        paid = client.get(page)
        assert "Completed" in text_of(paid)
        assert urlsplit(till.get(f"/terminal/trades/{trade['trade_no']}").json()["trade"]["receipt"]).path in str(
            paid.content
        )


class TestWhatCanNotBePaid:
    def test_somebody_elses_and_none_at_all_are_the_same_page(
        self, till: Till, customer: Account, new_account: Any, browser_of: Browser, settings: Any
    ) -> None:
        settings.COUNTER_CONFIRM_ABOVE_MINOR = 500
        waiting = till.sell(pay_code=pay_code(customer)).json()
        settings.COUNTER_CONFIRM_ABOVE_MINOR = 5000
        paid = till.sell(pay_code=pay_code(customer)).json()
        stranger = browser_of(new_account())

        pages = [stranger.get(path) for path in (path_of(waiting), path_of(paid), "/pay/NOTHING")]

        assert {page.status_code for page in pages} == {404}
        assert len({text_of(page) for page in pages}) == 1
        assert "There is nothing to pay here" in text_of(pages[0])
        token = csrf_token(pages[0])
        form = {"csrfmiddlewaretoken": token, "wallet": "x", "amount": 900, "currency": "GBP", "key": "k"}
        assert {stranger.post(path, form).status_code for path in (path_of(waiting), "/pay/NOTHING")} == {404}

    def test_cancelled_or_too_late_it_says_what_to_do(
        self, till: Till, customer: Account, browser_of: Browser, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        client = browser_of(customer)
        ended, late = till.sell().json(), till.sell().json()
        left_open = client.get(path_of(late))
        cancelled(till, trade_no=ended["trade_no"])
        advance(monkeypatch, by=timedelta(minutes=11))

        for page in (client.get(path_of(ended)), client.get(path_of(late)), press(client, path_of(late), left_open)):
            assert "This can no longer be paid" in text_of(page)
            assert "ring it up again" in text_of(page)
        assert held(customer) == 0

    def test_what_was_given_back_is_said(self, till: Till, customer: Account, browser_of: Browser) -> None:
        client, trade = browser_of(customer), till.sell(pay_code=pay_code(customer)).json()
        refund = f"/terminal/trades/{trade['trade_no']}/refunds"
        till.post(refund, {"sequence": 98, "amount": 400, "reason": "Cold."})
        assert "Given back −£4.00 Remains £5.00" in text_of(client.get(path_of(trade)))
        till.post(refund, {"sequence": 99, "amount": 500, "reason": "Cold."})
        assert "£9.00 given back" in text_of(client.get(path_of(trade)))

    def test_sellers_are_told_that_buyers_pay(self, till: Till, seller: Account, browser_of: Browser) -> None:
        page = browser_of(seller).get(path_of(till.sell().json()))
        assert page.status_code == 403
        assert "Buyers pay here" in text_of(page)


class TestTwoPressesAtTheSameMoment:
    """Against a database that commits: the second waits for the first, and both see that it is paid."""

    def test_pay_once_and_see_the_same(self, committed_db: Any, till: Till, customer: Account, race: Any) -> None:
        browser = Client(enforce_csrf_checks=True)
        send(browser, "/log-in", username=customer.username, password=PASSWORD)
        for number in range(1, 4):
            path = path_of(till.sell().json())
            form = form_of(browser.get(path))

            answers = race(*[lambda: twin_of(browser).post(path, form)] * 3)  # noqa: B023

            assert [(answer.status_code, answer["Location"]) for answer in answers] == [(302, path)] * 3
            assert held(customer) == 900 * number

    def test_with_two_pages_the_second_is_refused_and_shows_it_paid(
        self, committed_db: Any, till: Till, customer: Account, race: Any
    ) -> None:
        """The control: without a common key the second press is a second intent, and is told so."""
        browser = Client(enforce_csrf_checks=True)
        send(browser, "/log-in", username=customer.username, password=PASSWORD)
        path = path_of(till.sell().json())
        forms = [form_of(browser.get(path)) for _ in range(2)]

        answers = race(*[lambda form=form: twin_of(browser).post(path, form) for form in forms])

        assert sorted(answer.status_code for answer in answers) == [302, 409]
        assert held(customer) == 900


def twin_of(browser: Client) -> Client:
    """The same browser in another thread."""
    twin = Client(enforce_csrf_checks=True)
    twin.cookies = browser.cookies.copy()
    return twin
