"""An agent's way through its own pages, and a seller's to where the money went: with a keyboard, on any screen."""

from dataclasses import dataclass
from typing import Any

import pytest

from accounts.models import Account
from core import clock
from core.languages import say_money
from core.money import Money
from distribution.models import Area, Referral
from tests.browser.conftest import DESK, PHONE
from tests.browser.test_the_code_on_the_wall import log_in, read
from tests.conftest import PASSWORD, Api
from tests.distribution.people import came
from tests.proofs.full_sale import FullSale, full_sale
from tests.proofs.world import book
from wallets.models import Earning

LOOKS = {
    "phone": {"viewport": PHONE},
    "narrow and dark": {"viewport": {"width": 360, "height": 640}, "color_scheme": "dark"},
    "desk": {"viewport": DESK},
    "chinese": {"viewport": DESK, "locale": "zh-CN"},
}
PLACES = {"N11": (22.53, 113.93), "N12": (22.61, 114.05)}


@dataclass(frozen=True)
class District:
    """A sale in an agent's district, and somebody whom the agent has brought, who brought another."""

    sale: FullSale
    agent: Account
    brought: Account
    through: Account


@pytest.fixture(scope="class")
def district(site: str) -> District:
    sale = full_sale(refunded_minor=25_00)
    book()
    agent = sale.world.agents[3]
    now = clock.now()
    areas = sale.world.areas
    Area.objects.create(scheme_id="ZZ", code="N12", name="Area N12", level=3, level_name="district", parent=areas["N1"])
    for code, (latitude, longitude) in PLACES.items():
        Area.objects.filter(code=code).update(latitude=latitude, longitude=longitude)
    sale.world.store.latitude, sale.world.store.longitude = 22.55, 113.95
    sale.world.store.save(update_fields=["latitude", "longitude"])
    brought = came(now, through=agent)
    return District(sale, agent, brought, came(now, through=brought))


class TestAnAgent:
    """From the log-in to its areas, what they earned and why, and who came through it."""

    def test_finds_its_area_its_money_and_its_people(self, site: str, district: District, open_browser: Any) -> None:
        page = open_browser(viewport=DESK).new_page()
        log_in(page, f"{site}/log-in?next=/earnings", district.agent)
        (earned,) = Api(district.agent).get("/earnings").json()["results"]
        part = say_money(Money(earned["amount"], "GBP"))
        assert part in read(page)
        assert earned["why"] in read(page)

        page.get_by_role("link", name="My areas").click()
        page.get_by_role("heading", name="Area N11").wait_for()
        page.locator(".map-dot-store").click()
        page.wait_for_url(f"**#{district.sale.world.store.public_id}")
        assert "Area N12" in page.get_by_role("region", name="Without an agent, beside you").inner_text()
        assert part in read(page)
        page.locator(".chart-drawn svg").first.wait_for()

        page.get_by_role("link", name="My network").click()
        page.get_by_text("1 came through them").focus()
        page.keyboard.press("Enter")
        page.get_by_text(district.through.name, exact=True).wait_for()
        assert Referral.objects.get(account=district.through, until_at=None).referrer == district.brought
        assert page.url.endswith("/network")

    def test_walks_its_tree_without_scripts(self, site: str, district: District, open_browser: Any) -> None:
        page = open_browser(java_script_enabled=False).new_page()
        log_in(page, f"{site}/log-in?next=/network", district.agent)
        page.get_by_text("1 came through them").click()
        page.get_by_role("link", name="Who?").click()
        page.get_by_role("heading", name=f"Through {district.brought.name}").wait_for()
        assert district.through.name in read(page)

    @pytest.mark.parametrize("how", LOOKS.values(), ids=LOOKS)
    def test_and_everybody_else_can_use_the_pages(
        self, how: dict[str, Any], site: str, district: District, open_browser: Any, look_at: Any
    ) -> None:
        sale = district.sale
        pages = {
            district.agent: ("/agent", "/earnings", "/network"),
            sale.seller: (f"/orders/{sale.order.public_id}/money", "/earnings"),
            sale.sharer: ("/shares", "/earnings", f"/shares/{_share(sale)}"),
        }
        for account, paths in pages.items():
            page = open_browser(**how).new_page()
            log_in_anyhow(page, site, account)
            for path in paths:
                page.goto(f"{site}{path}")
                look_at(page)


class TestWhereTheMoneyWent:
    """A flow of the picture leads to why."""

    def test_a_flow_leads_to_its_explanation(self, site: str, district: District, open_browser: Any) -> None:
        sale = district.sale
        page = open_browser(viewport=DESK).new_page()
        log_in(page, f"{site}/log-in?next=/orders/{sale.order.public_id}/money", sale.seller)
        page.locator(".chart-drawn svg").wait_for()
        earning = Earning.objects.get(order=sale.order.public_id, kind="share")

        page.locator(".chart-drawn svg text").filter(has_text="Sam Sharer").first.click()

        page.wait_for_url("**#part-*")
        row = page.locator("tr:has(:target)")
        assert "Sam Sharer" in row.inner_text()
        assert "Brought the customer of Darjeeling: 8 % of what is sold." in row.inner_text()
        assert say_money(Money(earning.amount_minor, "GBP")) in row.inner_text()


def log_in_anyhow(page: Any, site: str, account: Account) -> None:
    """In any language: by the fields' names."""
    page.goto(f"{site}/log-in")
    page.locator("input[name=username]").fill(account.username)
    page.locator("input[name=password]").fill(PASSWORD)
    page.locator("main button[type=submit]").click()
    page.wait_for_url(lambda url: "/log-in" not in url)


def _share(sale: FullSale) -> str:
    return str(sale.sharer.shares.get().public_id)
