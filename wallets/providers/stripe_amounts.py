"""
Amounts as Stripe's API wants them, which is not always ISO 4217's minor units (https://docs.stripe.com/currencies).

An amount sent in the wrong unit is a hundred times too much or too little, so a currency whose unit at Stripe is
not beyond doubt is not offered.
"""

from core.money import CURRENCY_DIGITS, Money

# Stripe counts these in whole units; of them the ariary has two digits in ISO 4217.
WHOLE_UNITS = frozenset(
    {"BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA"} | {"PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF"}
)
# Has no digits since 2018, and is still sent to Stripe with two, which have to be zero.
TWO_ZEROS_ADDED = frozenset({"ISK"})
# Sent in thousandths whose last digit has to be zero.
THOUSANDTHS = frozenset({"BHD", "JOD", "KWD", "OMR", "TND"})
# Stripe's pages call it a currency of whole units in one place, and one to be sent with two digits in another.
IN_DOUBT = frozenset({"UGX"})

HUNDREDTHS_DIGITS = 2
THOUSANDTHS_STEP = 10


def amount_at_stripe(amount: Money) -> int | None:
    """Return what stands for an amount at Stripe; None where Stripe cannot take exactly this."""
    currency, minor = amount.currency, amount.minor
    if currency in IN_DOUBT:
        return None
    if currency in TWO_ZEROS_ADDED:
        return minor * 10**HUNDREDTHS_DIGITS
    if currency in WHOLE_UNITS:
        whole, rest = divmod(minor, 10 ** CURRENCY_DIGITS[currency])
        return None if rest else whole
    if currency in THOUSANDTHS:
        return None if minor % THOUSANDTHS_STEP else minor
    return minor if CURRENCY_DIGITS[currency] == HUNDREDTHS_DIGITS else None
