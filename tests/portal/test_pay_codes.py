"""The pay code on the phone: shown once, with a maximum; what became of it; phones that make codes by themselves."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils.html import escape

from accounts.models import Account
from orders.models import Order
from tests.orders.counter.conftest import store as store
from tests.orders.counter.conftest import till as till
from tests.orders.counter.till import Till
from tests.portal.conftest import text_of
from tests.portal.test_items import order_form
from tests.qr_reader import read_qr
from tests.shop import fund
from wallets.pay_codes.models import PayCode, PayCodeSecret

Customer = Callable[[Account], Client]

PATH, PHONES = "/pay-code", "/pay-code/phones"
STATE_STATEMENTS_MAX = 4
PHONES_STATEMENTS_MAX = 5


def show(client: Client, **fields: Any) -> Any:
    return client.post(PATH, {**order_form(client.get(PATH)), "currency": "GBP", **fields})


def code_on(page: Any) -> str:
    return "".join(page.context["digits"])


def ask(client: Client, page: Any, **headers: str) -> Any:
    return client.get(page.context["ask"], headers=headers)


class TestTheCode:
    """/pay-code"""

    def test_is_on_the_page_as_digits_and_as_a_picture_and_nowhere_else(
        self, buyer: Account, customer: Customer
    ) -> None:
        client = customer(buyer)
        page = show(client)
        code = code_on(page)
        assert re.fullmatch(r"\d{18}", code)
        picture = re.search(r'class="qr code-qr" src="([^"]+)"', page.content.decode())
        assert picture
        assert read_qr(picture[1].replace("&#x27;", "'").replace("&amp;", "&")) == code
        assert page["Cache-Control"] == "no-store"
        assert code not in str(page.cookies) + page.context["ask"]
        assert code_on(show(client)) != code

    def test_looking_at_the_page_makes_none(self, buyer: Account, customer: Customer) -> None:
        customer(buyer).get(PATH)
        assert not PayCode.objects.exists()

    def test_pays_and_the_phone_is_told(self, till: Till, buyer: Account, customer: Customer) -> None:
        fund(buyer, 5000)
        client = customer(buyer)
        page = show(client)
        assert page.context["seconds"] == 60
        assert "No till has tried it yet." in text_of(ask(client, page))

        till.sell(pay_code=code_on(page))

        part = ask(client, page, HX_Request="true")
        order = Order.objects.get()
        assert "£9.00 paid" in text_of(part)
        assert f'href="/orders/{order.public_id}"' in part.content.decode()
        assert b"<html" not in part.content
        assert b"hx-trigger" not in part.content  # It asks no more.

    def test_says_why_a_till_was_refused(self, till: Till, buyer: Account, customer: Customer) -> None:
        fund(buyer, 5000)
        client = customer(buyer)
        page = show(client, amount="5")
        assert "at most £5.00" in text_of(page)
        till.sell(pay_code=code_on(page))
        assert "The till asked for more than the most that you had set" in text_of(ask(client, page))

    def test_is_over_after_its_time(self, buyer: Account, customer: Customer) -> None:
        client = customer(buyer)
        page = show(client)
        PayCode.objects.update(expires_at=PayCode.objects.get().made_at - timedelta(seconds=1))
        assert "This code is over" in text_of(ask(client, page))

    @pytest.mark.parametrize("amount", ["0", "x", "1.001"])
    def test_a_faulty_maximum_makes_none(self, buyer: Account, customer: Customer, amount: str) -> None:
        answer = show(customer(buyer), amount=amount)
        assert answer.status_code == 422
        assert "Write an amount above zero" in text_of(answer)
        assert not PayCode.objects.exists()

    def test_nobody_else_hears_what_became_of_it(
        self, buyer: Account, seller: Account, new_account: Any, customer: Customer, visitor: Client
    ) -> None:
        page = show(customer(buyer))
        assert ask(customer(new_account()), page).status_code == 404
        assert ask(customer(seller), page).status_code == 403
        assert ask(visitor, page).status_code == 302
        assert customer(buyer).get(f"{PATH}/forged").status_code == 404

    def test_asking_again_and_again_is_cheap(self, buyer: Account, customer: Customer, statements: Any) -> None:
        client = customer(buyer)
        page = show(client)
        with statements() as seen:
            ask(client, page, HX_Request="true")
        assert len(seen) <= STATE_STATEMENTS_MAX, str(seen)


class TestPhones:
    """/pay-code/phones"""

    def enrol(self, client: Client, **fields: Any) -> Any:
        return client.post(PHONES, {**order_form(client.get(PHONES)), "currency": "GBP", **fields})

    def test_the_secret_is_shown_once(self, buyer: Account, customer: Customer) -> None:
        client = customer(buyer)
        form = {**order_form(client.get(PHONES)), "name": "My <phone>", "amount": "20", "currency": "GBP"}
        shown = client.post(PHONES, form)
        secret = shown.context["enrolled"].secret
        assert secret in text_of(shown)
        again = client.post(PHONES, form)
        assert again["Location"] == PHONES
        listed = client.get(PHONES)
        assert secret not in listed.content.decode()
        assert escape("My <phone>") in listed.content.decode()
        assert "this log-in At most £20.00 a code" in text_of(listed)
        assert "its secret shown, a moment ago" in text_of(listed)
        assert PayCodeSecret.objects.count() == 1

    def test_is_ended_and_stays_so(self, buyer: Account, new_account: Any, customer: Customer) -> None:
        client = customer(buyer)
        self.enrol(client, name="Phone")
        path = f"{PHONES}/{PayCodeSecret.objects.get().public_id}/end"
        other = customer(new_account())
        assert other.post(path, order_form(other.get(PHONES))).status_code == 404
        for _ in range(2):
            assert client.post(path, order_form(client.get(PHONES)))["Location"] == PHONES
        assert PayCodeSecret.objects.get().secret == ""
        assert "Ended" in text_of(client.get(PHONES))

    def test_so_many_and_no_more(self, buyer: Account, customer: Customer, settings: Any) -> None:
        settings.PAY_CODE_SECRETS_MAX = 1
        client = customer(buyer)
        self.enrol(client)
        answer = self.enrol(client)
        assert answer.status_code == 409
        assert "So many phones make codes already." in text_of(answer)

    def test_cost_the_same_however_many(self, buyer: Account, customer: Customer, statements: Any) -> None:
        client = customer(buyer)
        for number in range(4):
            self.enrol(client, name=f"Phone {number}")
        with statements() as seen:
            client.get(PHONES)
        assert len(seen) <= PHONES_STATEMENTS_MAX + 1, str(seen)
