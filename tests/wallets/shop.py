"""What orders do to wallets, in as few lines as possible: sales, refunds, and the time that passes."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction

from accounts.actor import Actor
from accounts.models import Account
from core.ids import new_public_id
from core.money import Money
from tests.money_facts import AT, pay, record
from wallets import selectors, services
from wallets.models import Debt, Earning, TopUp
from wallets.providers.base import Succeeded
from wallets.selectors import WalletBalance

HOLD_PERIOD = timedelta(days=7)


@dataclass(frozen=True)
class Sale:
    """One paid order of one seller."""

    order: str
    payer: Account
    seller: Account

    @property
    def earning(self) -> Earning:
        return Earning.objects.get(order=self.order)

    def complete(self, *, at: datetime = AT) -> None:
        services.schedule_release(order=self.order, releases_at=at + HOLD_PERIOD)

    def refund(self, minor: int, *, at: datetime = AT + 2 * HOLD_PERIOD) -> None:
        """Take a part of the seller's part back to the payer, as orders do."""
        taken_before = self.earning.reversed_minor
        with transaction.atomic():
            services.take_back_earning(
                order=self.order, owner=self.seller, role="seller", amount=Money(minor, "GBP"), now=at
            )
            parties = {"payer": self.payer.public_id, "buyer": self.payer.public_id, "seller": self.seller.public_id}
            refunded = record(
                "order.refunded",
                key=f"order.refunded:{self.order}:{taken_before + minor}",
                subject=self.order,
                at=at,
                undoes=f"order.paid:{self.order}",
                net_minor=minor,
                fee_minor=0,
                channel="online",
                **parties,
            )
            services.note_unbooked_change(event_id=refunded.id, owner_id=self.payer.id, amount=Money(minor, "GBP"))


def sell(seller: Account, payer: Account, gross: int, *, fee: int = 0) -> Sale:
    """Pay one order out of the payer's booked wallet."""
    order = new_public_id("ord")
    with transaction.atomic():
        pay(payer.public_id, seller.public_id, gross, fee, order=order, channel="online")
        services.record_earning(
            order=order,
            owner=seller,
            role="seller",
            original=Money(gross - fee, "GBP"),
            earned_at=AT,
            why="Price less the platform's fee.",
            channel="online",
        )
    return Sale(order, payer, seller)


def fill(owner: Account, minor: int, currency: str = "GBP", *, now: datetime = AT) -> TopUp:
    """Top a wallet up at the cash desk; booked with the next batch."""
    top_up = services.request_top_up(
        owner=owner, amount=Money(minor, currency), provider="local", actor=Actor.own(owner), now=now
    )
    return services.finish_top_up(public_id=top_up.public_id, outcome=Succeeded(), now=now)


def release_due(now: datetime = AT + HOLD_PERIOD) -> int:
    return services.release_due_earnings(now)


def wallet_of(owner: Account, currency: str = "GBP") -> WalletBalance:
    found = [b for b in selectors.wallet_balances(visible_to=owner) if b.currency == currency]
    return found[0] if found else WalletBalance(currency, 0, 0, 0, 0, 0)


def owed(owner: Account) -> int:
    return sum(debt.owed_minor for debt in Debt.objects.filter(owner=owner))
