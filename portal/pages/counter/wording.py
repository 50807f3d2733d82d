"""What the counter says to whoever stands at it: short, and what to do next."""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from core.errors import Refusal
from orders.counter.models import CounterTrade
from orders.counter.states import TradeStatus
from portal.wording import say

REFUSED_PAYMENTS = {
    "pay_code_invalid": _("This code is wrong, used or too old. Let the customer show a new one, and scan that."),
    "pay_code_maximum": _("The customer has made this code for less. Ask for one without a limit, or for this sum."),
    "insufficient_funds": _("There is not enough money in the customer's wallet. Nothing was paid."),
    "confirmation_needed": _("The customer has to agree to so large a sum on the phone."),
    "charge_refused": _("The customer's bank has refused it. Nothing was paid; ask for another way to pay."),
    "identity_unknown": _("Nobody who can pay here has this identity. Check how it is written. Nothing was paid."),
}
REFUSALS = {
    **REFUSED_PAYMENTS,
    "terminal_revoked": _("This till is out of service. Open another one, or make one."),
    "store_closed": _("This store has closed: it sells nothing any more. What it sold can still be given back."),
    "sale_moved_on": _(
        "This sale was rung up or ended meanwhile, perhaps on another device. This is how it stands now."
    ),
    "till_cart_empty": _("Nothing has been rung up yet."),
    "till_cart_full": _("A sale has no more lines than that. Ring up the rest as another one."),
    "sale_under_way": _("Something else is being rung up here. Finish it, or empty it, first."),
    "mixed_currencies": _("This is in another currency than the rest of the sale. Ring it up as a sale of its own."),
    "amount_too_large": _("That is more money than a sale can come to."),
    "lines_mismatch": _("A price has changed meanwhile. Look at the total again, and tell the customer."),
    "item_not_on_sale": _("Something here is not on sale any more. Take it out, and ring up again."),
    "item_unknown": _("Something here is not sold by this store any more. Take it out, and ring up again."),
    "out_of_stock": _("There are not so many left. Take some out, and ring up again."),
    "sequence_reused": _("Another device uses this till as well and was faster. Look at the total, and press again."),
    "sequence_in_use": _("Another device uses this till as well and was faster. Look at the total, and press again."),
    "sequence_cancelled": _(
        "Another device uses this till as well and was faster. Look at the total, and press again."
    ),
    "order_not_payable": _("This can no longer be paid: it is paid already, cancelled, or its time is up."),
    "amount_mismatch": _("This is not the sum of this sale. Look at it again."),
    "refund_exceeds_paid": _("That is more than is left of what was paid."),
    "use_refund": _("It was paid too long ago to be cancelled. Give the money back instead."),
    "provider_not_booked": _("Payments from this provider cannot be booked yet. Ask for another way to pay."),
}


def say_at_till(refusal: Refusal) -> str:
    """Return what the counter says about a refusal."""
    return str(REFUSALS[refusal.code]) if refusal.code in REFUSALS else say(refusal)


@dataclass(frozen=True, slots=True)
class State:
    """How a trade stands, in one word and one sentence; `tone` as badges have it."""

    word: str | Promise
    sentence: str | Promise
    tone: str
    icon: str


STATES = {
    TradeStatus.PENDING: State(_("To be paid"), _("Waiting for the customer to pay."), "wait", "hourglass"),
    TradeStatus.CONFIRMING: State(
        _("Asked"), _("Waiting for the customer to agree on the phone."), "wait", "smartphone"
    ),
    TradeStatus.PAID: State(_("Paid"), _("Hand over the goods."), "good", "check"),
    TradeStatus.REFUNDED: State(_("Given back"), _("The customer has all the money back."), "plain", "undo-2"),
    TradeStatus.CLOSED: State(_("Not paid"), _("Nothing was paid, and nothing will be."), "bad", "x"),
}
CANCELLED = State(_("Cancelled"), _("It was cancelled at the till. Nothing was paid, and nothing will be."), "bad", "x")
TIMED_OUT = State(_("Time is up"), _("It was not paid in time. Nothing was paid, and nothing will be."), "bad", "x")
CHARGING = State(
    _("Being charged"), _("The customer's bank has been asked, and has not answered yet."), "wait", "landmark"
)


def state_of(trade: CounterTrade, status: TradeStatus, *, is_charging: bool = False) -> State:
    """Return what is said of a trade that stands so."""
    if is_charging:
        return CHARGING
    if status == TradeStatus.CLOSED:
        return CANCELLED if trade.cancelled_at is not None else TIMED_OUT
    return STATES[status]


def refusal_in_words(trade: CounterTrade) -> str:
    """Return why the last try to pay an unpaid trade was refused; blank where none was."""
    if not trade.refusal or trade.order.paid_minor or trade.refusal == "confirmation_needed":
        return ""
    return str(REFUSED_PAYMENTS.get(trade.refusal, trade.refusal_detail))
