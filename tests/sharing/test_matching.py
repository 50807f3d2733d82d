"""
Who brought the customer: decided once when it is ordered, by the terms of each share, and explained.

What other systems get wrong is here under its name: strangers credited behind one address, clicks dropped for good,
renewals judged again by new rules.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from accounts.actor import Actor
from accounts.models import Account
from core import clock
from orders.models import Order
from sharing.matching import Candidate, Reason, SaleLine, match_line
from sharing.models import Share, Touch
from sharing.services import end_program, revoke_share
from tests.accounts.test_linking import link
from tests.proofs.world import book
from tests.sharing.money import claim, line_of, order, pay, touches, won
from tests.sharing.programs import give, share
from tests.sharing.scans import token_of
from tests.shop import offer

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
BUYER, SELLER = 1, 2
LINE = SaleLine(item_id=7, seller_id=SELLER, quantity=2, amount_minor=2000, fee_minor=100, currency="GBP")


def touch(scan: int, *, sharer: int = 10, minutes: int = 5, **changes: Any) -> Candidate:
    """A scan of somebody else's share, so many minutes before noon."""
    plain = Candidate(
        item_id=7,
        scan=scan,
        scan_class="human",
        scanned_at=NOON - timedelta(minutes=minutes),
        is_lock=False,
        share_id=sharer,
        share=f"shr_{sharer}",
        sharer_id=sharer,
        sharer=f"acc_{sharer}",
        is_closed=False,
        is_linked=False,
        program_id="spr_1",
        version=1,
        rate_bps=500,
        amount_minor=None,
        currency="GBP",
        window_days=30,
        model="last_touch",
    )
    return replace(plain, **changes)


def decided(*candidates: Candidate) -> dict[int, str]:
    """Why each won or did not, by scan; in any order of the candidates the same."""
    found = [match_line(LINE, turned, buyers=frozenset({BUYER}), now=NOON) for turned in (candidates, candidates[::-1])]
    assert found[0] == found[1]
    return {judged.candidate.scan: judged.reason.value for judged in found[0].touches}


class TestTheRules:
    """Each candidate by its own terms, the winner by the item's."""

    def test_the_last_touch_wins(self) -> None:
        assert decided(touch(1, minutes=9), touch(2, sharer=11)) == {2: "last_touch", 1: "later_touch_won"}

    def test_the_first_touch_wins_where_the_item_says_so(self) -> None:
        first, last = touch(1, minutes=9, model="first_touch"), touch(2, sharer=11, model="first_touch")
        assert decided(first, last) == {1: "first_touch", 2: "earlier_touch_won"}

    def test_of_two_at_the_same_moment_the_later_record_is_the_later(self) -> None:
        assert decided(touch(1), touch(2, sharer=11)) == {2: "last_touch", 1: "later_touch_won"}

    @pytest.mark.parametrize(
        ("changes", "reason"),
        [
            ({"scan_class": "bot"}, "bot"),
            ({"scan_class": "preview"}, "preview"),
            ({"scan_class": "self"}, "self"),
            ({"sharer": BUYER}, "self"),
            ({"sharer": SELLER}, "sharer_is_seller"),
            ({"is_linked": True}, "linked"),
            ({"is_closed": True}, "sharer_closed"),
            ({"currency": "EUR"}, "other_currency"),
            ({"window_days": 1, "minutes": 24 * 60 + 1}, "outside_window"),
        ],
    )
    def test_what_cannot_win_says_why_and_lets_an_earlier_one_win(self, changes: dict, reason: str) -> None:
        refused = touch(2, **{"minutes": 1, **changes})
        assert decided(refused) == {2: reason}
        assert decided(touch(1, sharer=11, minutes=2), refused) == {1: "last_touch", 2: reason}

    def test_a_window_ends_after_its_last_moment(self) -> None:
        assert decided(touch(1, window_days=1, minutes=24 * 60)) == {1: "last_touch"}

    def test_a_lock_wins_under_its_old_terms_without_a_new_scan(self) -> None:
        lock = touch(1, minutes=90 * 24 * 60, is_lock=True, rate_bps=900, version=1)
        matched = match_line(LINE, [touch(2, sharer=11), lock], buyers=frozenset({BUYER}), now=NOON)
        assert [judged.reason for judged in matched.touches] == [Reason.LOCKED, Reason.LOCKED_TO_ANOTHER]
        assert matched.terms is not None
        assert (matched.terms["rate_bps"], matched.terms["charge"]) == (900, 180)

    def test_a_new_scan_of_the_same_sharer_changes_nothing_about_its_lock(self) -> None:
        assert decided(touch(1, minutes=9, is_lock=True), touch(2)) == {1: "locked", 2: "earlier_touch_won"}

    def test_a_lock_to_somebody_who_may_not_earn_is_none(self) -> None:
        assert decided(touch(1, minutes=9, is_lock=True, is_linked=True), touch(2, sharer=11)) == {
            1: "linked",
            2: "last_touch",
        }

    @pytest.mark.parametrize(
        ("terms", "charge"),
        [({"rate_bps": 500}, 100), ({"rate_bps": 10_000}, 1900), ({"rate_bps": None, "amount_minor": 30}, 60)],
    )
    def test_the_charge_is_the_terms_and_never_more_than_the_seller_gets(self, terms: dict, charge: int) -> None:
        assert touch(1, **terms).promise(LINE) == charge


@pytest.fixture
def shared(db: None, seller: Account, new_account: Any) -> Share:
    item = offer(seller)
    give(item)
    return share(new_account(), item)


def placed(buyer: Account, *items: Any, scans: Sequence[str] = (), now: datetime | None = None) -> Order:
    return order(buyer, *items, scans=scans, now=now).orders[0]


class TestAnOrder:
    """It finds what its buyer has claimed."""

    def test_keeps_the_terms_in_its_line(self, shared: Share, buyer: Account) -> None:
        claim(shared, buyer)
        assert line_of(placed(buyer, shared.item)).share_terms == {
            "share": shared.public_id,
            "sharer": shared.sharer.public_id,
            "program": shared.program.public_id,
            "version": 1,
            "rate_bps": 500,
            "charge": 50,
        }

    def test_binds_the_tokens_that_come_with_it(self, shared: Share, buyer: Account) -> None:
        assert touches(placed(buyer, shared.item, scans=[token_of(shared)])) == [("last_touch", True)]
        assert touches(placed(buyer, shared.item)) == [("last_touch", True)]

    def test_of_a_stranger_behind_the_same_address_finds_nothing(
        self, shared: Share, buyer: Account, new_account: Any
    ) -> None:
        """Two phones in one cafe are two people, whatever their addresses and names."""
        claim(shared, new_account())
        sale = placed(buyer, shared.item)
        assert touches(sale) == []
        assert line_of(sale).share_terms is None

    def test_is_never_refused_for_what_came_with_it(self, shared: Share, buyer: Account, new_account: Any) -> None:
        now = clock.now()
        taken, old = token_of(shared), token_of(shared, now=now - timedelta(days=31))
        claim_of_another = claim(shared, new_account())
        placed(new_account(), shared.item, scans=[taken])
        other = share(shared.sharer, _other_item(shared))
        sale = placed(buyer, shared.item, scans=["nonsense", old, taken, token_of(other), "ü" * 10_000])
        assert sorted(touches(sale)) == [
            ("other_item", False),
            ("token_expired", False),
            ("token_forged", False),
            ("token_forged", False),
            ("token_of_another_account", False),
        ]
        assert claim_of_another.account_id != buyer.pk

    def test_of_several_items_and_sellers_is_matched_line_by_line(
        self, shared: Share, buyer: Account, new_account: Any
    ) -> None:
        other_seller = new_account(side="seller")
        cake = offer(other_seller)
        give(cake)
        of_cake = share(new_account(), cake)
        claim(shared, buyer)
        claim(of_cake, buyer)
        first, second = order(buyer, shared.item, cake, shared.item).orders
        assert [line.share_terms["share"] for line in first.lines.order_by("id")] == [shared.public_id] * 2
        assert line_of(second).share_terms["share"] == of_cake.public_id

    def test_of_somebody_linked_with_the_sharer_earns_it_nothing(self, shared: Share, buyer: Account) -> None:
        claim(shared, buyer)
        link(shared.sharer, buyer)
        assert touches(placed(buyer, shared.item)) == [("linked", False)]

    def test_through_a_link_finds_the_scans_of_who_logged_in(
        self, shared: Share, buyer: Account, api: Any, new_account: Any
    ) -> None:
        """Found as a person, ordered as the company."""
        company = new_account(kind="enterprise")
        link(buyer, company, switch="both")
        claim(shared, buyer)
        body = {"lines": [{"item": shared.item.public_id, "quantity": 1}]}
        answer = api(buyer).post("/orders", body, key="k", acting_account=company.public_id)
        assert answer.status_code == 201
        assert Touch.objects.get().won

    def test_honours_scans_of_programs_that_changed_or_ended(
        self, shared: Share, buyer: Account, seller: Account
    ) -> None:
        claim(shared, buyer)
        give(shared.item, rate_bps=100)
        assert line_of(placed(buyer, shared.item)).share_terms["charge"] == 50
        end_program(item=shared.item.public_id, actor=Actor.own(seller), now=clock.now())
        revoke_share(share=shared.public_id, actor=Actor.own(shared.sharer), now=clock.now())
        assert line_of(placed(buyer, shared.item)).share_terms["charge"] == 50

    def test_that_renews_another_keeps_its_sharer_and_the_old_rules(
        self, seller: Account, buyer: Account, new_account: Any
    ) -> None:
        item = offer(seller)
        give(item, rate_bps=900, lock_days=90, window_days=1)
        old = share(new_account(), item)
        claim(old, buyer)
        pay(placed(buyer, item))
        book()
        give(item, rate_bps=100, window_days=1)
        later = clock.now() + timedelta(days=60)
        newer = share(new_account(), item)
        claim(newer, buyer, now=later)
        sale = placed(buyer, item, now=later)
        assert touches(sale) == [("locked", True), ("locked_to_another", False)]
        assert (won(sale).share_id, won(sale).promised_minor) == (old.pk, 90)
        after = clock.now() + timedelta(days=91)
        claim(newer, buyer, now=after)
        assert won(placed(buyer, item, now=after)).share_id == newer.pk

    def test_that_was_never_paid_locks_nobody(self, seller: Account, buyer: Account, new_account: Any) -> None:
        item = offer(seller)
        give(item, lock_days=90)
        claim(share(new_account(), item), buyer)
        placed(buyer, item)
        newer = share(new_account(), item)
        claim(newer, buyer)
        assert won(placed(buyer, item)).share_id == newer.pk

    def test_takes_two_statements_more_than_without_any_scan(
        self, shared: Share, buyer: Account, statements: Any
    ) -> None:
        for _ in range(30):
            claim(shared, buyer)
        with statements() as seen:
            placed(buyer, shared.item)
        sent = [query["sql"] for query in seen.captured_queries]
        own = [sql for sql in sent if "sharing_" in sql or sql.startswith("EXECUTE find_candidates ")]
        assert len(own) == 2, str(seen)


class TestWhoSeesIt:
    """The seller and operators all of it, a sharer the lines that it brought, the buyer nothing."""

    def test_by_whom(
        self, shared: Share, buyer: Account, seller: Account, operator: Account, api: Any, new_account: Any
    ) -> None:
        rival = share(new_account(), shared.item)
        claim(rival, buyer)
        claim(shared, buyer)
        sale = placed(buyer, shared.item)
        path = f"/orders/{sale.public_id}/attribution"
        shown = api(seller).get(path).json()
        assert [(touch["reason"], touch["won"]) for touch in shown["touches"]] == [
            ("last_touch", True),
            ("later_touch_won", False),
        ]
        winner = {"id": shared.sharer.public_id, "name": shared.sharer.name}
        assert (shown["winner"], shown["winner"]["sharer"]) == (shown["touches"][0], winner)
        assert api(operator).get(path).json() == shown
        own = api(shared.sharer).get(path).json()
        assert [touch["sharer"] for touch in own["touches"]] == [winner, None]
        assert [api(who).get(path).status_code for who in (buyer, rival.sharer, new_account())] == [404] * 3

    def test_the_line_shows_its_terms_to_the_seller_only(
        self, shared: Share, buyer: Account, seller: Account, api: Any
    ) -> None:
        claim(shared, buyer)
        sale = placed(buyer, shared.item)
        path = f"/orders/{sale.public_id}"
        terms = api(seller).get(path).json()["lines"][0]["share_terms"]
        assert (terms["sharer"]["name"], terms["charge"]) == (shared.sharer.name, 50)
        assert "share_terms" not in api(buyer).get(path).json()["lines"][0]

    def test_an_order_that_nobody_brought_has_no_winner(self, buyer: Account, seller: Account, api: Any) -> None:
        sale = placed(buyer, offer(seller))
        shown = api(seller).get(f"/orders/{sale.public_id}/attribution").json()
        assert shown == {"winner": None, "touches": [], "charges": []}

    def test_the_proof_names_the_sharer_to_the_seller_and_not_to_the_buyer(
        self, shared: Share, buyer: Account, seller: Account, operator: Account, api: Any
    ) -> None:
        claim(shared, buyer)
        sale = pay(placed(buyer, shared.item))
        book()
        seen = {}
        for who in (buyer, seller, operator):
            shares = api(who).get(f"/orders/{sale.public_id}/money").json()["shares"]
            (charge,) = [row for row in shares if row["party"] == "share_charge"]
            assert (charge["role"], charge["amount"], charge["status"]) == ("sharer", 50, "pending")
            seen[who.pk] = charge["account"] and charge["account"]["id"]
        sharer = shared.sharer.public_id
        assert seen == {buyer.pk: None, seller.pk: sharer, operator.pk: sharer}


def _other_item(shared: Share) -> Any:
    item = offer(shared.item.seller)
    give(item)
    return item
