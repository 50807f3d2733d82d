"""A small world of money facts for tests below the business rooms: who has what, and who pays whom."""

from datetime import UTC, datetime
from itertools import count
from typing import Any

from django.db import transaction

from billing import booking
from billing.rules import BatchSettings
from core.ids import new_public_id
from core.money import Money
from events.services import Emitted, Fact, record_facts
from ledger.codes import wallet
from ledger.holds import place_hold
from ledger.selectors import balances_of

_numbers = count(1)
AT = datetime(2026, 5, 1, 12, tzinfo=UTC)


def account_id() -> str:
    return new_public_id("acc")


def record(
    type_: str, *, key: str | None = None, subject: str | None = None, at: datetime = AT, **payload: Any
) -> Emitted:
    """Record one money fact as a service would, in a transaction of its own."""
    key = key or f"{type_}:test-{next(_numbers)}"
    with transaction.atomic():
        return record_facts([Fact(type_, key, subject or key, {"currency": "GBP", **payload}, at)])[0]


def top_up(owner: str, minor: int, **more: Any) -> Emitted:
    return record("wallet.topped_up", owner=owner, amount_minor=minor, **{"provider": "local", **more})


def pay(payer: str, seller: str, gross: int, fee: int = 0, *, order: str | None = None, **more: Any) -> Emitted:
    """Hold the money and record `order.paid`, as orders do."""
    order = order or new_public_id("ord")
    key = f"order.paid:{order}"
    with transaction.atomic():
        hold = place_hold(code=wallet(payer), amount=Money(gross, more.get("currency", "GBP")), key=key)
        payload = {"order": order, "payer": payer, "buyer": payer, "seller": seller, "holds": [hold]}
        return record("order.paid", key=key, subject=order, gross_minor=gross, fee_minor=fee, **payload, **more)


def book() -> None:
    """Book everything that waits, without waiting for a period."""
    while booking.book_batch(trigger=booking.MANUAL):
        pass


def balance(code: str, currency: str = "GBP") -> int:
    return sum(found.balance_minor for found in balances_of([code]) if found.currency == currency)


def limits(*, period_ms: int = 500, max_accounts: int = 2500, max_transfers: int = 10_000) -> BatchSettings:
    return BatchSettings(period_ms, max_accounts, max_transfers)
