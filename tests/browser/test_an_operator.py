"""Two operators put other rules in force in a browser, and the next payment is booked by them."""

import json
from copy import deepcopy
from typing import Any

import pytest

from accounts.models import Account
from billing.models import RuleSet
from core import clock
from tests.browser.conftest import DESK
from tests.conftest import PASSWORD
from tests.money_facts import balance, book, top_up

RULES = "/admin/billing/ruleset/"
ELSEWHERE = "clearing:elsewhere"


def logged_in(page: Any, site: str, operator: Account) -> Any:
    page.goto(f"{site}/admin/")
    page.locator("input[name=username]").fill(operator.username)
    page.locator("input[name=password]").fill(PASSWORD)
    page.locator("form button[type=submit]").first.click()
    page.wait_for_url(f"{site}/admin/")
    return page


@pytest.fixture
def other_rules() -> tuple[dict[str, Any], dict[str, Any]]:
    """A faulty document, and the one that was meant: top-ups come from another account."""
    meant = deepcopy(RuleSet.objects.get().document)
    for rule in meant["types"]["wallet.topped_up"]:
        rule["transfers"][0]["debit"] = ELSEWHERE
    faulty = deepcopy(meant)
    faulty["types"]["debt.repaid"][0]["transfers"][0]["amount"] = "nothing"
    return faulty, meant


class TestPuttingRulesInForce:
    def test_one_writes_another_activates_and_the_book_follows(
        self, site: str, open_browser: Any, new_account: Any, other_rules: Any
    ) -> None:
        faulty, meant = other_rules
        first, second = new_account(operator=True), new_account(operator=True)
        writing = logged_in(open_browser(viewport=DESK).new_page(), site, first)
        writing.goto(f"{site}{RULES}write/")
        writing.locator("textarea").fill(json.dumps(faulty))
        writing.get_by_role("button", name="Check").click()
        assert "unknown_amount" in writing.locator("#problems").inner_text()

        writing.locator("textarea").fill(json.dumps(meant))
        writing.get_by_role("button", name="Keep as a draft").click()
        writing.get_by_text("It is sound.").wait_for()
        draft = RuleSet.objects.get(status="draft")
        writing.goto(f"{site}{RULES}{draft.pk}/activate/")
        assert "You wrote this version: another operator has to put it in force." in writing.inner_text("body")

        activating = logged_in(open_browser(viewport=DESK).new_page(), site, second)
        activating.goto(f"{site}{RULES}{draft.pk}/activate/")
        assert f"{ELSEWHERE} → wallet:{{owner}}: amount" in activating.inner_text("body")
        activating.get_by_role("button", name="Put in force").click()
        activating.get_by_text("is in force from").wait_for()

        payer = new_account(side="buyer")
        top_up(payer.public_id, 700, at=clock.now())
        book()
        assert balance(f"wallet:{payer.public_id}") == 700
        assert balance(ELSEWHERE) == -700
        assert RuleSet.objects.get(status="active").activated_by == second
        assert clock.now() >= RuleSet.objects.get(status="active").effective_from
