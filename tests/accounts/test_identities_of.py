"""Whom somebody may be, and what was spent through links."""

from collections.abc import Callable
from typing import Any

from accounts.actor import Actor
from accounts.models import Account
from accounts.selectors import Identity, identities_of, spent_through
from accounts.services import deactivate_account, end_link, spend_through_link
from core import clock
from core.money import Money
from tests.accounts.test_linking import link


class TestWhomOneMayBe:
    def test_itself_first_then_the_linked_ones_by_what_was_agreed(
        self, buyer: Account, seller: Account, new_account: Callable[..., Account], statements: Any
    ) -> None:
        one_way = link(seller, buyer, switch="inviter_as_invitee")
        both_ways = link(buyer, company := new_account(kind="enterprise"))
        ended = link(buyer, new_account())
        end_link(link=ended.public_id, actor=Actor.own(buyer), now=clock.now())
        link(buyer, shut_out := new_account())
        deactivate_account(account=shut_out)

        with statements() as seen:
            found = identities_of(buyer)

        assert len(seen) == 1
        assert found == [Identity(buyer), Identity(company, both_ways), Identity(seller, one_way, is_open_to=False)]
        assert [identity.is_open_to for identity in identities_of(seller)] == [True, True]


class TestSpending:
    def test_is_told_by_link_and_by_whose_wallet(self, buyer: Account, seller: Account) -> None:
        made = link(buyer, seller, spending_cap="unlimited")
        for owner, login, minor in ((seller, buyer, 100), (seller, buyer, 50), (buyer, seller, 7)):
            spend_through_link(owner=owner, amount=Money(minor, "GBP"), actor=Actor.own(login))

        assert spent_through([made]) == {
            (made.pk, seller.pk): [Money(150, "GBP")],
            (made.pk, buyer.pk): [Money(7, "GBP")],
        }
