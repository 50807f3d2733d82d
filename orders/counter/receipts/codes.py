"""
What a receipt is checked by: which order it is of, and our signature over that.

The code gives no rights: it opens what is printed on the paper beside it. It names the order by its public id, which
says when it was made and nothing else, and not by the trade's number, with which a trade is paid.
"""

import base64
import re

from django.conf import settings
from django.utils.crypto import constant_time_compare, salted_hmac

_SALT = "orders.counter.receipts"
_PREFIX = "ord_"
_SIGNATURE_BYTES = 16  # 128 bits: nobody guesses it, and the QR code stays small enough for narrow paper.
_CODE = re.compile(r"([0-9A-Z]{26})([A-Z2-7]{26})")


def sign_receipt(order: str) -> str:
    """Return the code of the receipt of an order (public id), under the newest of the house's secrets."""
    return order.removeprefix(_PREFIX) + _signature(order, settings.SECRET_KEY)


def read_code(code: str) -> str | None:
    """
    Return the order (public id) that a code of ours names, None for any other text.

    Codes from before the installation's secret was changed hold for as long as it is in `SECRET_KEY_FALLBACKS`.
    """
    parts = _CODE.fullmatch(code)
    if parts is None:
        return None
    order, signature = _PREFIX + parts[1], parts[2]
    known = [_signature(order, secret) for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)]
    return order if any(constant_time_compare(signature, one) for one in known) else None


def _signature(order: str, secret: str | bytes) -> str:
    digest = salted_hmac(_SALT, order, secret=secret, algorithm="sha256").digest()
    return base64.b32encode(digest[:_SIGNATURE_BYTES]).decode().rstrip("=")
