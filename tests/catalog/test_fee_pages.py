"""Fee schedules on the operators' pages: one writes, another puts in force."""

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission

from catalog.models import FeeSchedule
from tests.shop import offer, place

FEES = "/admin/catalog/feeschedule"


def form(*rules: dict[str, str], name: str = "autumn") -> dict[str, str]:
    """The form as a browser sends it."""
    lines = {f"rules-{place}-{field}": value for place, rule in enumerate(rules) for field, value in rule.items()}
    return {"name": name, "rules-TOTAL_FORMS": str(len(rules)), "rules-INITIAL_FORMS": "0", **lines}


EVERY_SALE = {"rate": "2.5"}
AT_THE_COUNTER = {"channel": "store", "rate": "0", "fixed": "0.20", "currency": "gbp"}


class TestFeeSchedules:
    def test_one_drafts_and_another_puts_it_in_force(self, operator, new_account, browser, buyer, seller):
        second = new_account(operator=True)
        mine, theirs = browser(operator), browser(second)

        mine.post(f"{FEES}/write/", form(EVERY_SALE, AT_THE_COUNTER, {}))
        drafted = FeeSchedule.objects.get(name="autumn")
        assert (drafted.status, drafted.created_by) == ("draft", operator)
        assert drafted.rules == [
            {"match": {}, "rate_bps": 250},
            {"match": {"channel": "store"}, "rate_bps": 0, "fixed": {"amount": 20, "currency": "GBP"}},
        ]

        refused = mine.post(f"{FEES}/{drafted.pk}/activate/")
        drafted.refresh_from_db()
        assert (refused.status_code, drafted.status) == (200, "draft")

        theirs.post(f"{FEES}/{drafted.pk}/activate/")
        drafted.refresh_from_db()
        assert (drafted.status, drafted.activated_by) == ("active", second)
        assert place(buyer, offer(seller)).orders[0].fee_minor == 25
        said = LogEntry.objects.order_by("pk").values_list("change_message", flat=True)
        assert list(said) == ["Drafted.", "Put in force."]

    def test_the_page_says_who_has_to_do_it(self, operator, browser):
        pages = browser(operator)
        pages.post(f"{FEES}/write/", form(EVERY_SALE))
        drafted = FeeSchedule.objects.get(name="autumn")
        shown = pages.get(f"{FEES}/{drafted.pk}/activate/").content.decode()
        assert "another operator has to put it in force" in shown
        assert "2.5 %" in shown

    @pytest.mark.parametrize(
        "rule",
        [
            {"rate": "100.01"},
            {"rate": "-1"},
            {"rate": "1.234"},
            {"rate": "x"},
            {"category": "tea"},
            {"rate": "1", "fixed": "0.20"},
            {"rate": "1", "fixed": "0.2000", "currency": "GBP"},
            {"rate": "1", "fixed": "1", "currency": "XXX"},
            {"rate": "1", "channel": "telepathy"},
            {"rate": "1", "seller": "acc_nobody"},
            {},
        ],
    )
    def test_what_is_no_rule_is_said_and_not_kept(self, operator, browser, rule):
        answer = browser(operator).post(f"{FEES}/write/", form(rule))
        assert answer.status_code == 200
        assert not FeeSchedule.objects.filter(name="autumn").exists()

    def test_what_is_not_sound_is_not_put_in_force(self, operator, new_account, browser):
        browser(operator).post(f"{FEES}/write/", form(AT_THE_COUNTER))
        drafted = FeeSchedule.objects.get(name="autumn")
        pages = browser(new_account(operator=True))

        assert "uncovered" in pages.get(f"{FEES}/{drafted.pk}/activate/").content.decode()
        pages.post(f"{FEES}/{drafted.pk}/activate/")

        drafted.refresh_from_db()
        assert drafted.status == "draft"

    def test_the_next_is_written_from_any(self, operator, browser):
        pages = browser(operator)
        pages.post(f"{FEES}/write/", form(EVERY_SALE, AT_THE_COUNTER))
        drafted = FeeSchedule.objects.get(name="autumn")

        shown: Any = pages.get(f"{FEES}/write/", {"from": drafted.public_id}).context["rules"]

        assert [line.initial for line in shown][:2] == [
            {"rate": 2.5},
            {"channel": "store", "rate": 0, "fixed": "0.20", "currency": "GBP"},
        ]

    def test_superseded_ones_say_so(self, operator, new_account, browser):
        pages = browser(operator)
        assert "superseded" not in pages.get(f"{FEES}/").content.decode()
        pages.post(f"{FEES}/write/", form(EVERY_SALE))
        drafted = FeeSchedule.objects.get(name="autumn")
        browser(new_account(operator=True)).post(f"{FEES}/{drafted.pk}/activate/")
        assert "superseded" in pages.get(f"{FEES}/").content.decode()

    @pytest.mark.parametrize("page", ["write/", "1/activate/"])
    def test_who_may_only_look_does_neither(self, new_account, browser, page):
        clerk = new_account(operator=True, is_superuser=False)
        clerk.user_permissions.add(Permission.objects.get(codename="view_feeschedule"))
        assert browser(clerk).post(f"{FEES}/{page}", form(EVERY_SALE)).status_code == 403
