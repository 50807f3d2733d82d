"""Everything orders can refuse. Codes are public API and never change."""

from core.errors import Conflict, FieldError, Unprocessable


class MixedCurrencies(Unprocessable):
    code = "mixed_currencies"
    message = "All lines of a checkout are in one currency."


class OrderNotPayable(Conflict):
    code = "order_not_payable"
    message = "Only a pending order can be paid."


class PaymentInProgress(Conflict):
    code = "payment_in_progress"
    message = "A provider is charging a payment of this order just now."


class AmountMismatch(Unprocessable):
    code = "amount_mismatch"
    message = "Amount and currency must be exactly what is to be paid."


class OrderNotCancellable(Conflict):
    code = "order_not_cancellable"
    message = "Buyers cancel pending orders; sellers pending and paid ones."


class OrderNotFulfillable(Conflict):
    code = "order_not_fulfillable"
    message = "Only a paid order can be fulfilled."


class OrderNotCompletable(Conflict):
    code = "order_not_completable"
    message = "Only a fulfilled order can be completed."


class RefundExceedsPaid(Conflict):
    code = "refund_exceeds_paid"
    message = "That is more than is paid and not yet refunded."


class RestockExceedsQuantity(Conflict):
    code = "restock_exceeds_quantity"
    message = "More units would go back on the shelf than were sold."


class LineUnknown(Unprocessable):
    code = "line_unknown"
    message = "The order has no line of this id."

    @classmethod
    def at(cls, field: str) -> "LineUnknown":
        return cls(errors=[FieldError(field, cls.code, cls.message)])


class LineRepeated(Unprocessable):
    code = "line_repeated"
    message = "A line is named twice."


class AmountOrLines(Unprocessable):
    code = "amount_or_lines"
    message = "A refund names an amount, or amounts of lines, and not both."


class RefundRequestOpen(Conflict):
    code = "refund_request_open"
    message = "There is an unanswered refund request for this order."


class RefundRequestDecided(Conflict):
    code = "refund_request_decided"
    message = "This refund request has been answered."


class SellerDecidesFirst(Conflict):
    code = "seller_decides_first"
    message = "The seller still has time to answer; operators decide after that."
