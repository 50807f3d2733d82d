"""
The whole way in a real browser: a poster, its code read by a decoder that is not ours, an account, an order, the money.

Nothing on the way may depend on what the browser remembers: that is what these browsers are made to forget.
"""

import re
from dataclasses import dataclass
from typing import Any

import pytest

from accounts.models import Account
from catalog.models import Item
from events.delivery import deliver_due
from orders.models import Order
from proofs.order_money import order_money
from sharing.models import Share
from tests.conftest import PASSWORD, Api, make_account
from tests.proofs.world import book
from tests.qr_reader import read_qr_in_pdf, read_qr_in_png, sheets_of_pdf, text_of_pdf
from tests.sharing.money import faults, touches
from tests.sharing.programs import give
from tests.sharing.programs import share as made
from tests.shop import offer
from tests.wallets.shop import fill

IS_TOO_WIDE = "document.documentElement.scrollWidth > document.documentElement.clientWidth"


@dataclass(frozen=True)
class Wall:
    """A poster on a wall: who sells what, who put it up, and what a phone reads from it."""

    item: Item
    share: Share
    seller: Account
    sharer: Account
    code: str


@pytest.fixture(scope="class")
def wall(site: str, chromium: Any) -> Wall:
    seller, sharer = make_account(side="seller", name="Blue Leaf Teas"), make_account(name="Sam Sharer")
    item = offer(seller, title="Darjeeling", price_minor=2000)
    give(item, rate_bps=1000)
    share = made(sharer, item)
    page = chromium.new_page(viewport={"width": 800, "height": 1200})
    log_in(page, f"{site}/log-in?next=/shares/{share.public_id}/poster", sharer)
    code = read_qr_in_png(page.locator(".poster").screenshot()).text
    page.close()
    return Wall(item, share, seller, sharer, code)


def log_in(page: Any, address: str, account: Account) -> None:
    page.goto(address)
    page.get_by_label("User name").fill(account.username)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url(lambda url: "/log-in" not in url)


def read(page: Any) -> str:
    return " ".join(page.inner_text("main").split())


def register(page: Any) -> None:
    """From the page that asks for an account to where somebody wanted to go."""
    page.get_by_role("main").get_by_role("link", name="Make").click()
    page.get_by_label("Your name").fill("Nora Newcomer")
    page.get_by_label("User name").fill("nora")
    page.get_by_label("New password").fill(PASSWORD)
    page.get_by_label("Once more").fill(PASSWORD)
    page.get_by_role("button", name="Make the account").click()
    page.wait_for_url(lambda url: "/register" not in url)


def buy(page: Any) -> Order:
    """From an item's page to a paid order's."""
    page.get_by_role("button", name="Buy").click()
    page.get_by_role("button", name="Order and pay £20.00").click()
    page.get_by_role("heading", name="Ordered and paid").wait_for()
    book()
    return Order.objects.get(public_id=page.url.rpartition("/")[2])


def put_money_in(buyer: Account) -> None:
    fill(buyer, 2000)
    book()


def part_of_the_sharer(order: Order) -> int:
    """What the sharer has of a sale, by the order's own proof."""
    found = order_money(order.public_id, visible_to=make_account(operator=True)).shares
    return sum(line.amount_minor for line in found if line.role == "sharer")


class TestTheCodeOnTheWall:
    """Scanned, looked at, bought: the sharer earns, the seller pays for it, and a refund takes it back."""

    def test_leads_from_the_poster_to_the_money_and_back(
        self, site: str, wall: Wall, browser_without_cookies: Any, open_browser: Any
    ) -> None:
        before = browser_without_cookies.new_page()
        before.goto(wall.code)
        assert re.fullmatch(rf"{site}/items/{wall.item.public_id}\?scan=[\w-]+", before.url)
        before.get_by_role("button", name="Buy").click()
        before.get_by_role("heading", name="Log in").wait_for()
        assert browser_without_cookies.cookies() == []

        # Cookies are switched on again, scripts off, and the form is opened anew.
        page = open_browser(java_script_enabled=False).new_page()
        page.goto(before.url)
        assert page.context.cookies() != []
        register(page)
        page.get_by_label("Charge the missing £20.00").check()  # The wallet is as new as its owner.
        page.get_by_role("button", name="Order and pay £20.00").click()
        page.get_by_role("heading", name="Being paid").wait_for()
        book()
        deliver_due("order_payments")
        page.get_by_role("heading", name="Ordered and paid").wait_for()  # The page has looked again by itself.
        order = Order.objects.get(public_id=page.url.rpartition("/")[2])
        book()

        assert touches(order) == [("last_touch", True)]
        assert part_of_the_sharer(order) == 200
        sold = open_browser().new_page()
        log_in(sold, f"{site}/log-in?next=/orders/{order.public_id}", wall.seller)
        assert "Brought the customer of Darjeeling: 10 % of what is sold. £2.00" in read(sold)

        for minor in (500, 1500):
            body = {"amount": minor, "reason": "Cold."}
            Api(wall.seller).post(f"/orders/{order.public_id}/refunds", body, key=f"r{minor}")
            book()

        assert part_of_the_sharer(order) == 0
        assert faults() == []
        sold.reload()
        assert "All of it was given back" in read(sold)

    def test_does_not_mind_cookies_that_are_cleared_between_the_scan_and_the_log_in(
        self, wall: Wall, open_browser: Any
    ) -> None:
        phone, buyer = open_browser(), make_account()
        put_money_in(buyer)
        page = phone.new_page()
        page.goto(wall.code)
        page.get_by_role("main").get_by_role("link", name="Log in").click()
        phone.clear_cookies()
        log_in(page, page.url, buyer)

        order = buy(page)

        assert touches(order) == [("last_touch", True)]
        assert part_of_the_sharer(order) == 200

    def test_counts_in_another_browser_once_somebody_logged_in_has_looked(
        self, site: str, wall: Wall, open_browser: Any
    ) -> None:
        buyer = make_account()
        put_money_in(buyer)
        phone = open_browser().new_page()
        log_in(phone, f"{site}/log-in", buyer)
        phone.goto(wall.code)
        phone.context.close()

        desk = open_browser(viewport={"width": 1280, "height": 800}).new_page()
        log_in(desk, f"{site}/log-in?next=/items/{wall.item.public_id}", buyer)
        assert "scan" not in desk.url
        order = buy(desk)

        assert touches(order) == [("last_touch", True)]
        assert part_of_the_sharer(order) == 200

    def test_counts_for_nobody_who_only_was_behind_the_same_address(
        self, site: str, wall: Wall, open_browser: Any
    ) -> None:
        """The control: without the token nothing ties the two together."""
        open_browser().new_page().goto(wall.code)
        buyer = make_account()
        put_money_in(buyer)
        page = open_browser().new_page()
        log_in(page, f"{site}/log-in?next=/items/{wall.item.public_id}", buyer)

        order = buy(page)

        assert touches(order) == []
        assert part_of_the_sharer(order) == 0

    @pytest.mark.parametrize(("size", "millimetres"), [("A4", (210, 297)), ("A6", (105, 148))])
    def test_is_one_sheet_of_paper(
        self, site: str, wall: Wall, open_browser: Any, size: str, millimetres: tuple[int, int]
    ) -> None:
        page = open_browser().new_page()
        log_in(page, f"{site}/log-in?next=/shares/{wall.share.public_id}/poster?size={size}", wall.sharer)

        pdf = page.pdf(prefer_css_page_size=True)

        assert sheets_of_pdf(pdf) == [millimetres]
        assert "Darjeeling" in text_of_pdf(pdf)
        assert read_qr_in_pdf(pdf) == wall.code

    def test_fits_on_a_small_phone_page_by_page(self, site: str, wall: Wall, open_browser: Any) -> None:
        wordy = offer(wall.seller, title="Without" + "end" * 60, description="On" * 400, price_minor=10**12)
        give(wordy)
        item, share = f"/items/{wordy.public_id}", made(wall.sharer, wordy).public_id
        page = open_browser(viewport={"width": 320, "height": 640}).new_page()
        log_in(page, f"{site}/log-in", wall.sharer)
        pages = (item, f"{item}/order", f"{item}/share", "/shares", f"/shares/{share}", f"/shares/{share}/poster")
        too_wide = [path for path in pages if page.goto(site + path) and page.evaluate(IS_TOO_WIDE)]
        assert too_wide == []
