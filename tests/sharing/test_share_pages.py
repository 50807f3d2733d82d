"""Operators find programs and shares, also by what a poster says, and take shares down."""

from typing import Any

import pytest
from django.test import Client

from accounts.models import Account
from catalog.models import Item
from core.money import Money
from sharing.codes import share_code
from sharing.models import Share, ShareBudget, ShareProgram
from sharing.shares import share_url
from tests.sharing.programs import give, share
from tests.shop import offer

PROGRAMS, SHARES = "/admin/sharing/shareprogram", "/admin/sharing/share"


@pytest.fixture
def item(seller: Account) -> Item:
    shared = offer(seller, title="Green tea")
    give(shared, amount=Money(150, "GBP"), lock_days=90, budget=Money(9900, "GBP"), hosts=("blog.example",))
    return shared


@pytest.fixture
def desk(browser: Any, operator: Account) -> Client:
    return browser(operator)


def text(answer: Any) -> str:
    assert answer.status_code == 200, answer
    return answer.content.decode().replace("\N{NO-BREAK SPACE}", " ")


def listed(desk: Client, path: str, query: str) -> list[Any]:
    answer = desk.get(f"{path}/", {"q": query})
    text(answer)
    return list(answer.context["cl"].result_list)


class TestPrograms:
    def test_a_version_says_its_terms_and_what_they_have_cost(self, desk: Client, item: Item) -> None:
        ShareBudget.objects.update(spent_minor=1250)
        page = text(desk.get(f"{PROGRAMS}/{ShareProgram.objects.get().pk}/change/"))
        for said in ("Green tea", "1.50 GBP per unit", "last touch of 30 days, locked for 90 days", "99.00 GBP"):
            assert said in page
        assert "12.50 GBP" in page
        assert "blog.example" in page

    def test_versions_are_found_by_their_item_and_state(self, desk: Client, item: Item) -> None:
        newer = give(item, rate_bps=250)
        assert listed(desk, PROGRAMS, item.public_id) == [newer, ShareProgram.objects.get(version=1)]
        assert listed(desk, PROGRAMS, newer.public_id) == [newer]
        for state, count in (("in_force", 1), ("ended", 0)):
            answer = desk.get(f"{PROGRAMS}/", {"state": state})
            assert len(answer.context["cl"].result_list) == count
        assert "2.5 % of the line" in text(desk.get(f"{PROGRAMS}/"))


class TestShares:
    def test_one_is_found_by_whatever_somebody_has_of_it(
        self, desk: Client, item: Item, buyer: Account, new_account: Any
    ) -> None:
        one, other = share(buyer, item), share(new_account(), item)
        code = share_code(one.pk)
        for known in (one.public_id, buyer.public_id, code, code.lower(), share_url(one.pk)):
            assert listed(desk, SHARES, known) == [one]
        for known in (item.public_id, one.program.public_id):
            assert listed(desk, SHARES, known) == [other, one]
        for nobodys in (code[:-1], "acc_" + "0" * 26, "shr_", "no such thing"):
            assert listed(desk, SHARES, nobodys) == []

    def test_it_is_taken_down_with_a_reason(self, desk: Client, item: Item, buyer: Account, operator: Account) -> None:
        one = share(buyer, item)
        page, form = f"{SHARES}/{one.pk}", {"_form_submitted": "on"}
        assert share_url(one.pk) in text(desk.get(f"{page}/change/"))
        assert desk.post(f"{page}/take-down/", form).status_code == 200
        assert Share.objects.get().revoked_at is None
        answer = desk.post(f"{page}/take-down/", {**form, "reason": "It hangs in a school."})

        taken = Share.objects.get()
        assert (taken.revoked_by, taken.revoke_reason) == (operator, "It hangs in a school.")
        assert answer.headers["HX-Redirect"] == f"{page}/change/"
        shown = text(desk.get(f"{page}/change/"))
        assert "The share is taken down." in shown
        assert "It hangs in a school." in shown
        desk.post(f"{page}/take-down/", {**form, "reason": "Once more."})
        assert "This share has been revoked." in text(desk.get(f"{page}/change/"))

    def test_who_may_only_look_takes_nothing_down(self, item: Item, buyer: Account, browser: Any) -> None:
        one = share(buyer, item)
        outsider = browser(buyer)
        refused = outsider.post(f"{SHARES}/{one.pk}/take-down/", {"_form_submitted": "on", "reason": "x"})
        assert refused.status_code in (302, 403)
        assert Share.objects.get().revoked_at is None

    def test_a_list_of_many_takes_the_statements_of_a_list_of_one(
        self, desk: Client, item: Item, buyer: Account, new_account: Any, statements: Any
    ) -> None:
        counts = []
        for sharers in ([buyer], [new_account() for _ in range(10)]):
            for sharer in sharers:
                share(sharer, item)
            with statements() as seen:
                desk.get(f"{SHARES}/")
            counts.append(len(seen))
        assert counts[0] == counts[1]
