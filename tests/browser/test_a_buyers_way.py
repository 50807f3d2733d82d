"""A buyer on a phone, from an item to money back: cart, checkout, order, request, wallet, and the code for a till."""

from typing import Any

import pytest
from playwright.sync_api import expect

from accounts.actor import Actor
from accounts.models import Account
from core import clock
from orders.models import Order, RefundRequest
from orders.services import fulfil_order
from tests.browser.test_the_code_on_the_wall import log_in, put_money_in, read
from tests.conftest import make_account
from tests.proofs.world import book
from tests.qr_reader import read_qr_in_png
from tests.shop import offer
from wallets.pay_codes.models import PayCode

PAGES = ("/cart", "/orders", "/wallet", "/wallet/statement", "/wallet/top-up", "/wallet/withdraw", "/pay-code/phones")


@pytest.fixture
def buyer(class_committed_db: Any) -> Account:
    found = make_account(name="Bea Buyer")
    put_money_in(found)
    return found


class TestABuyersWay:
    """At the size of a phone; everything on it is looked at with axe."""

    def test_leads_from_an_item_to_money_back(self, site: str, open_browser: Any, look_at: Any, buyer: Account) -> None:
        teas, pots = make_account(side="seller", name="Blue Leaf Teas"), make_account(side="seller", name="Potter")
        tea = offer(teas, title="Darjeeling", price_minor=500)
        offer(pots, title="Pot", price_minor=900)
        page = open_browser().new_page()
        log_in(page, f"{site}/log-in?next=/items/{tea.public_id}", buyer)
        look_at(page)

        page.get_by_label("How many").fill("2")
        page.get_by_role("button", name="Add to cart").click()
        page.get_by_text("“Darjeeling” is in your cart.").wait_for()
        page.goto(f"{site}/")
        page.get_by_role("button", name="Add to cart Pot").click()
        page.get_by_text("“Pot” is in your cart.").wait_for()
        look_at(page)

        page.get_by_role("button", name="Remove Pot").click()
        page.get_by_role("button", name="Undo").click()
        page.get_by_label("How many of Darjeeling").fill("1")  # Sent by itself.
        page.get_by_text("£14.00").wait_for()
        page.get_by_role("link", name="Check out").click()
        look_at(page)
        page.get_by_role("button", name="Order and pay £14.00").click()
        page.get_by_role("heading", name="£14.00 paid").wait_for()
        look_at(page)
        book()

        page.get_by_role("link", name="Potter").click()
        page.get_by_role("heading", name="Ordered and paid").wait_for()
        order = Order.objects.get(public_id=page.url.rpartition("/")[2])
        fulfil_order(order=order.public_id, actor=Actor.own(pots), now=clock.now())
        page.reload()
        look_at(page)
        page.get_by_role("link", name="I have it").click()
        look_at(page)
        page.get_by_role("button", name="Yes, I have it").click()
        page.get_by_role("heading", name="Completed").wait_for()

        page.get_by_role("link", name="Ask for money back").click()
        page.get_by_label("Pot", exact=False).first.check()
        page.get_by_label("How much in GBP of Pot").fill("4.50")
        page.get_by_label("What is wrong?").fill("The lid has a crack.")
        look_at(page)
        page.get_by_role("button", name="Ask the seller").click()
        page.get_by_text("The seller is asked.").wait_for()
        look_at(page)
        assert "£4.50 asked back" in read(page)
        assert RefundRequest.objects.get(order=order).asked_minor == 450

    @pytest.mark.parametrize("how", [{}, {"viewport": {"width": 1280, "height": 900}, "color_scheme": "dark"}])
    def test_every_page_of_it_can_be_used_by_everybody(
        self, site: str, open_browser: Any, look_at: Any, buyer: Account, how: dict[str, Any]
    ) -> None:
        page = open_browser(**how).new_page()
        log_in(page, f"{site}/log-in?next=/wallet", buyer)
        for path in (*PAGES, "/wallet/top-up?amount=5&currency=GBP", "/wallet/payout-targets"):
            page.goto(f"{site}{path}")
            look_at(page)

    def test_shows_a_code_that_a_till_reads_and_a_new_one_once_it_is_over(
        self, site: str, open_browser: Any, look_at: Any, buyer: Account
    ) -> None:
        page = open_browser().new_page()
        log_in(page, f"{site}/log-in?next=/pay-code", buyer)
        page.clock.install()
        page.get_by_role("button", name="Show my code").click()
        page.get_by_text("seconds left").wait_for()
        look_at(page)
        shown = page.locator(".code-digits").inner_text()
        digits = shown.replace("\n", "").replace(" ", "")
        assert read_qr_in_png(page.locator(".code-qr").screenshot()).text == digits

        page.clock.fast_forward(61_000)

        expect(page.locator(".code-digits")).not_to_have_text(shown, use_inner_text=True)
        assert PayCode.objects.filter(account=buyer).count() == 2

    def test_tells_the_phone_what_became_of_the_code(self, site: str, open_browser: Any, buyer: Account) -> None:
        page = open_browser().new_page()
        log_in(page, f"{site}/log-in?next=/pay-code", buyer)
        page.get_by_role("button", name="Show my code").click()
        page.get_by_text("seconds left").wait_for()
        PayCode.objects.filter(account=buyer).update(used_at=clock.now(), used_for="ord_x", refusal="pay_code_maximum")
        page.get_by_text("The till was refused").wait_for()
        assert not page.locator(".code-live").is_visible()
