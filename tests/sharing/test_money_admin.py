"""The operators' page of share charges: who brought a line, who did not, what is held, and deciding it."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse

from accounts.models import Account
from orders.models import Order
from sharing.models import Share
from tests.sharing.money import claim, earned, order, sold, won
from tests.sharing.programs import give, share
from tests.shop import offer

pytestmark = pytest.mark.django_db


@pytest.fixture
def shared(seller: Account, new_account: Any) -> Share:
    item = offer(seller)
    give(item)
    return share(new_account(), item)


@pytest.fixture
def held(shared: Share, settings: Any, new_account: Any) -> Order:
    """A rival's scan lost, and the sale came too soon after the winner's."""
    settings.SHARE_ORDER_AFTER_SCAN_MIN = timedelta(seconds=3)
    customer = new_account()
    claim(share(new_account(), shared.item), customer)
    return sold(shared, customer)


@pytest.fixture
def pages(browser: Any, operator: Account) -> Client:
    return browser(operator)


def url(page: str, *args: object) -> str:
    return reverse(f"admin:sharing_wonline_{page}", args=args)


class TestThePages:
    def test_find_a_line_by_whatever_names_it(self, held: Order, shared: Share, pages: Client) -> None:
        line = won(held).public_line
        for term in (line, held.public_id, shared.public_id, shared.sharer.public_id):
            assert line in pages.get(url("changelist"), {"q": term}).content.decode()
        assert line not in pages.get(url("changelist"), {"q": "shr_0"}).content.decode()
        assert line in pages.get(url("changelist"), {"guards": "held"}).content.decode()
        assert line not in pages.get(url("changelist"), {"guards": "was held"}).content.decode()

    def test_say_who_was_judged_how_and_what_a_guard_found(self, held: Order, pages: Client) -> None:
        page = pages.get(url("change", won(held).line)).content.decode()
        for words in ("a later touch won", "won: the last touch", "s after the scan", "0.50"):
            assert words in page

    def test_are_read_before_anything_is_paid(self, shared: Share, buyer: Account, pages: Client) -> None:
        claim(shared, buyer)
        placed = order(buyer, shared.item).orders[0]
        assert pages.get(url("change", won(placed).line)).status_code == 200


class TestDeciding:
    def test_takes_a_reason(self, held: Order, shared: Share, pages: Client) -> None:
        path = url("release", won(held).line)
        assert "reason" in pages.get(path).content.decode()
        pages.post(path, {"_form_submitted": "on"})
        assert earned(shared.sharer) == {"held": 50}

    @pytest.mark.parametrize(("word", "left"), [("release", {"pending": 50}), ("reject", {"reversed": 0})])
    def test_is_kept_with_who_and_why(
        self, held: Order, shared: Share, pages: Client, operator: Account, word: str, left: dict
    ) -> None:
        path, line = url(word, won(held).line), won(held).line
        answer = pages.post(path, {"_form_submitted": "on", "reason": "Looked at."})
        assert answer.headers["HX-Redirect"] == url("change", line)
        assert earned(shared.sharer) == left
        assert (won(held).decided_by, won(held).decision_reason) == (operator, "Looked at.")
        assert "Looked at." in LogEntry.objects.get().change_message
        pages.post(path, {"_form_submitted": "on", "reason": "Again."})
        assert won(held).decision_reason == "Looked at."

    def test_is_for_operators(self, held: Order, shared: Share, browser: Any) -> None:
        assert browser(shared.sharer).post(url("release", won(held).line)).status_code in (302, 403)
        assert earned(shared.sharer) == {"held": 50}
