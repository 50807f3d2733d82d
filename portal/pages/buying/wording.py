"""What the buyers' pages call things: states of orders, kinds of bookings, providers."""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from orders.models import Order
from wallets.models import ProviderPayment

Status = Order.Status


@dataclass(frozen=True, slots=True)
class Badge:
    """A state in one word, as `parts/badge.html` shows it."""

    text: str
    tone: str = "plain"


_STATES: dict[Status, tuple[Promise, str]] = {
    Status.PENDING: (gettext_lazy("To pay"), "wait"),
    Status.PAID: (gettext_lazy("Paid"), "accent"),
    Status.FULFILLED: (gettext_lazy("Handed over"), "accent"),
    Status.COMPLETED: (gettext_lazy("Completed"), "good"),
    Status.CANCELLED: (gettext_lazy("Cancelled"), "plain"),
    Status.CLOSED: (gettext_lazy("Closed"), "plain"),
}

# What is booked in a wallet, by the type of the event that it comes from.
_BOOKINGS = {
    "wallet.topped_up": gettext_lazy("Topped up"),
    "topup.reversed": gettext_lazy("Top-up taken back by its provider"),
    "wallet.withdrawn": gettext_lazy("Withdrawn"),
    "withdrawal.failed": gettext_lazy("Withdrawal that could not be paid out"),
    "order.paid": gettext_lazy("Payment"),
    "order.refunded": gettext_lazy("Money back"),
    "earnings.released": gettext_lazy("Earnings"),
    "earnings.reversed": gettext_lazy("Earnings taken back for a refund"),
    "commission.released": gettext_lazy("Commission"),
    "commission.reversed": gettext_lazy("Commission taken back for a refund"),
    "share.charged": gettext_lazy("For sharing"),
    "share.reversed": gettext_lazy("For sharing, taken back for a refund"),
    "debt.repaid": gettext_lazy("Debt repaid"),
    "debt.written_off": gettext_lazy("Debt given up by the house"),
    "journal.reversed": gettext_lazy("Correction"),
    "journal.rebooked": gettext_lazy("Correction"),
}

_PAYMENTS: dict[str, tuple[Promise, str]] = {
    ProviderPayment.Status.IN_PROGRESS: (gettext_lazy("On its way"), "wait"),
    ProviderPayment.Status.SUCCEEDED: (gettext_lazy("Done"), "good"),
    ProviderPayment.Status.FAILED: (gettext_lazy("Failed"), "bad"),
    ProviderPayment.Status.REVERSED: (gettext_lazy("Taken back"), "bad"),
}


def badge_of(order: Order) -> Badge:
    """Return an order's state, or that all of it was given back."""
    if order.refunded_minor and not order.refundable_minor:
        return Badge(_("Given back"))
    text, tone = _STATES[Status(order.status)]
    return Badge(str(text), tone)


def booking_in_words(event_type: str) -> str:
    """Return what a line of a statement is for; types that operators have declared go by their own name."""
    return str(_BOOKINGS.get(event_type, event_type))


def badge_of_payment(payment: ProviderPayment) -> Badge:
    """Return how far a top-up or withdrawal has come."""
    text, tone = _PAYMENTS[payment.status]
    return Badge(str(text), tone)
