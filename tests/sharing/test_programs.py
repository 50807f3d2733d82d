"""Sellers give items programs, version by version; nothing that was promised is rewritten."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from accounts.actor import Actor
from accounts.models import Account
from catalog.models import Item
from catalog.services import change_item
from core import clock
from core.errors import NotFound
from core.money import Money
from sharing.models import ShareBudget, ShareProgram
from sharing.services import end_program, programs
from sharing.shares import state_of
from tests.sharing.programs import BODY, give, share
from tests.shop import offer

PENNY_EACH = {"amount": {"amount": 1, "currency": "GBP"}, "window_days": 1, "model": "first_touch"}
IN_FULL = {
    **PENNY_EACH,
    "lock_days": 90,
    "budget": {"amount": 5000, "currency": "GBP"},
    "hosts": ["Blog.Example", "münchen.example", "blog.example"],
}


@pytest.fixture
def item(seller: Account) -> Item:
    return offer(seller)


def versions(item: Item) -> list[ShareProgram]:
    return list(ShareProgram.objects.filter(item=item).order_by("version"))


def end(item: Item) -> None:
    end_program(item=item.public_id, actor=Actor.own(item.seller), now=clock.now())


class TestOverHTTP:
    """The seller's own items only; everybody who reads an item reads its program."""

    def test_a_program_is_given_and_read(self, api: Any, item: Item, seller: Account) -> None:
        path = f"/items/{item.public_id}/share-program"
        given = api(seller).put(path, IN_FULL)

        assert given.status_code == 200, given.content
        assert given.json() == {
            "id": ShareProgram.objects.get().public_id,
            "item": item.public_id,
            "version": 1,
            "rate_bps": None,
            **IN_FULL,
            "hosts": ["blog.example", "xn--mnchen-3ya.example"],
            "budget_left": True,
            "spent": {"amount": 0, "currency": "GBP"},
            "since": given.json()["since"],
        }
        assert api(seller).get(path).json() == given.json()
        assert api().get(path).json() == {**given.json(), "spent": None}

    def test_a_rate_without_anything_else(self, api: Any, item: Item, seller: Account) -> None:
        given = api(seller).put(f"/items/{item.public_id}/share-program", {**BODY, "lock_days": 0}).json()
        said = {name: given[name] for name in ("rate_bps", "amount", "lock_days", "budget", "budget_left", "hosts")}
        assert said == {
            "rate_bps": 500,
            "amount": None,
            "lock_days": None,
            "budget": None,
            "budget_left": True,
            "hosts": [],
        }

    def test_it_says_when_the_budget_is_used_up(self, api: Any, item: Item) -> None:
        give(item, budget=Money(100, "GBP"))
        path = f"/items/{item.public_id}/share-program"
        for spent, is_left in ((99, True), (100, False)):
            ShareBudget.objects.update(spent_minor=spent)
            assert api().get(path).json()["budget_left"] is is_left

    @pytest.mark.parametrize(
        ("change", "field", "code"),
        [
            ({"rate_bps": None}, None, "rate_or_amount"),
            ({"amount": {"amount": 1, "currency": "GBP"}}, None, "rate_or_amount"),
            ({"rate_bps": 0}, "rate_bps", "min_value"),
            ({"rate_bps": 10_001}, "rate_bps", "max_value"),
            ({"rate_bps": "500"}, "rate_bps", "invalid"),
            ({"rate_bps": None, "amount": {"amount": 0, "currency": "GBP"}}, "amount.amount", "amount_invalid"),
            ({"budget": {"amount": 1, "currency": "gbp"}}, "budget.currency", "currency_invalid"),
            ({"budget": {"amount": 1, "currency": "EUR"}}, None, "other_currency"),
            ({"window_days": 0}, "window_days", "min_value"),
            ({"window_days": 367}, "window_days", "max_value"),
            ({"model": "every_touch"}, "model", "invalid_choice"),
            ({"hosts": ["a.example", "localhost"]}, "hosts.1", "host_invalid"),
            ({"hosts": ["a.example"] * 21}, "hosts", "max_length"),
            ({"window": 3}, "window", "unknown_field"),
        ],
    )
    def test_what_cannot_be_meant_is_refused(
        self, api: Any, item: Item, seller: Account, change: Any, field: str | None, code: str
    ) -> None:
        refused = api(seller).put(f"/items/{item.public_id}/share-program", {**BODY, **change})

        assert (refused.status_code, refused.json()["code"]) == (422, code)
        assert [error["field"] for error in refused.json().get("errors", [])] == ([field] if field else [])
        assert not ShareProgram.objects.exists()

    def test_a_removed_item_gets_none(self, api: Any, item: Item, seller: Account) -> None:
        change_item(item=item.public_id, changes={"status": "removed"}, actor=Actor.own(seller), now=clock.now())
        refused = api(seller).put(f"/items/{item.public_id}/share-program", BODY)
        assert (refused.status_code, refused.json()["code"]) == (409, "item_not_on_sale")

    def test_it_ends_and_is_not_there(self, api: Any, item: Item, seller: Account) -> None:
        path = f"/items/{item.public_id}/share-program"
        assert api(seller).delete(path).status_code == 404
        give(item)
        assert api(seller).delete(path).status_code == 204
        assert api(seller).get(path).status_code == api(seller).delete(path).status_code == 404


class TestVersions:
    """Other terms are the next version; what a share was made under stays."""

    def test_the_same_terms_change_nothing(self, item: Item) -> None:
        first = give(item, hosts=("a.example", "b.example"), budget=Money(100, "GBP"))
        assert give(item, hosts=("a.example", "b.example"), budget=Money(100, "GBP")) == first
        assert len(versions(item)) == 1

    def test_other_terms_follow_at_the_same_instant(self, item: Item) -> None:
        give(item)
        give(item, rate_bps=600)
        give(item, rate_bps=600, window_days=31)

        first, second, third = versions(item)
        assert [version.version for version in (first, second, third)] == [1, 2, 3]
        assert (first.until_at, second.until_at, third.until_at) == (second.from_at, third.from_at, None)
        assert [version.ended_at for version in (first, second, third)] == [None] * 3

    def test_a_price_in_another_currency_needs_another_version(self, item: Item, seller: Account) -> None:
        give(item)
        price = {"price": Money(900, "EUR")}
        change_item(item=item.public_id, changes=price, actor=Actor.own(seller), now=clock.now())
        item.refresh_from_db()
        give(item)
        assert [version.currency for version in versions(item)] == ["GBP", "EUR"]

    def test_a_budget_is_the_items_whatever_the_version(self, item: Item) -> None:
        give(item)
        assert not ShareBudget.objects.exists()
        give(item, budget=Money(100, "GBP"))
        ShareBudget.objects.update(spent_minor=70)
        for limit in (200, 50, None, 80):
            give(item, budget=Money(limit, "GBP") if limit else None)
            budget = ShareBudget.objects.get()
            assert (budget.limit_minor, budget.spent_minor) == (limit, 70)

    def test_ending_ends_all_versions_for_good(self, item: Item, buyer: Account) -> None:
        give(item)
        old = share(buyer, item)
        give(item, rate_bps=600)
        new = share(buyer, item)
        assert [state_of(one) for one in (old, new)] == ["live", "live"]

        end(item)
        again = give(item)

        assert again.version == 3
        for one, state in ((old, "ended"), (new, "ended"), (share(buyer, item), "live")):
            one.program.refresh_from_db()
            assert state_of(one) == state

    def test_the_database_lets_nobody_rewrite_one(self, item: Item) -> None:
        give(item)
        give(item, rate_bps=600)
        first, second = ShareProgram.objects.filter(version=1), ShareProgram.objects.filter(version=2)
        for change in (
            lambda: second.update(rate_bps=100),
            lambda: second.update(budget_minor=1),
            lambda: first.update(until_at=clock.now() + timedelta(days=1)),
            lambda: first.update(until_at=None),
            second.delete,
        ):
            with pytest.raises(IntegrityError, match="written once"), transaction.atomic():
                change()
        with pytest.raises(IntegrityError, match="share_program_ends_with_its_versions"), transaction.atomic():
            second.update(ended_at=clock.now())

    def test_somebody_elses_item_is_not_there(self, item: Item, new_account: Any) -> None:
        give(item)
        other = Actor.own(new_account(side="seller"))
        with pytest.raises(NotFound):
            end_program(item=item.public_id, actor=other, now=clock.now())
        assert versions(item)[0].ended_at is None


class TestAtTheSameMoment:
    """However many change a program at once, one is in force, and each follows another."""

    RATES = (100, 200, 300, 400)

    def test_each_makes_a_version_and_one_is_in_force(self, committed_db: None, seller: Account, race: Any) -> None:
        item = offer(seller)
        give(item)
        early = clock.now()  # Whoever came first may be the last to get the lock.

        outcomes = race(*[lambda rate=rate: give(item, rate_bps=rate, now=early) for rate in self.RATES])

        assert [type(outcome) for outcome in outcomes] == [ShareProgram] * 4, outcomes
        made = versions(item)
        assert [one.version for one in made] == [1, 2, 3, 4, 5]
        assert [one.until_at for one in made] == [*(one.from_at for one in made[1:]), None]

    def test_the_same_terms_make_one(self, committed_db: None, seller: Account, race: Any) -> None:
        item = offer(seller)
        outcomes = race(*[lambda: give(item)] * 4)
        assert outcomes == versions(item) * 4
        assert len(versions(item)) == 1

    def test_control_without_the_lock_only_the_database_refuses_the_second(
        self, committed_db: None, seller: Account, race: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        item = offer(seller)
        looked = threading.Barrier(2)
        begin = programs._begin

        def begin_when_both_have_looked(*given: Any) -> ShareProgram:
            looked.wait(timeout=10)
            return begin(*given)

        monkeypatch.setattr(programs, "_lock_item", lambda public_id, seller: Item.objects.get(public_id=public_id))
        monkeypatch.setattr(programs, "_begin", begin_when_both_have_looked)

        outcomes = race(lambda: give(item, rate_bps=100), lambda: give(item, rate_bps=200))

        assert sorted(type(outcome).__name__ for outcome in outcomes) == ["IntegrityError", "ShareProgram"]
