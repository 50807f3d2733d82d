"""What the money of an order is called, for people: parts, states and steps."""

from django.utils.translation import gettext_lazy as _

# By party where that says more, else by role.
PARTS = {
    "seller": _("The seller's part"),
    "platform": _("What the platform keeps"),
    "share_charge": _("For bringing the customer"),
    "agent": _("Agent of the area"),
    "referrer": _("For bringing the buyer"),
    "merchant_referrer": _("For bringing the seller"),
    "cashback": _("Cashback"),
    "escrow": _("Kept until an agent is known"),
    "others": _("Everybody else"),
}

STATES = {
    "pending": _("On its way"),
    "released": _("Paid out"),
    "reversed": _("Taken back"),
    "held": _("Held back"),
    "escrow": _("Kept"),
}

STEPS = {
    "order.paid": _("Paid"),
    "order.refunded": _("Given back"),
    "share.charged": _("Part of who brought the customer"),
    "share.reversed": _("Part of who brought the customer, taken back"),
    "commission.accrued": _("Fee shared out"),
    "commission.escrowed": _("Kept until an agent is known"),
    "commission.escrow_released": _("Kept part handed over"),
    "commission.released": _("Part of the fee released"),
    "commission.reversed": _("Part of the fee taken back"),
    "earnings.released": _("Earnings released"),
    "earnings.reversed": _("Earnings taken back"),
    "debt.repaid": _("Debt repaid"),
    "debt.written_off": _("Debt written off"),
    "journal.reversed": _("Booking corrected: taken back"),
    "journal.rebooked": _("Booking corrected: booked again"),
}


def part_in_words(party: str, role: str) -> str:
    """Return what a part of an order's money is for."""
    return str(PARTS.get(party) or PARTS.get(role) or party)


def state_in_words(status: str, party: str = "") -> str:
    """Return how far a part of an order's money has come; the platform is paid out nothing, it keeps it."""
    return str(STATES["escrow" if party == "platform" and status == "released" else status])


def step_in_words(event_type: str) -> str:
    """Return what happened to an order's money."""
    return str(STEPS.get(event_type, event_type))
