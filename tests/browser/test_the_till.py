"""A till and a phone side by side, in two browsers that know nothing of each other: sold, paid, taken back."""

from typing import Any

import pytest

from accounts.actor import Actor
from accounts.models import Account
from catalog.models import Store
from catalog.services import open_store
from core import clock
from orders.models import Order
from tests.browser.conftest import DESK, PHONE
from tests.browser.test_the_code_on_the_wall import log_in, put_money_in, read
from tests.conftest import PASSWORD, make_account
from tests.orders.counter.till import Till, make_till, pay_code
from tests.proofs.world import book
from tests.qr_reader import read_qr_in_png
from tests.shop import offer

LOOKS = {
    "tablet": {"viewport": {"width": 820, "height": 1180}},
    "phone": {"viewport": PHONE},
    "narrow": {"viewport": {"width": 360, "height": 640}, "color_scheme": "dark"},
    "chinese": {"viewport": DESK, "locale": "zh-CN"},
}


@pytest.fixture(scope="class")
def till(site: str) -> Till:
    seller = make_account(side="seller", name="Blue Leaf Teas")
    store: Store = open_store(name="Corner", actor=Actor.own(seller), now=clock.now())
    for title in ("Darjeeling", "Green tea", "A pot of tea that is described at quite some length"):
        offer(seller, title=title, price_minor=900)
    return make_till(store)


@pytest.fixture
def customer(site: str) -> Account:
    """With 20.00 GBP."""
    buyer = make_account()
    put_money_in(buyer)
    return buyer


@pytest.fixture
def counter(site: str, till: Till, open_browser: Any) -> Any:
    """The till's page at a desk, with nothing rung up."""
    page = open_browser(viewport=DESK).new_page()
    return open_till(page, site, till)


def open_till(page: Any, site: str, till: Till) -> Any:
    log_in(page, f"{site}/log-in?next=/counter/{till.terminal.public_id}", till.terminal.store.seller)
    if page.get_by_role("button", name="Next").count():
        page.get_by_role("button", name="Next").click()
    page.locator("#sale").wait_for()
    return page


def phone_of(customer: Account, site: str, open_browser: Any, path: str) -> Any:
    page = open_browser().new_page()
    log_in(page, f"{site}/log-in?next={path}", customer)
    return page


def ask_for_nine(counter: Any) -> None:
    counter.get_by_role("button", name="Darjeeling").click()
    counter.get_by_role("button", name="Ask for £9.00").click()
    counter.get_by_text("Waiting for the customer to pay.").wait_for()


def newest() -> Order:
    return Order.objects.latest("id")


class TestATillAndAPhone:
    def test_the_phone_scans_the_till_and_both_see_that_it_is_paid(
        self, site: str, counter: Any, customer: Account, open_browser: Any
    ) -> None:
        ask_for_nine(counter)
        address = read_qr_in_png(counter.locator("img.qr").screenshot()).text
        phone = phone_of(customer, site, open_browser, address.removeprefix(site))
        assert "To pay at Corner" in read(phone)

        phone.get_by_role("button", name="Pay £9.00").click()

        phone.get_by_role("heading", name="£9.00 paid").wait_for()
        counter.get_by_text("Hand over the goods.").wait_for()  # Nobody has touched the till meanwhile.
        assert counter.locator("#till-says").inner_text().startswith("Paid")
        assert counter.evaluate("document.activeElement.innerText").startswith("Next sale")

    def test_by_the_keyboard_alone_a_code_pays_and_a_part_is_given_back(self, counter: Any, customer: Account) -> None:
        """Found by typing, paid by a hand scanner that types, a free line, the next sale: no mouse."""
        keys = counter.keyboard
        keys.type("gree")
        counter.locator("#shelf").get_by_text("Found by “gree”").wait_for()
        keys.press("Enter")
        counter.get_by_text("Ask for £9.00").wait_for()
        keys.press("F4")
        keys.type("Biscuit")
        keys.press("Tab")
        keys.type("2.50")
        keys.press("Enter")
        counter.get_by_text("Ask for £11.50").wait_for()
        assert counter.locator("#id_description").input_value() == ""
        keys.press("F8")
        counter.get_by_text("Waiting for the customer to pay.").wait_for()
        assert counter.evaluate("document.activeElement.name") == "pay_code"
        keys.type("1" * 18)
        counter.get_by_text("This code is wrong, used or too old.").wait_for()
        keys.type(pay_code(customer))
        counter.get_by_text("Hand over the goods.").wait_for()

        counter.get_by_role("link", name="Give money back").press("Enter")
        counter.get_by_label("How much").fill("2.50")
        counter.get_by_label("Why").fill("The biscuit was broken.")
        keys.press("Enter")
        counter.get_by_role("heading", name="Give £2.50 back?").wait_for()
        keys.press("Enter")
        counter.get_by_text("£2.50 given back, £9.00 kept.").wait_for()

        assert (newest().total_minor, newest().refunded_minor) == (1150, 250)
        book()
        keys.press("F9")
        counter.get_by_text("Tap what the customer takes").wait_for()

    def test_the_till_cancels_and_the_phone_learns_of_it(
        self, site: str, counter: Any, customer: Account, open_browser: Any
    ) -> None:
        ask_for_nine(counter)
        phone = phone_of(customer, site, open_browser, f"/pay/{newest().trade_no}")
        phone.get_by_role("button", name="Pay £9.00").wait_for()

        counter.get_by_role("button", name="Cancel the sale").click()

        counter.get_by_text("It was cancelled at the till.").wait_for()
        phone.get_by_role("heading", name="This can no longer be paid").wait_for()
        counter.get_by_role("button", name="Ring it up again").click()
        counter.get_by_role("button", name="Ask for £9.00").wait_for()
        counter.get_by_role("button", name="Empty it").click()

    def test_an_answer_that_is_lost_sells_nothing_twice(
        self, site: str, till: Till, counter: Any, open_browser: Any
    ) -> None:
        """The press arrives and its answer does not: what is pressed then, on this device or another, is the same."""
        before = Order.objects.count()
        counter.get_by_role("button", name="Darjeeling").click()
        counter.get_by_role("button", name="Ask for £9.00").wait_for()
        counter.route("**/ring-up", lambda route: (route.fetch(max_redirects=0), route.abort()))
        with counter.expect_event("requestfailed"):
            counter.get_by_role("button", name="Ask for £9.00").click(no_wait_after=True)
        assert Order.objects.count() == before + 1
        counter.unroute("**/ring-up")

        counter.goto(f"{site}/counter/{till.terminal.public_id}")

        counter.get_by_text("Waiting for the customer to pay.").wait_for()
        assert counter.url.endswith(newest().trade_no)
        assert Order.objects.count() == before + 1

    def test_the_camera_reads_the_code(self, site: str, till: Till, customer: Account, open_browser: Any) -> None:
        """This browser's own reader is taken for granted; what the page does with what it reads is not."""
        context = open_browser(viewport=PHONE)
        context.add_init_script(
            """
            window.BarcodeDetector = class {
              static async getSupportedFormats() { return ["qr_code"]; }
              async detect() { return window.before_the_camera ? [{ rawValue: window.before_the_camera }] : []; }
            };
            const camera = async () => document.createElement("canvas").captureStream();
            if (navigator.mediaDevices) navigator.mediaDevices.getUserMedia = camera;
            HTMLMediaElement.prototype.play = async () => {};
            """
        )
        counter = open_till(context.new_page(), site, till)
        ask_for_nine(counter)
        counter.get_by_role("button", name="Use the camera").click()
        counter.get_by_text("Hold the code before the camera.").wait_for()
        counter.evaluate("(code) => { window.before_the_camera = code }", f"pay:{pay_code(customer)}")
        counter.get_by_text("Hand over the goods.").wait_for()

    def test_without_scripts_it_sells_all_the_same(
        self, site: str, till: Till, customer: Account, open_browser: Any
    ) -> None:
        counter = open_till(open_browser(viewport=PHONE, java_script_enabled=False).new_page(), site, till)
        counter.get_by_label("Find an item").fill("green")
        counter.get_by_label("Find an item").press("Enter")
        counter.get_by_role("button", name="Green tea").click()
        counter.get_by_role("button", name="Ask for £9.00").click()
        phone = phone_of(customer, site, open_browser, f"/pay/{newest().trade_no}")
        phone.get_by_role("button", name="Pay £9.00").click()
        phone.get_by_role("heading", name="£9.00 paid").wait_for()
        counter.get_by_role("link", name="Look again").click()
        assert "Hand over the goods." in read(counter)

    @pytest.mark.parametrize("how", LOOKS.values(), ids=LOOKS)
    def test_can_be_used_by_everybody(
        self, how: dict[str, Any], site: str, till: Till, customer: Account, open_browser: Any, look_at: Any
    ) -> None:
        till.sell(pay_code=pay_code(customer), sequence=Order.objects.count() + 1000)
        page, terminal, store = open_browser(**how).new_page(), till.terminal, till.terminal.store
        waiting = till.sell(sequence=Order.objects.count() + 1000).json()["trade_no"]
        paid = Order.objects.filter(paid_minor__gt=0).latest("id").trade_no
        log_in_anywhere(page, f"{site}/log-in?next=/counter", store.seller)
        at_till = f"/counter/{terminal.public_id}"
        pages = ["/counter", f"/counter/stores/{store.public_id}/day", f"/counter/stores/{store.public_id}/new-till"]
        pages += [at_till, *[f"{at_till}/trades/{paid}{part}" for part in ("", "/refund", "/cancel")]]
        pages += [f"{at_till}/trades/{waiting}", f"{at_till}/trades/{waiting}/code", f"{at_till}/revoke"]
        for path in pages:
            page.goto(f"{site}{path}")
            look_at(page)
        page.context.clear_cookies()
        log_in_anywhere(page, f"{site}/log-in?next=/pay/{waiting}", customer)
        look_at(page)


def log_in_anywhere(page: Any, address: str, account: Account) -> None:
    """In whatever language the page speaks."""
    page.goto(address)
    page.locator("#id_username").fill(account.username)
    page.locator("#id_password").fill(PASSWORD)
    page.locator("#id_password").press("Enter")
    page.wait_for_url(lambda url: "/log-in" not in url)
