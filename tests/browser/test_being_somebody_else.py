"""Acting as another account in a real browser, and hearing of news without looking again."""

import re
from typing import Any

import pytest

from accounts.models import Account
from tests.accounts.test_linking import link
from tests.browser.conftest import DESK, PHONE
from tests.browser.test_the_code_on_the_wall import log_in
from tests.conftest import make_account
from tests.notifications.inbox import appointed, happens
from tests.shop import fund, offer, paid_order


@pytest.fixture(scope="class")
def pair(site: str) -> tuple[Account, Account]:
    """Anna, who buys, and her laboratory, which has sold something."""
    anna, laboratory = make_account(name="Anna Keller"), make_account(side="seller", name="Keller Laboratory")
    link(anna, laboratory, spending_cap={"amount": 50_000, "currency": "GBP"})
    paid_order(make_account(), offer(laboratory))
    fund(laboratory, 9_900)
    return anna, laboratory


class TestSwitching:
    def test_in_the_header_the_page_stays_and_says_who_acts(self, site: str, pair: Any, open_browser: Any) -> None:
        page = open_browser(viewport=DESK).new_page()
        log_in(page, f"{site}/log-in?next=/inbox", pair[0])
        page.locator("#who summary").press("Enter")
        page.get_by_role("button", name=re.compile("Keller Laboratory.*1 order to hand over.*£99.00")).click()

        page.get_by_text("You now act as Keller Laboratory.").wait_for()
        assert page.url == f"{site}/inbox"
        assert page.locator("#who summary").inner_text().split("\n")[-2:] == ["Keller Laboratory", "as Anna Keller"]

    def test_works_without_scripts(self, site: str, pair: Any, open_browser: Any) -> None:
        page = open_browser(java_script_enabled=False).new_page()
        log_in(page, f"{site}/log-in?next=/links", pair[0])
        page.locator("#who summary").click()
        page.get_by_role("link", name="Your accounts").click()
        page.get_by_role("button", name="Switch to Keller Laboratory").click()

        assert page.url == f"{site}/links"
        assert "You now act as Keller Laboratory." in page.inner_text("main")

    def test_a_form_of_before_a_switch_in_another_tab_is_there_after_switching_back(
        self, site: str, pair: Any, open_browser: Any
    ) -> None:
        browser = open_browser()
        typing, other = browser.new_page(), browser.new_page()
        log_in(typing, f"{site}/log-in?next=/settings", pair[0])
        typing.get_by_label("Name", exact=True).fill("Anna K.")
        other.goto(f"{site}/accounts")
        other.get_by_role("button", name="Switch to Keller Laboratory").click()
        other.get_by_text("You now act as Keller Laboratory.").wait_for()

        typing.get_by_role("button", name="Save").click()
        typing.get_by_role("button", name="Switch to Anna Keller and go on").click()

        assert typing.get_by_label("Name", exact=True).input_value() == "Anna K."
        assert Account.objects.get(pk=pair[0].pk).name == "Anna Keller"


class TestNews:
    def test_appear_by_themselves_in_the_list_and_at_the_bell(self, site: str, pair: Any, open_browser: Any) -> None:
        page = open_browser().new_page()
        log_in(page, f"{site}/log-in?next=/inbox", pair[0])
        page.get_by_text("Nothing yet").wait_for()
        with page.expect_response(lambda answer: "/messages/stream" in answer.url):
            page.reload()

        happens(appointed(pair[0]))

        page.get_by_text("You are now the agent of area ZZ:N").wait_for()
        assert page.locator("#header-inbox .count").inner_text().startswith("1")
        page.get_by_role("button", name="Mark all as read").click()
        page.get_by_role("button", name="Mark all as read").wait_for(state="detached")
        assert page.locator("#header-inbox .count").count() == 0


class TestPagesAboutOneself:
    """For every eye, keyboard and screen reader, on a phone and at a desk, by day and by night."""

    @pytest.mark.parametrize(
        "how",
        [{"viewport": PHONE}, {"viewport": {"width": 360, "height": 640}, "color_scheme": "dark"}, {"viewport": DESK}],
        ids=["phone", "narrow and dark", "desk"],
    )
    def test_can_be_used_by_everybody(self, how: Any, site: str, pair: Any, open_browser: Any, look_at: Any) -> None:
        page = open_browser(**how).new_page()
        log_in(page, f"{site}/log-in?next=/accounts", pair[0])
        made = f"/links/{pair[0].links_as_inviter.get().public_id}"
        happens(appointed(pair[0], how["viewport"]["width"]))
        paths = (
            *("/accounts", "/links", made, f"{made}/change", f"{made}/end", "/invite", "/join", "/inbox"),
            *("/settings", "/settings/security", "/settings/password", "/settings/sessions", "/settings/records"),
            "/settings/close",
        )
        for path in paths:
            page.goto(f"{site}{path}")
            look_at(page)
        page.goto(f"{site}/inbox")
        page.locator("#who summary").click()
        page.locator("#switcher").wait_for()
        look_at(page)
