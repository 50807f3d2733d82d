"""
Made-up histories of money facts, for tests that compare two ways of booking the same one.

A fact is a kind with what was drawn for it. Hypothesis draws them, or a seeded `random.Random`; recording the
same facts with the same tag makes the same keys.
"""

import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from billing import booking
from billing.selectors import codes_of, transfers_of
from core.money import Money
from events.models import Delivery, EventRecord
from events.services import Emitted
from ledger.codes import wallet
from ledger.errors import InsufficientFunds
from ledger.holds import hold_up_to, place_hold
from ledger.models import Hold, Journal, LedgerAccount
from tests.money_facts import AT, pay, record, top_up

OWNERS = ("acc_A", "acc_B", "acc_C")
CURRENCIES = ("GBP", "JPY", "KWD")
MINOR_MAX = 60
DAYS = 3  # A fact may have happened so many days before the others, or after them.
WHICH_MAX = 30
TOO_LONG = "x" * 200  # No column takes a code with this in it.

# What each kind of fact is drawn from.
KINDS: dict[str, tuple[str, ...]] = {
    "top_up": ("owner", "currency", "minor"),
    "pay": ("owner", "owner", "currency", "minor"),
    "refund": ("which", "minor"),
    "release": ("which", "minor"),
    "reverse_earnings": ("which", "minor"),
    "withdraw": ("owner", "currency", "minor"),
    "promise_and_withdraw": ("owner", "currency", "minor"),
    "fail_withdrawal": ("which",),
    "repay_debt": ("owner", "currency", "minor"),
    "write_off": ("owner", "currency", "minor"),
    "reverse_top_up": ("which", "minor"),
    "contradict": ("owner", "currency", "minor"),
    "overflow": ("currency", "minor"),
}
# Facts that fit whatever is booked before them: by hold, or because they only add.
ALWAYS_COVERED = ("top_up", "pay", "refund", "promise_and_withdraw", "reverse_top_up")

Drawn = tuple[Any, ...]  # (kind, what was drawn …, day)


def draw(chance: random.Random, *, facts: int, kinds: Sequence[str] = tuple(KINDS)) -> list[Drawn]:
    """A history of so many facts. `overflow` makes whole batches halve, so it is rare."""
    weights = [0.1 if kind == "overflow" else 3 if kind in ("top_up", "pay") else 1 for kind in kinds]
    drawn_kinds = chance.choices(kinds, weights, k=facts)
    return [(kind, *(_draw_one(chance, what) for what in (*KINDS[kind], "day"))) for kind in drawn_kinds]


def _draw_one(chance: random.Random, what: str) -> Any:
    match what:
        case "owner":
            return chance.choice(OWNERS)
        case "currency":
            return chance.choice(CURRENCIES)
        case "minor":
            return chance.randint(1, MINOR_MAX)
        case "which":
            return chance.randint(0, WHICH_MAX)
    return chance.randint(-DAYS, DAYS)


class World:
    """Records facts as services would; `tag` tells its people and keys from another world's."""

    def __init__(self, tag: str = "") -> None:
        self._tag = tag
        self._paid: list[dict[str, Any]] = []
        self._topped_up: list[dict[str, Any]] = []
        self._withdrawn: list[dict[str, Any]] = []
        self._released: list[dict[str, Any]] = []

    def endow(self, minor: int) -> None:
        """Everybody has so much of everything; to be booked before the history begins."""
        for owner in OWNERS:
            for currency in CURRENCIES:
                top_up(self._named(owner), minor, currency=currency, key=f"{self._tag}endow:{owner}:{currency}")

    def record(self, number: int, kind: str, *drawn: Any) -> None:
        """One fact, if the world has what it takes: a refund needs a sale, a payment the money."""
        *drawn, day = drawn
        try:
            with transaction.atomic():
                getattr(self, kind)(f"{self._tag}{kind}:{number}", AT + timedelta(days=day), *drawn)
        except InsufficientFunds:
            return

    def top_up(self, key: str, at: datetime, owner: str, currency: str, minor: int) -> None:
        owner = self._named(owner)
        top_up(owner, minor, currency=currency, key=key, at=at)
        self._topped_up.append({"key": key, "owner": owner, "currency": currency, "left": minor})

    def pay(self, key: str, at: datetime, payer: str, seller: str, currency: str, minor: int) -> None:
        payer, seller = self._named(payer), f"{self._named(seller)}_shop"
        pay(payer, seller, minor, fee=minor // 7, order=key, currency=currency, at=at)
        people = {"payer": payer, "buyer": payer, "seller": seller}
        self._paid.append({"order": key, "currency": currency, "left": minor, "earned": minor, "people": people})

    def refund(self, key: str, at: datetime, which: int, minor: int) -> None:
        """A part of what is left of a payment, by the seller, without the platform's fee."""
        if sale := _one_of(self._paid, which):
            net = min(minor, sale["left"] - sale["left"] // 7)
            sale["left"] -= net
            undoes = {"subject": sale["order"], "undoes": f"order.paid:{sale['order']}"}
            self._record("order.refunded", key, at, sale, net_minor=net, fee_minor=0, **undoes, **sale["people"])

    def release(self, key: str, at: datetime, which: int, minor: int) -> None:
        """Earnings become money, and repay a debt first, whether there is one or not."""
        if sale := _one_of(self._paid, which):
            seller, amount = sale["people"]["seller"], min(minor, sale["earned"])
            sale["earned"] -= amount
            self._record(
                "earnings.released",
                key,
                at,
                sale,
                subject=sale["order"],
                owner=seller,
                amount_minor=amount,
                repaid_minor=amount // 3 if which % 2 else 0,
            )
            self._released.append({**sale, "key": key, "owner": seller})

    def reverse_earnings(self, key: str, at: datetime, which: int, minor: int) -> None:
        if released := _one_of(self._released, which):
            self._take_back("earnings.reversed", key, at, released, minor, subject=released["order"])

    def withdraw(self, key: str, at: datetime, owner: str, currency: str, minor: int) -> None:
        """As from outside: nothing is held for it, so it may be short."""
        self._withdraw(key, at, self._named(owner), currency, minor)

    def promise_and_withdraw(self, key: str, at: datetime, owner: str, currency: str, minor: int) -> None:
        owner = self._named(owner)
        self._withdraw(key, at, owner, currency, minor, holds=[_hold(owner, minor, currency, key)])

    def fail_withdrawal(self, key: str, at: datetime, which: int) -> None:
        if self._withdrawn:
            gone = self._withdrawn.pop(which % len(self._withdrawn))
            came_back = {"subject": gone["key"], "undoes": gone["key"], "amount_minor": gone["minor"]}
            self._record("withdrawal.failed", key, at, gone, owner=gone["owner"], **came_back)

    def repay_debt(self, key: str, at: datetime, owner: str, currency: str, minor: int) -> None:
        owner = self._named(owner)
        holds = [_hold(owner, minor, currency, key)]
        record("debt.repaid", key=key, at=at, owner=owner, amount_minor=minor, currency=currency, holds=holds)

    def write_off(self, key: str, at: datetime, owner: str, currency: str, minor: int) -> None:
        record("debt.written_off", key=key, owner=self._named(owner), amount_minor=minor, currency=currency, at=at)

    def reverse_top_up(self, key: str, at: datetime, which: int, minor: int) -> None:
        """A chargeback: what is there is taken, and the rest becomes a debt."""
        if came := _one_of(self._topped_up, which):
            self._take_back("topup.reversed", key, at, came, minor, subject=came["key"])

    def contradict(self, key: str, at: datetime, owner: str, currency: str, minor: int) -> None:
        """An event that no rule can book: its parts are more than the whole."""
        people = {"payer": self._named(owner), "buyer": self._named(owner), "seller": "nobody"}
        amounts = {"gross_minor": minor, "fee_minor": minor + 1}
        record("order.paid", key=key, at=at, currency=currency, **amounts, **people)

    def overflow(self, key: str, at: datetime, currency: str, minor: int) -> None:
        """An event that the database refuses."""
        record("wallet.topped_up", key=key, at=at, owner=TOO_LONG, amount_minor=minor, currency=currency)

    def _withdraw(self, key: str, at: datetime, owner: str, currency: str, minor: int, **more: Any) -> None:
        record("wallet.withdrawn", key=key, owner=owner, amount_minor=minor, currency=currency, at=at, **more)
        self._withdrawn.append({"key": key, "owner": owner, "currency": currency, "minor": minor})

    def _take_back(
        self, type_: str, key: str, at: datetime, taken: dict[str, Any], minor: int, *, subject: str
    ) -> None:
        owed = Money(minor, taken["currency"])
        hold, from_wallet = hold_up_to(code=wallet(taken["owner"]), amount=owed, key=key)
        self._record(
            type_,
            key,
            at,
            taken,
            subject=subject,
            undoes=taken["key"],
            owner=taken["owner"],
            from_wallet_minor=from_wallet,
            to_debt_minor=minor - from_wallet,
            holds=[hold] if hold else [],
        )

    def _record(self, type_: str, key: str, at: datetime, of: dict[str, Any], **payload: Any) -> Emitted:
        return record(type_, key=key, at=at, currency=of["currency"], **payload)

    def _named(self, owner: str) -> str:
        return f"{owner}_{self._tag.strip(':')}" if self._tag else owner


def _one_of(rows: list[dict[str, Any]], which: int) -> dict[str, Any] | None:
    return rows[which % len(rows)] if rows else None


def _hold(owner: str, minor: int, currency: str, key: str) -> int:
    return place_hold(code=wallet(owner), amount=Money(minor, currency), key=key)


def the_book(*, after: int = 0) -> dict[str, Any]:
    """
    Everything that must not depend on how events were batched.

    `after`: only what came of later events than this one, and the accounts that they touch.
    """
    events = dict(EventRecord.objects.filter(pk__gt=after).values_list("pk", "key"))
    transfers = transfers_of(sorted(events))
    codes = codes_of(transfers)
    legs: dict[str, list[Any]] = {key: [] for key in events.values()}
    for t in transfers:
        legs[events[t.journal_id]].append((codes[t.debit_id], codes[t.credit_id], t.amount_minor, t.currency))
    accounts = LedgerAccount.objects.exclude(debits_minor=0, credits_minor=0)
    if after:
        accounts = accounts.filter(pk__in=codes)
    waiting = Delivery.objects.filter(consumer=booking.BILLING, event_id__in=list(events))
    return {
        "journals": {events[j.pk]: (j.rule, j.effective_at) for j in Journal.objects.filter(pk__in=list(events))},
        "transfers": legs,
        "accounts": sorted(accounts.values_list("code", "currency", "debits_minor", "credits_minor", "held_minor")),
        # A hold has the key of its event.
        "holds": sorted(Hold.objects.filter(key__in=list(events.values())).values_list("key", "amount_minor")),
        "waiting": sorted((events[d.event_id], d.error_code, d.parked_at is not None) for d in waiting),
    }
