"""Why a line of a history file is left out: the words in the report file, for people and for spreadsheets."""

from enum import StrEnum


class Reason(StrEnum):
    """What is wrong with the line itself; what the house refuses has the refusal's own code."""

    UNREADABLE = "unreadable"
    """Too few columns, broken quotes, or characters that are no text."""

    INVOICE_MISSING = "invoice_missing"
    STOCK_CODE_MISSING = "stock_code_missing"
    DATE_INVALID = "date_invalid"
    """No date, or one that has not come yet."""

    QUANTITY_INVALID = "quantity_invalid"
    """No whole number."""

    QUANTITY_NOT_POSITIVE = "quantity_not_positive"
    """A sale of nothing or less: goods written off."""

    QUANTITY_NOT_NEGATIVE = "quantity_not_negative"
    """A cancellation that gives nothing back."""

    PRICE_INVALID = "price_invalid"
    PRICE_NOT_POSITIVE = "price_not_positive"
    PRICE_NOT_WHOLE = "price_not_whole"
    """Not a whole number of the currency's minor units (pence)."""

    AMOUNT_TOO_LARGE = "amount_too_large"
    CURRENCY_INVALID = "currency_invalid"
    CURRENCY_DIFFERS = "currency_differs"
    """Another one than the invoice's first line."""

    CUSTOMER_DIFFERS = "customer_differs"
    """Another one than the invoice's first line."""

    NOTHING_TO_REFUND = "nothing_to_refund"
    """A cancellation of what this customer has not bought before, or has given back already."""

    PARTLY_REFUNDED = "partly_refunded"
    """A cancellation of more than this customer has bought before and not given back."""
