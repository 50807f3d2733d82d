"""A batch takes the same number of statements whether it has one event, ten or a thousand."""

from collections.abc import Callable
from itertools import count
from typing import Any

import pytest
from django.db import transaction

from billing import booking
from billing.versions import compiled, timeline
from events.models import Delivery
from events.services import Fact, record_facts
from ledger.models import Hold, LedgerAccount
from tests.money_facts import AT, account_id, book, top_up

SIZES = (1, 10, 1000)
_numbers = count(1)

# The engine's lock, the versions, the claim and the look behind it; accounts, number, three COPYs, the turn, the
# batch's row, and for wallets and for other accounts the lock and the write in one; the deliveries' end.
STATEMENTS = 14
CLAIM = 2  # A batch larger than the first claim takes a second one, for all the rest; never a third.
CLOCK = 1  # Its offset is read where a clock can be moved: not in production.


def facts(type_: str, number: int, payload: Callable[[int], dict[str, Any]], *, subject: str = "") -> list[str]:
    """Record so many at once; return their keys."""
    keys = [f"{type_}:trip-{next(_numbers)}" for _ in range(number)]
    found = [
        Fact(type_, key, subject or key, {"currency": "GBP", **payload(place)}, AT) for place, key in enumerate(keys)
    ]
    with transaction.atomic():
        record_facts(found)
    return keys


class Town:
    """People with money, and what they do with it; everything they use is there before."""

    def __init__(self) -> None:
        self.payer, self.seller = account_id(), account_id()
        top_up(self.payer, 10_000_000)
        self.pay(1)
        book()
        self.wallet = LedgerAccount.objects.get(code=f"wallet:{self.payer}")

    def top_up(self, number: int) -> None:
        facts("wallet.topped_up", number, lambda _: {"owner": self.payer, "amount_minor": 5, "provider": "local"})

    def top_up_strangers(self, number: int) -> None:
        facts("wallet.topped_up", number, lambda _: {"owner": account_id(), "amount_minor": 5, "provider": "local"})

    def pay(self, number: int, holds: list[int] | None = None) -> list[str]:
        people = {"payer": self.payer, "buyer": self.payer, "seller": self.seller}
        amounts = {"gross_minor": 10, "fee_minor": 1}
        return facts("order.paid", number, lambda at: people | amounts | {"holds": holds[at : at + 1] if holds else []})

    def pay_with_holds(self, number: int) -> None:
        held = [Hold(account=self.wallet, amount_minor=10, key=f"held {next(_numbers)}") for _ in range(number)]
        Hold.objects.bulk_create(held)
        LedgerAccount.objects.filter(pk=self.wallet.pk).update(held_minor=10 * number)
        self.pay(number, [hold.pk for hold in held])

    def refund(self, number: int) -> None:
        paid = self.pay(number)
        people = {"payer": self.payer, "buyer": self.payer, "seller": self.seller}
        facts("order.refunded", number, lambda at: {**people, "net_minor": 4, "fee_minor": 0, "undoes": paid[at]})

    def contradict(self, number: int) -> None:
        self.top_up(1)
        facts("earnings.released", number, lambda _: {"owner": self.seller, "amount_minor": 1, "repaid_minor": 2})

    def withdraw_too_much(self, number: int) -> None:
        self.top_up(1)
        facts("wallet.withdrawn", number, lambda _: {"owner": self.seller, "amount_minor": 10**9, "provider": "local"})

    def all_of_it(self, number: int) -> None:
        for act in (self.top_up, self.top_up_strangers, self.pay_with_holds, self.refund, self.contradict):
            act(number)


@pytest.mark.django_db
class TestRoundTrips:
    @pytest.mark.parametrize(
        ("act", "more"),
        [
            (Town.top_up, 0),
            (Town.top_up_strangers, 2),  # Insert them, and find them.
            (Town.pay_with_holds, 1),  # Delete the holds.
            (Town.refund, 2),  # Find the versions that booked what they undo; lock, look at the cover, then write.
            (Town.contradict, 1),  # Park them.
            (Town.withdraw_too_much, 12),  # Booked up to the cover, rolled back, booked again without them, parked.
            (Town.all_of_it, 6),
        ],
    )
    def test_do_not_grow_with_the_batch(self, act: Callable[[Town, int], None], more: int, statements: Any) -> None:
        town = Town()
        for size in SIZES:
            act(town, size)
            compiled(timeline().ids[0])
            booking._claim_size.events = booking.CLAIM_FIRST
            again = CLAIM if Delivery.objects.filter(consumer=booking.BILLING).count() > booking.CLAIM_FIRST else 0
            with statements() as seen:
                booking.book_batch(trigger=booking.MANUAL)

            assert len(seen) == STATEMENTS + CLOCK + more + again, f"{size} events:\n{seen}"
            assert not Delivery.objects.filter(consumer=booking.BILLING, parked_at=None).exists()
