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
