"""Everything the counter can refuse, beside what orders can. Codes are public API and never change."""

from core.errors import Conflict, NotAuthenticated, Unprocessable


class TerminalKeyUnknown(NotAuthenticated):
    message = "No till in service has this key."


class TerminalRevoked(Conflict):
    code = "terminal_revoked"
    message = "This till has been taken out of service; make another one."


class LinesMismatch(Unprocessable):
    code = "lines_mismatch"
    message = "The lines at their prices are not this amount in this currency."


class ItemOrDescription(Unprocessable):
    code = "item_or_description"
    message = "A line names an item, or a description with a unit amount, and not both."


class PayCodeOrIdentity(Unprocessable):
    code = "pay_code_or_identity"
    message = "Name a pay code or an identity, and not both."


class SequenceOrTradeNo(Unprocessable):
    code = "sequence_or_trade_no"
    message = "Name a sequence or a trade number, and not both."


class IdentityUnknown(Unprocessable):
    """One answer for an identity nobody has bound, a provider not trusted here, and somebody else's trade."""

    code = "identity_unknown"
    message = "This identity cannot pay this trade here."


class SequenceInUse(Conflict):
    code = "sequence_in_use"
    message = "The same sequence is still running; ask again for its answer."


class SequenceReused(Conflict):
    code = "sequence_reused"
    message = "This till has asked for something else under this sequence."


class SequenceCancelled(Conflict):
    code = "sequence_cancelled"
    message = "This sequence was cancelled before anything came of it; take another one."


class UseRefund(Conflict):
    code = "use_refund"
    message = "It was paid too long ago to be cancelled: refund it."


class RefundNotCancellable(Conflict):
    code = "refund_not_cancellable"
    message = "A refund is final; it cannot be cancelled."


class ChargeRefused(Conflict):
    code = "charge_refused"
    message = "The provider of this identity has not let it pay."


class TradeNotPaid(Conflict):
    code = "trade_not_paid"
    message = "Only a paid trade has a receipt."


class ConfirmationNotNeeded(Conflict):
    code = "confirmation_not_needed"
    message = "This trade does not wait for a confirmation."
