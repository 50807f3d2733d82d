"""What a seller's earnings and bookings are called, in the words of people who read no event types."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

ROLES: dict[str, str | Promise] = {
    "seller": gettext_lazy("Your sale"),
    "sharer": gettext_lazy("You brought the customer"),
    "agent": gettext_lazy("Agent of the area"),
    "referrer": gettext_lazy("You brought the customer to us"),
    "merchant_referrer": gettext_lazy("You brought the seller to us"),
    "cashback": gettext_lazy("Cashback"),
}

_EVENTS: dict[str, str | Promise] = {
    "wallet.topped_up": gettext_lazy("Topped up"),
    "wallet.withdrawn": gettext_lazy("Withdrawn"),
    "withdrawal.failed": gettext_lazy("A withdrawal came back"),
    "topup.reversed": gettext_lazy("A top-up was taken back"),
    "order.paid": gettext_lazy("Order paid"),
    "order.refunded": gettext_lazy("Order given back"),
    "earnings.released": gettext_lazy("Earnings released"),
    "earnings.reversed": gettext_lazy("Earnings taken back for a refund"),
    "commission.released": gettext_lazy("Commission released"),
    "commission.reversed": gettext_lazy("Commission taken back"),
    "share.charged": gettext_lazy("Paid to whoever brought the customer"),
    "share.reversed": gettext_lazy("Back from whoever brought the customer"),
    "debt.repaid": gettext_lazy("Debt repaid"),
    "journal.reversed": gettext_lazy("Corrected by an operator"),
    "journal.rebooked": gettext_lazy("Corrected by an operator"),
}

# Of these the order that a booking belongs to is one that the wallet's owner has sold.
OF_OWN_SALES = frozenset({"earnings.released", "earnings.reversed"})


def event_in_words(event_type: str) -> str:
    """Return what was booked; types that somebody has declared since are called by their own name."""
    return str(_EVENTS.get(event_type, event_type))
