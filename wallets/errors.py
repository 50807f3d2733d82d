from core.errors import BadRequest, Conflict, Unprocessable


class DebtOutstanding(Conflict):
    code = "debt_outstanding"
    message = "Something is owed to the platform: repay it before withdrawing."


class RepaymentExceedsDebt(Conflict):
    code = "repayment_exceeds_debt"
    message = "Less than this is owed in this currency."


class DebtSettled(Conflict):
    code = "debt_settled"
    message = "Nothing of this debt is left."


class TopUpNotReversible(Conflict):
    code = "top_up_not_reversible"
    message = "Only a top-up that has succeeded, and was not reversed before, can be reversed."


class ProviderUnknown(Unprocessable):
    code = "provider_unknown"
    message = "There is no payment provider of this name."


class ProviderNotBooked(Conflict):
    code = "provider_not_booked"
    message = "No rule in force books what this provider's server charges."


class WebhookForged(BadRequest):
    code = "webhook_signature_invalid"
    message = "This is not signed by the provider, or too long ago."


class WebhookUnreadable(BadRequest):
    code = "webhook_unreadable"
    message = "This is signed, and not as the provider writes its webhooks."


class PaymentFinal(Conflict):
    code = "payment_final"
    message = "How it ended is known by now: there is nothing to decide."


class NotGivenUpByHand(Conflict):
    code = "not_given_up_by_hand"
    message = "Only its provider knows whether this money has left: ask its people, and settle it with their answer."


class SettlementTooEarly(Conflict):
    code = "settlement_too_early"
    message = "Its provider may yet answer: nobody settles it by hand so early."


class SettlementRequested(Conflict):
    code = "settlement_requested"
    message = "Somebody has asked for a settlement of it, and nobody has approved it yet."


class SettlementNotRequested(Conflict):
    code = "settlement_not_requested"
    message = "It is decided or withdrawn by now."
