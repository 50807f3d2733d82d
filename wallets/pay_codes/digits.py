"""Eighteen digits: how they are made, and what is kept of them."""

import secrets

from django.conf import settings
from django.utils.crypto import salted_hmac

LENGTH = 18
_SALT = "wallets.pay_codes"


def new_code() -> str:
    """Return a code that nobody can guess, not even from the one before: nearly 60 random bits."""
    return f"{secrets.randbelow(10**LENGTH):0{LENGTH}}"


def digest_code(code: str) -> str:
    """Return what is kept of a code. It is keyed: so few digits could be tried out against a plain digest."""
    return salted_hmac(_SALT, code, secret=settings.SECRET_KEY, algorithm="sha256").hexdigest()
