"""What pages say: refusals and terms in the words of people who read no API documents."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.models import Behaviour
from accounts.terms import Direction, SwitchRight, Terms
from core.errors import Refusal, TooManyAttempts
from core.money import Money
from orders.models import Order
from orders.waiting import Waiting
from sharing.models import ShareProgram

REFUSALS = {
    "credentials_invalid": gettext_lazy("User name and password do not belong together. Check both and try again."),
    "otp_invalid": gettext_lazy("This code is wrong, too old, or was used. Wait for the next one and try again."),
    "invitation_invalid": gettext_lazy(
        "This code admits nobody (any more): it is mistyped, used, or too old. Check it, or ask for a new one."
    ),
    "link_with_itself": gettext_lazy(
        "This invitation is from the account you are logged in with. Log out, and log in with the other account."
    ),
    "already_linked": gettext_lazy("These two accounts are linked already. There is nothing left to do."),
    "own_login_required": gettext_lazy(
        "You are acting as a linked account. Log out, and log in with the account itself to do this."
    ),
    "stand_in_refused": gettext_lazy("This is for the account's owner only."),
    "token_invalid": gettext_lazy(
        "This link is no longer good: it was used, its time is up, or a part of it is missing."
    ),
    "order_not_payable": gettext_lazy("This can no longer be paid: it is paid already, cancelled, or its time is up."),
    "confirmation_not_needed": gettext_lazy(
        "The till is no longer waiting for your word. Look at the sum and try again."
    ),
    "amount_mismatch": gettext_lazy(
        "This is not the sum that is to be paid (any more). Look at it again before you pay."
    ),
    "insufficient_funds": gettext_lazy(
        "There is not enough money in this wallet. Choose another one, or top it up and try again. Nothing was paid."
    ),
    "spending_cap_exceeded": gettext_lazy(
        "You may not pay so much from this wallet: the limit you agreed on is reached. Nothing was paid."
    ),
    "account_not_linked": gettext_lazy("This wallet is no longer linked with yours. Choose another one."),
    "store_closed": gettext_lazy("This store has closed. Nothing was paid."),
    "payment_in_progress": gettext_lazy("This is being paid just now. Wait a moment and look again."),
    "idempotency_key_reused": gettext_lazy("This page is out of date. Look at it again before you pay."),
    "out_of_stock": gettext_lazy("There are not so many left."),
    "item_not_on_sale": gettext_lazy("This is not on sale any more. Nothing was ordered."),
    "order_not_fulfillable": gettext_lazy(
        "Only what is paid can be handed over, and only once. Look at the order again."
    ),
    "order_not_cancellable": gettext_lazy("This order can no longer be cancelled. What is paid can be given back."),
    "refund_exceeds_paid": gettext_lazy("This is more than is left to give back."),
    "restock_exceeds_quantity": gettext_lazy("More would go back on the shelf than was sold."),
    "refund_request_decided": gettext_lazy("This request has been answered already."),
    "sum_changed": gettext_lazy("The sum has changed meanwhile. Look at it again before you say yes."),
    "coordinates_incomplete": gettext_lazy("Write both latitude and longitude, or neither."),
    "store_unknown": gettext_lazy("This is not one of your open stores. Choose another one."),
    "other_currency": gettext_lazy("Amounts are in the currency of the item's price."),
    "pictures_full": gettext_lazy("This item has as many pictures as it may have. Remove one first."),
    "picture_too_large": gettext_lazy("The file is too large. Make the picture smaller and try again."),
    "picture_too_many_pixels": gettext_lazy("The picture has too many pixels. Make it smaller and try again."),
    "picture_too_small": gettext_lazy("The picture is too small to show anything. Take a larger one."),
    "picture_not_readable": gettext_lazy("This is no picture that we can read. JPEG, PNG and WebP are."),
    "cart_full": gettext_lazy("Your cart is full. Order something of it, or take something out, before you add more."),
    "cart_empty": gettext_lazy("There is nothing in your cart that can be ordered now. Nothing was ordered."),
    "not_in_cart": gettext_lazy("Your cart has changed meanwhile. Look at it again. Nothing was ordered."),
    "mixed_currencies": gettext_lazy("Things in two currencies cannot be ordered together."),
    "amount_too_large": gettext_lazy("This is more than can be paid in one go."),
    "order_not_completable": gettext_lazy("The seller has not said yet that it is handed over, or it is completed."),
    "refund_request_open": gettext_lazy("You have asked for money back already. Wait for the answer to that."),
    "debt_outstanding": gettext_lazy("You owe the house something. Repay that first; then you can withdraw."),
    "repayment_exceeds_debt": gettext_lazy("You owe less than that."),
    "payout_target_required": gettext_lazy("Say where the money is to go. You can add a bank account."),
    "payout_target_unknown": gettext_lazy("Withdrawals cannot go there (any more). Choose another place."),
    "payout_target_known": gettext_lazy("You have added this account already."),
    "payout_target_in_use": gettext_lazy("A withdrawal is on its way there. You can remove it once that has arrived."),
    "too_many_payout_targets": gettext_lazy("Remove one of these before you add another one."),
    "step_up_required": gettext_lazy(
        "This needs your second factor again. Log out, log in with it, and come back within a few minutes."
    ),
    "pay_code_invalid": gettext_lazy("The till could not use this code: it was used before, or its time was up."),
    "pay_code_maximum": gettext_lazy("The till asked for more than the most that you had set, or in another currency."),
    "confirmation_needed": gettext_lazy("For so much the till has to ask you first. Look at it, and agree."),
    "too_many_pay_code_secrets": gettext_lazy("So many phones make codes already. End one of them first."),
    "username_taken": gettext_lazy("Somebody has this user name. Choose another one."),
    "referral_code_unknown": gettext_lazy("Nobody has this code. Check it, or leave the field empty."),
    "no_share_program": gettext_lazy("Nothing is given for sharing this any more."),
    "switch_not_allowed": gettext_lazy(
        "You are linked with this account, but what you agreed on does not let you act as it."
    ),
    "not_carried": gettext_lazy("The cart does not fit there, so nothing was switched. Switch without it."),
    "second_factor_active": gettext_lazy(
        "A second factor is in force already. Remove it before you set up another one."
    ),
    "email_missing": gettext_lazy("You have given no e-mail address. Save one first."),
    "nothing_proposed": gettext_lazy("There is nothing to agree to: the terms stand as they are."),
    "own_proposal": gettext_lazy("You have proposed this yourself. The other side has to agree."),
    "terms_changed": gettext_lazy("The proposal is another one by now. Look at it again."),
    "for_others": gettext_lazy("This page is for another kind of account."),
    "not_found": gettext_lazy(
        "There is nothing here that you can see. Perhaps you are logged in with another account."
    ),
}

KINDS = {
    "order.placed": gettext_lazy("orders"),
    "item.published": gettext_lazy("items put on sale"),
    "item.viewed": gettext_lazy("items looked at"),
    "search.performed": gettext_lazy("searches"),
    "session.switched": gettext_lazy("switches between accounts"),
    "account.linked": gettext_lazy("new links"),
    "account.unlinked": gettext_lazy("ended links"),
}

# What keeps an account from closing.
OBSTACLES = {
    "orders_under_way": gettext_lazy("Orders are under way. Wait until they are completed, or cancel them."),
    "wallet_not_empty": gettext_lazy("There is money in your wallet. Withdraw it first."),
    "earnings_pending": gettext_lazy("Earnings are on their way to you. Wait until they have come."),
    "debt_outstanding": gettext_lazy("You owe something. Top your wallet up, so that it is repaid."),
    "payments_under_way": gettext_lazy("A payment is still on its way. Look again in a few minutes."),
}

_SAID_TO_BUYERS = {
    Order.Status.PENDING: (gettext_lazy("Ordered, not paid yet"), ""),
    Order.Status.PAID: (gettext_lazy("Ordered and paid"), gettext_lazy("The seller hands it over next.")),
    Order.Status.FULFILLED: (gettext_lazy("Handed over"), ""),
    Order.Status.COMPLETED: (gettext_lazy("Completed"), ""),
    Order.Status.CANCELLED: (gettext_lazy("Cancelled"), ""),
    Order.Status.CLOSED: (
        gettext_lazy("Closed without payment"),
        gettext_lazy("Its time was up. If you still want it, order it again."),
    ),
}
_SAID_TO_SELLERS = {
    **_SAID_TO_BUYERS,
    Order.Status.PAID: (gettext_lazy("Paid"), gettext_lazy("Hand it over, and say so.")),
    Order.Status.CLOSED: (gettext_lazy("Closed without payment"), ""),
}


_PROVIDERS = {"local": gettext_lazy("the cash desk"), "stripe": "Stripe", "demo-bank": "Demo Bank"}


def provider_in_words(provider: str) -> str:
    """Return what people call a payment provider."""
    return str(_PROVIDERS.get(provider, provider))


def say_code(code: str) -> str:
    """Return what a page says of something that was refused before, by the refusal's code."""
    return str(REFUSALS.get(code, code))


def say(refusal: Refusal) -> str:
    """Return what a page says about a refusal, with what to do next."""
    if isinstance(refusal, TooManyAttempts):
        minutes = -(-refusal.retry_after_seconds // 60)
        said = ngettext(
            "Too many attempts. Try again in a minute.", "Too many attempts. Try again in %(minutes)d minutes.", minutes
        )
        return said % {"minutes": minutes}
    return str(REFUSALS.get(refusal.code, refusal.detail))


@dataclass(frozen=True, slots=True)
class Headline:
    """How far an order has come, and what happens next."""

    title: str
    comes_next: str = ""
    is_good: bool = False


def headline_of(order: Order, *, sells: bool, is_being_paid: bool) -> Headline:
    """Return what the page of an order says first."""
    if order.refunded_minor and not order.refundable_minor:
        return Headline(_("All of it was given back"))
    if is_being_paid:
        return Headline(_("Being paid"), _("The charge is on its way. This page looks again by itself."))
    title, comes_next = (_SAID_TO_SELLERS if sells else _SAID_TO_BUYERS)[Order.Status(order.status)]
    return Headline(str(title), str(comes_next), is_good=bool(order.paid_minor))


def waiting_in_words(waiting: Waiting) -> Iterator[str]:
    """Yield what an account's orders wait for, each with how many."""
    counted = (
        (waiting.to_pay, ngettext("%(number)d order to pay", "%(number)d orders to pay", waiting.to_pay)),
        (
            waiting.to_hand_over,
            ngettext("%(number)d order to hand over", "%(number)d orders to hand over", waiting.to_hand_over),
        ),
        (waiting.to_decide, ngettext("%(number)d refund to decide", "%(number)d refunds to decide", waiting.to_decide)),
    )
    yield from (said % {"number": number} for number, said in counted if number)


def behaviour_in_words(behaviour: Behaviour, *, names: Mapping[str, str], titles: Mapping[str, str]) -> str:
    """Return what somebody did. `names` of accounts and `titles` of items by public id, as far as they may be said."""
    data, title = behaviour.data, titles.get(behaviour.object_id)
    match behaviour.kind:
        case "order.placed":
            return _("Ordered")
        case "item.published":
            return _("Put “%(title)s” on sale") % {"title": title} if title else _("Put an item on sale")
        case "item.viewed":
            return _("Looked at “%(title)s”") % {"title": title} if title else _("Looked at an item")
        case "search.performed":
            return _("Searched for “%(words)s”") % {"words": data.get("search", "")}
        case "session.switched" if "reason" in data:
            return _("An operator looked at the account: %(reason)s") % {"reason": data["reason"]}
        case "session.switched":
            return _("Switched to %(name)s") % {"name": names.get(data.get("to", ""), _("another account"))}
        case "account.linked":
            return _("Linked with %(name)s") % {"name": names.get(data.get("with", ""), _("another account"))}
    return _("Ended the link with %(name)s") % {"name": names.get(data.get("with", ""), _("another account"))}


def terms_in_words(terms: Terms, *, inviter: str, invitee: str) -> Iterator[tuple[str, str]]:
    """Yield what two accounts agree on, heading and sentence, each account by its name."""
    names = {"inviter": inviter, "invitee": invitee}
    yield _("Acting for each other"), _switching(terms) % names
    yield _("What is shared"), _sharing(terms, names)
    yield _("Paying"), _paying(terms)


def share_terms_in_words(program: ShareProgram, has_budget_left: bool) -> Iterator[tuple[str, str]]:
    """Yield what a sharer gets of an item and when, heading and sentence."""
    yield _("What you earn"), earning_in_words(program)
    days = program.window_days
    within = ngettext("within one day", "within %(days)d days", days) % {"days": days}
    several = {
        ShareProgram.Model.LAST_TOUCH: _("Of several people's codes the one scanned last counts."),
        ShareProgram.Model.FIRST_TOUCH: _("Of several people's codes the one scanned first counts."),
    }[ShareProgram.Model(program.model)]
    yield (
        _("When it counts"),
        _("When somebody scans your code and orders %(within)s.") % {"within": within} + f" {several}",
    )
    if program.lock_days:
        days = program.lock_days
        lasting = ngettext("for one day", "for %(days)d days", days) % {"days": days}
        yield _("After that"), _("What the same buyer orders of it %(lasting)s counts as well.") % {"lasting": lasting}
    if program.budget_minor is not None:
        budget = {"budget": Money(program.budget_minor, program.currency)}
        left = _("The seller gives %(budget)s in all, to everybody together.") % budget
        yield _("How long"), left if has_budget_left else _("The seller's %(budget)s are used up.") % budget


def earning_in_words(program: ShareProgram) -> str:
    """Return what a sharer gets of a sale."""
    if program.amount is not None:
        return _("%(amount)s for each one that is sold.") % {"amount": program.amount}
    assert program.rate_bps is not None
    return _("%(percent)s %% of what is sold.") % {"percent": f"{program.rate_bps / 100:g}"}


def _switching(terms: Terms) -> str:
    return {
        SwitchRight.BOTH: _("%(inviter)s may act as %(invitee)s, and %(invitee)s as %(inviter)s."),
        SwitchRight.INVITER_AS_INVITEE: _("%(inviter)s may act as %(invitee)s, but not the other way round."),
        SwitchRight.INVITEE_AS_INVITER: _("%(invitee)s may act as %(inviter)s, but not the other way round."),
        SwitchRight.NONE: _("Neither may act as the other."),
    }[SwitchRight(terms.switch)]


def _sharing(terms: Terms, names: dict[str, str]) -> str:
    direction = Direction(terms.direction)
    if direction == Direction.NONE or not terms.mirror:
        return _("Neither sees what the other does.")
    who = {
        Direction.BOTH: _("Each sees of the other: %(kinds)s."),
        Direction.TO_INVITER: _("%(inviter)s sees what %(invitee)s does: %(kinds)s."),
        Direction.TO_INVITEE: _("%(invitee)s sees what %(inviter)s does: %(kinds)s."),
    }[direction]
    return who % {**names, "kinds": ", ".join(str(KINDS[kind]) for kind in terms.mirror)}


def _paying(terms: Terms) -> str:
    if terms.cap is not None:
        return _("Each may pay up to %(cap)s from the other's wallet, counted in all.") % {"cap": terms.cap}
    if terms.cap_kind == "unlimited":
        return _("Each may pay any amount from the other's wallet.")
    return _("Neither may pay from the other's wallet.")
