"""
Codes that a phone makes by itself: what is computed, on the phone and here (docs/offline_pay_codes.md).

Nothing here knows of settings or of the database, so that whoever stands in for a phone may use it as it is.
"""

import base64
import hashlib
import secrets
from collections.abc import Iterable
from datetime import UTC, datetime
from hmac import compare_digest

import pyotp

KIND = "9"  # The first digit of every code made offline, and of no other.
KEY_NUMBER_DIGITS = 8
PASSWORD_DIGITS = 9
LENGTH = len(KIND) + KEY_NUMBER_DIGITS + PASSWORD_DIGITS
PERIOD_SECONDS = 30
ALGORITHM = "SHA256"
_SECRET_BYTES = 32  # As long as the hash: RFC 4226, section 4, and RFC 6238, appendix B.


def offline_code(*, key_number: str, secret: str, at: datetime) -> str:
    """
    Make the code of a moment, as the phone does: one for each period of 30 seconds.

    `key_number` and `secret` (base 32) as they were shown at enrolment; `at`: by the house's clock.
    """
    return f"{KIND}{key_number}{_password(secret, step_at(at))}"


def step_at(moment: datetime) -> int:
    """Return the number of the period that a moment lies in, counted from 1970."""
    return int(moment.timestamp()) // PERIOD_SECONDS


def beginning_of(step: int) -> datetime:
    return datetime.fromtimestamp(step * PERIOD_SECONDS, UTC)


def key_number_of(code: str) -> str | None:
    """Return which secret a code says it was made with; None for one that no phone has made."""
    is_offline = len(code) == LENGTH and code.startswith(KIND) and code.isascii() and code.isdigit()
    return code[len(KIND) : len(KIND) + KEY_NUMBER_DIGITS] if is_offline else None


def step_of(code: str, *, secret: str, steps: Iterable[int]) -> int | None:
    """Return which of these periods a code was made in, None for a wrong one; each is compared, right or not."""
    password, found = code[-PASSWORD_DIGITS:], None
    for step in steps:
        if compare_digest(_password(secret, step), password):
            found = step
    return found


def new_secret() -> str:
    """Return 256 random bits, in base 32 without padding."""
    return base64.b32encode(secrets.token_bytes(_SECRET_BYTES)).decode().rstrip("=")


def new_key_number() -> str:
    """Return a number that says nothing of its owner, nor of how many there are."""
    return f"{secrets.randbelow(10**KEY_NUMBER_DIGITS):0{KEY_NUMBER_DIGITS}}"


def _password(secret: str, step: int) -> str:
    return pyotp.TOTP(secret, digits=PASSWORD_DIGITS, digest=hashlib.sha256, interval=PERIOD_SECONDS).generate_otp(step)
