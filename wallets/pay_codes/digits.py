"""Eighteen digits that we make: how, and what is kept of them. The first one is never that of offline codes."""

import secrets

from django.conf import settings
from django.utils.crypto import salted_hmac

from wallets.pay_codes.offline import KIND, LENGTH

_OFFLINE_FROM = int(KIND) * 10 ** (LENGTH - 1)  # 9 is the highest digit: all below begin with another one.
_SALT = "wallets.pay_codes"


def new_code() -> str:
    """Return a code that nobody can guess, not even from the one before: nearly 60 random bits."""
    return f"{secrets.randbelow(_OFFLINE_FROM):0{LENGTH}}"


def digest_code(code: str) -> str:
    """Return what is kept of a code. It is keyed: so few digits could be tried out against a plain digest."""
    return salted_hmac(_SALT, code, secret=settings.SECRET_KEY, algorithm="sha256").hexdigest()
