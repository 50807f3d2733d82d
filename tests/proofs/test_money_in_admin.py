"""Where the money went, on an order's page for operators."""

import json
import re
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from django.test import Client

from accounts.models import Account
from core.money import Money
from orders.models import Order
from tests.conftest import Api
from tests.portal.conftest import text_of
from tests.proofs.full_sale import full_sale
from tests.proofs.world import book, place
from tests.sharing.money import refund

pytestmark = pytest.mark.django_db


def page_of(order: Order) -> str:
    return f"/admin/orders/order/{order.pk}/change/"


class TestAnOrdersPage:
    """Shows all of its money."""

    def test_names_everybody_with_their_sums_and_why(
        self, operator: Account, browser: Callable[[Account], Client]
    ) -> None:
        sale = full_sale(refunded_minor=33_33)
        book()
        proof = Api(operator).get(f"/orders/{sale.order.public_id}/money").json()

        page = browser(operator).get(page_of(sale.order))

        html, said = page.content.decode(), text_of(page)
        for share in proof["shares"]:
            assert str(Money(share["amount"], "GBP")) in unescape(said).replace("\N{NO-BREAK SPACE}", " ")
            assert share["account"] is None or share["account"]["name"] in said
        assert "It adds up to the cent, and all of it is in the book." in said
        assert "Nobody's part, agent of level 1: vacant." in said
        assert html.count("/explain/trf_") == len(proof["transfers"])
        drawn = re.search(r'<script id="money-flow" type="application/json">(.*?)</script>', html)
        assert drawn
        links = json.loads(drawn[1])["series"][0]["links"]
        sources = {link["source"] for link in links}
        assert sum(link["value"] for link in links if link["target"] not in sources) == proof["paid"]

    def test_asks_as_much_for_many_refunds_as_for_few(
        self, operator: Account, browser: Callable[[Account], Client], statements: Any
    ) -> None:
        sale = full_sale(refunded_minor=10)
        book()
        client = browser(operator)
        client.get(page_of(sale.order))
        with statements() as few:
            client.get(page_of(sale.order))
        for minor in (20, 30, 40):
            refund(sale.order, minor)
        book()
        with statements() as many:
            client.get(page_of(sale.order))
        assert len(many) == len(few), str(many)

    def test_says_nothing_of_money_before_there_is_any(
        self, operator: Account, buyer: Account, seller: Account, browser: Callable[[Account], Client]
    ) -> None:
        assert "Where the money went" not in text_of(browser(operator).get(page_of(place(buyer, seller))))
