"""
Stripe, by its official library: payment intents, refunds and signed webhooks.

The payer pays in Stripe's own form, with the `client_secret` that a top-up shows while it is in progress; we hear
of it by webhook, or by asking. Our reference is the idempotency key of each call that makes something, and stands in
the metadata, so a repeat is the same payment. Cancelling has no key: it is harmless to repeat, and under one Stripe
would repeat its first refusal for a day. Withdrawals fail (docs/decisions/0073-stripe-takes-money-in.md).
"""

from collections.abc import Callable, Mapping
from typing import Any

import stripe
import structlog
from django.conf import settings

from core.money import Money
from wallets.errors import WebhookForged, WebhookUnreadable
from wallets.providers.base import Charge, Failed, InProgress, NotKnown, Outcome, Succeeded
from wallets.providers.stripe_amounts import amount_at_stripe
from wallets.providers.webhooks import Notice

log = structlog.get_logger(__name__)

SIGNATURE = "Stripe-Signature"
PAYMENT_INTENT, REFUND = "pi_", "re_"
REFUNDS_PER_PAGE = 100
TEXT_LENGTH_MAX = 80  # of what a webhook names

# Nobody can tell whether such a call arrived, or it may be made again in a while.
UNANSWERED = (stripe.APIConnectionError, stripe.RateLimitError, stripe.IdempotencyError)
# Refusals of the moment: our balance at Stripe is short, or somebody else works on the same thing.
NOT_NOW = frozenset({"balance_insufficient", "insufficient_funds", "lock_timeout", "idempotency_key_in_use"})
AMOUNT_IMPOSSIBLE = Failed("amount_not_possible")


class StripeProvider:
    """Payments through one Stripe account; its keys come from the settings."""

    def __init__(self) -> None:
        own_address: Any = {"api": settings.STRIPE_API_BASE} if settings.STRIPE_API_BASE else None
        self._api = stripe.StripeClient(
            settings.STRIPE_SECRET_KEY,
            base_addresses=own_address,
            max_network_retries=0,  # The task asks again; a customer waits.
            http_client=stripe.RequestsClient(timeout=settings.STRIPE_TIMEOUT_SECONDS),
        ).v1

    def charge(self, *, reference: str, amount: Money, owner: str) -> Outcome:
        """Open a payment intent; the payer confirms it in Stripe's form."""
        units = amount_at_stripe(amount)
        if units is None:
            return AMOUNT_IMPOSSIBLE
        parameters: Any = {
            "amount": units,
            "currency": amount.currency.lower(),
            "metadata": {"reference": reference, "owner": owner},
        }
        return _making(
            lambda: _intent_outcome(
                self._api.payment_intents.create(parameters, options={"idempotency_key": reference}).to_dict()
            )
        )

    def payout(self, *, reference: str, amount: Money, owner: str, target: str) -> Outcome:
        return Failed("payouts_not_offered")

    def refund(self, *, reference: str, charge: Charge, amount: Money) -> Outcome:
        """Refund a part of a payment intent; looked for first, since idempotency keys are forgotten after a day."""
        units = amount_at_stripe(amount)
        if units is None:
            return AMOUNT_IMPOSSIBLE

        def call() -> Outcome:
            known = self._find_refund(reference, charge)
            if known is not None:
                return _refund_outcome(known)
            parameters: Any = {
                "payment_intent": charge.known_as,
                "amount": units,
                "metadata": {"reference": reference},
            }
            made = self._api.refunds.create(parameters, options={"idempotency_key": reference})
            return _refund_outcome(made.to_dict())

        return _making(call)

    def query(self, *, reference: str, known_as: str = "") -> Outcome | NotKnown:
        """Without Stripe's own name for it nobody was told of it: calling again finds the same one."""
        if known_as.startswith(PAYMENT_INTENT):
            return _asking(lambda: _intent_outcome(self._api.payment_intents.retrieve(known_as).to_dict()))
        if known_as.startswith(REFUND):
            return _asking(lambda: _refund_outcome(self._api.refunds.retrieve(known_as).to_dict()))
        return NotKnown()

    def cancel(self, *, reference: str, known_as: str = "") -> Outcome:
        """An intent that we were never told of cannot be paid: nobody has its client secret."""
        if not known_as:
            return Failed("cancelled")

        def call() -> Outcome:
            try:
                return _intent_outcome(self._api.payment_intents.cancel(known_as).to_dict())
            except stripe.InvalidRequestError:  # It has ended already, one way or the other.
                return _intent_outcome(self._api.payment_intents.retrieve(known_as).to_dict())

        return _asking(call)

    def read_notice(self, raw: bytes, body: dict[str, Any], headers: Mapping[str, str]) -> Notice:
        if not settings.STRIPE_WEBHOOK_SECRET:  # Everybody could sign with an empty one.
            raise WebhookForged
        try:
            stripe.WebhookSignature.verify_header(
                raw.decode(),
                headers.get(SIGNATURE, ""),
                settings.STRIPE_WEBHOOK_SECRET,
                settings.STRIPE_WEBHOOK_TOLERANCE_SECONDS,
            )
        except (stripe.SignatureVerificationError, ValueError) as forged:
            raise WebhookForged from forged
        try:
            return _notice(body)
        except (KeyError, TypeError, AttributeError) as unreadable:
            raise WebhookUnreadable from unreadable

    def _find_refund(self, reference: str, charge: Charge) -> dict[str, Any] | None:
        parameters: Any = {"payment_intent": charge.known_as, "limit": REFUNDS_PER_PAGE}
        made = (refund.to_dict() for refund in self._api.refunds.list(parameters).auto_paging_iter())
        return next((refund for refund in made if (refund.get("metadata") or {}).get("reference") == reference), None)


def _making(call: Callable[[], Outcome]) -> Outcome:
    """Have something made: what Stripe refuses for good is not made, and never will be under this reference."""
    try:
        return _asked(call)
    except (stripe.CardError, stripe.InvalidRequestError) as refused:
        return InProgress() if refused.code in NOT_NOW else Failed(refused.code or "refused")


def _asking(call: Callable[[], Outcome]) -> Outcome:
    """Ask about something that was made: a question that is refused says nothing about how it ended."""
    try:
        return _asked(call)
    except stripe.InvalidRequestError as refused:
        log.error("stripe_question_refused", code=refused.code, status=refused.http_status)
        return InProgress()


def _asked(call: Callable[[], Outcome]) -> Outcome:
    """Make one call; what nobody can know by its answer stays in progress."""
    try:
        return call()
    except UNANSWERED:
        return InProgress()
    except (stripe.AuthenticationError, stripe.PermissionError, stripe.APIError) as broken:
        log.error("stripe_call_failed", error=type(broken).__name__, status=broken.http_status)
        return InProgress()


def _intent_outcome(intent: dict[str, Any]) -> Outcome:
    """Only these two are ends: a card that was refused may be followed by another one."""
    if intent["status"] == "succeeded":
        return Succeeded(intent["id"])
    if intent["status"] == "canceled":
        return Failed("cancelled")
    return InProgress(intent["id"], intent.get("client_secret") or "")


def _refund_outcome(refund: dict[str, Any]) -> Outcome:
    if refund["status"] == "succeeded":
        return Succeeded(refund["id"])
    if refund["status"] in ("failed", "canceled"):
        return Failed("refund_failed")
    return InProgress(refund["id"])


_OUTCOMES: Mapping[str, Callable[[dict[str, Any]], Outcome]] = {
    "payment_intent": _intent_outcome,
    "refund": _refund_outcome,
}


def _notice(body: dict[str, Any]) -> Notice:
    """
    Every event of Stripe carries the whole object as it was then.

    One of another Stripe account that is connected with ours says nothing of our payments: its metadata are that
    account's own.
    """
    about, event_id, kind = body["data"]["object"], _text(body["id"]), _text(body["type"])
    reference = (about.get("metadata") or {}).get("reference") or ""
    outcome_of = _OUTCOMES.get(about["object"])
    if outcome_of is None or not reference or body.get("account"):
        return Notice(event_id, kind)
    outcome = outcome_of(about)
    final = None if isinstance(outcome, InProgress) else outcome
    return Notice(event_id, kind, _text(reference), final, known_as=_text(about["id"]))


def _text(value: object) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= TEXT_LENGTH_MAX:
        raise TypeError
    return value
