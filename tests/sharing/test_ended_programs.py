"""Whoever shares under a program is told when it ends, once, however many they are and whatever becomes of workers."""

from collections import Counter
from collections.abc import Callable
from itertools import chain, repeat
from typing import Any

import pytest
from django.db import transaction

from accounts.actor import Actor
from accounts.models import Account
from catalog.models import Item
from core import clock
from core.jobs import run_next_job
from core.models import Job
from events.delivery import deliver_due
from notifications.models import Message
from sharing.models import Share
from sharing.services import end_program, end_programs_of, revoke_share
from tests.conftest import Statements
from tests.sharing.programs import give, share
from tests.shop import offer


@pytest.fixture
def item(seller: Account, settings: Any) -> Item:
    settings.SHARERS_TOLD_AT_ONCE = 2
    shared = offer(seller)
    give(shared, hosts=("blog.example",))
    return shared


def end(item: Item) -> None:
    end_program(item=item.public_id, actor=Actor.own(item.seller), now=clock.now())


def told() -> Counter[str]:
    """How often each was told, by user name, once the jobs are done by workers that all end after one step."""
    while run_next_job(stopping=chain([False], repeat(True)).__next__):
        pass
    with transaction.atomic():
        deliver_due("messages")
    return Counter(Message.objects.filter(kind="share.ended").values_list("account__username", flat=True))


def names(*accounts: Account) -> dict[str, int]:
    return {account.username: 1 for account in accounts}


class TestSharers:
    """Of a program that has ended."""

    def test_are_told_once_whatever_they_share(self, item: Item, new_account: Callable[..., Account]) -> None:
        sharers = [new_account() for _ in range(5)]
        first = [share(sharer, item) for sharer in sharers]
        share(sharers[0], item, activity_url="https://blog.example/")
        give(item, rate_bps=100)
        later = new_account()
        for sharer in (sharers[1], later):
            share(sharer, item)

        end(item)

        assert told() == names(*sharers, later)
        message = Message.objects.get(account=sharers[0])
        assert message.data == {"share": first[0].public_id, "item": item.public_id}
        assert set(Job.objects.values_list("kind", "status")) == {("sharing.tell_sharers", "done")}

    def test_are_not_told_of_what_led_nowhere_before(
        self, item: Item, seller: Account, new_account: Callable[..., Account]
    ) -> None:
        revoker, closed, again, sharer = (new_account() for _ in range(4))
        for one in (revoker, closed, again, sharer, seller):
            share(one, item)
        for revoked in Share.objects.filter(sharer__in=[revoker, again]):
            revoke_share(share=revoked.public_id, actor=Actor.own(revoked.sharer), now=clock.now())
        share(again, item)
        Account.objects.filter(pk=closed.pk).update(is_active=False)

        end(item)

        assert told() == names(again, sharer)

    def test_are_told_of_each_program_that_ends(self, item: Item, buyer: Account, new_account: Any) -> None:
        share(buyer, item)
        end(item)
        give(item)
        other = new_account()
        share(other, item)
        end(item)

        assert told() == names(buyer, other)

    def test_are_told_when_their_seller_closes(self, item: Item, seller: Account, buyer: Account) -> None:
        second = offer(seller)
        give(second)
        for shared in (item, second):
            share(buyer, shared)

        end_programs_of(seller=seller, now=clock.now())

        assert told() == {buyer.username: 2}


def test_ending_costs_the_same_however_many_share(
    item: Item, seller: Account, new_account: Callable[..., Account], statements: Callable[[], Statements]
) -> None:
    costs = []
    for sharers in (1, 6):
        for _ in range(sharers):
            share(new_account(), item)
        with statements() as seen:
            end(item)
        costs.append(len(seen))
        give(item)
    assert costs[0] == costs[1], str(seen)


def test_where_nobody_shares_there_is_nothing_to_do(item: Item, seller: Account) -> None:
    share(seller, item)
    end(item)
    assert not Job.objects.exists()
