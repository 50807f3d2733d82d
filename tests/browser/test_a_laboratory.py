"""A laboratory's day in a real browser: somebody switches to it, it offers, sells and gives back, and buys itself."""

import io
from typing import Any

import pytest
from PIL import Image

from accounts.actor import Actor
from accounts.models import Account
from accounts.services import invite, link_accounts
from accounts.terms import Terms
from catalog.models import Item, Store
from core import clock
from distribution.services.placing import StoreNews, follow_stores
from orders.models import Order
from orders.services import request_refund
from tests.browser.conftest import DESK, PHONE
from tests.browser.test_the_code_on_the_wall import buy, log_in, put_money_in, read
from tests.conftest import PASSWORD, make_account
from tests.distribution.areas import SQUARES, load
from tests.sharing.money import faults
from tests.sharing.programs import give
from tests.shop import offer, paid_order

HERE = "192.0.2.1"


def link(owner: Account, firm: Account) -> None:
    (code,) = invite(count=1, terms=Terms(), actor=Actor.own(firm), now=clock.now()).codes
    link_accounts(code=code, actor=Actor.own(owner), address=HERE, now=clock.now())


def picture() -> dict[str, Any]:
    written = io.BytesIO()
    Image.new("RGB", (600, 450), "teal").save(written, "JPEG")
    return {"name": "water.jpg", "mimeType": "image/jpeg", "buffer": written.getvalue()}


@pytest.fixture(scope="class")
def laboratory(site: str, tmp_path_factory: Any) -> Account:
    load(tmp_path_factory.mktemp("areas"), shapes=SQUARES)
    return make_account(side="seller", kind="enterprise", name="Meridian Laboratory")


@pytest.fixture(autouse=True)
def media(settings: Any, tmp_path: Any) -> None:
    settings.MEDIA_ROOT = tmp_path


class TestALaboratory:
    def test_switches_sells_gives_back_and_buys(self, site: str, laboratory: Account, open_browser: Any) -> None:
        owner, customer = make_account(name="Wei Zhang"), make_account(name="Harbour Foods")
        link(owner, laboratory)
        page = open_browser(viewport=DESK).new_page()

        # Logged in as a person, whose other account sells.
        log_in(page, f"{site}/log-in?next=/sell/items/new", owner)
        page.get_by_role("button", name="Switch to Meridian Laboratory and go on").click()
        page.get_by_label("Title").fill("Water analysis")
        page.get_by_label("Kind").select_option("service")
        page.get_by_label("Price").fill("20.00")
        page.get_by_label("Currency").select_option("GBP")
        page.get_by_role("button", name="Put on sale").click()
        page.get_by_role("heading", name="Water analysis").wait_for()
        page.get_by_label("Add pictures").set_input_files([picture(), picture()])
        page.get_by_role("button", name="Upload").click()
        page.get_by_text("The pictures are there.").wait_for()
        item = Item.objects.get(title="Water analysis")
        assert (item.status, item.pictures.count(), item.created_by) == ("on_sale", 2, owner)

        # A store, by pressing the map: the form is kept, and the map comes closer without a new page.
        page.goto(f"{site}/sell/stores/new")
        page.get_by_label("Name").fill("Harbour branch")
        chart = page.get_by_role("button", name="Map: press the place")
        box = chart.bounding_box()
        chart.click(position={"x": box["width"] * 0.25, "y": box["height"] * 0.65})  # In the west's south.
        page.get_by_text("The place lies inside the area's border.").wait_for()
        assert "Westford, West, Xland" in read(page)
        assert page.get_by_label("Name").input_value() == "Harbour branch"
        page.get_by_role("button", name="Open the store").click()
        page.get_by_role("heading", name="Harbour branch").wait_for()
        store = Store.objects.get()
        follow_stores(news=[StoreNews(store.public_id, "store.opened", clock.now())])
        page.reload()
        assert "Settled Westford, West, Xland" in read(page)

        # A customer sees the picture, orders and pays.
        put_money_in(customer)
        phone = open_browser(viewport=PHONE).new_page()
        log_in(phone, f"{site}/log-in?next=/items/{item.public_id}", customer)
        assert phone.locator(".gallery img").first.evaluate("picture => picture.naturalWidth") == 600
        order = buy(phone)

        # Handed over; and half of it given back, on the second look.
        page.goto(f"{site}/sell")
        page.get_by_role("link", name="1 order to hand over").click()
        page.get_by_role("link", name="Water analysis").click()
        page.get_by_role("button", name="I have handed it over").click()
        page.get_by_role("link", name="Give money back").click()
        page.get_by_label("A part of it").check()
        page.get_by_label("Amount", exact=True).fill("10")
        page.get_by_label("Why").fill("One bottle was empty.")
        page.get_by_role("button", name="Go on").click()
        page.get_by_role("heading", name="Give £10.00 back?").wait_for()
        assert "Your earnings that are not released yet £9.50" in read(page)
        page.get_by_role("button", name="Give £10.00 back").click()
        page.get_by_role("heading", name="Order of Harbour Foods").wait_for()
        order.refresh_from_db()
        assert (order.status, order.refunded_minor) == ("fulfilled", 1000)
        assert faults() == []

        # And back to the person, who buys elsewhere.
        put_money_in(owner)
        tea = offer(make_account(side="seller"), title="Reference water", price_minor=2000)
        page.goto(f"{site}/accounts?next=/items/{tea.public_id}")
        page.get_by_role("button", name="Switch to Wei Zhang").click()
        page.wait_for_url(lambda url: "/accounts" not in url)
        page.goto(f"{site}/items/{tea.public_id}")
        assert buy(page).buyer == owner

    @pytest.mark.parametrize(
        "how",
        [{"viewport": {"width": 360, "height": 740}}, {"viewport": DESK, "color_scheme": "dark", "locale": "zh-CN"}],
        ids=["narrow", "dark, Chinese"],
    )
    def test_has_pages_that_everybody_can_use(
        self, site: str, laboratory: Account, open_browser: Any, look_at: Any, how: dict[str, Any]
    ) -> None:
        buyer = make_account()
        tea = offer(laboratory, title="A water analysis whose name says at some length what it is of", stock=3)
        give(tea)
        order: Order = paid_order(buyer, tea)
        asked = request_refund(order=order.public_id, reason="Cold.", actor=Actor.own(buyer), now=clock.now())
        page = open_browser(**how).new_page()
        log_in_anyhow(page, f"{site}/log-in", laboratory)
        item, sale = f"/sell/items/{tea.public_id}", f"/sell/orders/{order.public_id}"
        for path in (
            "/sell",
            "/sell/items",
            "/sell/items/new",
            item,
            f"{item}/program",
            f"{item}/program/end",
            "/sell/stores",
            "/sell/stores/new",
            "/sell/orders",
            sale,
            f"{sale}/refund",
            f"{sale}/cancel",
            "/sell/refund-requests",
            f"/sell/refund-requests/{asked.public_id}",
            "/sell/programs",
            "/sell/earnings",
            "/sell/statement",
        ):
            assert page.goto(f"{site}{path}").status == 200, path
            look_at(page)


def log_in_anyhow(page: Any, address: str, account: Account) -> None:
    """In whatever language."""
    page.goto(address)
    page.locator("[name=username]").fill(account.username)
    page.locator("[name=password]").fill(PASSWORD)
    page.locator("[name=password]").press("Enter")
    page.wait_for_url(lambda url: "/log-in" not in url)
