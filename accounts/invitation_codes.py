"""Invitation codes: ten characters that can be read aloud, kept as keyed digests only."""

import secrets
from dataclasses import dataclass

from django.utils.crypto import salted_hmac

from core.pages import page_url
from core.qr import qr_svg

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base 32: no I, L, O, U.
CODE_LENGTH = 10  # 50 random bits, for a quarter of an hour.
JOIN_PAGE = "portal:join"
_FORGIVEN = str.maketrans({"O": "0", "I": "1", "L": "1", "-": "", " ": ""})


def new_code() -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(CODE_LENGTH))


def digest_code(code: str) -> str:
    """Return what is kept of a code, however it was typed: case, dashes, O for 0, I and L for 1 are forgiven."""
    plain = code.upper().translate(_FORGIVEN)
    return salted_hmac("accounts.invitation_codes", plain, algorithm="sha256").hexdigest()


@dataclass(frozen=True, slots=True)
class CodeCard:
    """What is shown of a new code, once: its text, and a QR code of the page where it is given back."""

    code: str
    url: str
    qr_svg: str

    @property
    def spaced(self) -> str:
        """The code in two halves, as it is read aloud."""
        return f"{self.code[: CODE_LENGTH // 2]}-{self.code[CODE_LENGTH // 2 :]}"


def card_of(code: str) -> CodeCard:
    """
    Draw what is shown of a code.

    The code stands behind # in the address: browsers keep that to themselves, so that it is in nobody's logs.
    """
    url = f"{page_url(JOIN_PAGE)}#{code}"
    return CodeCard(code, url, qr_svg(url))
