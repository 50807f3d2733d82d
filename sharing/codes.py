"""
The code of a share: its key, and our signature over that, in digits that people can read out.

Nothing of it is stored, so nothing has to be looked up to know that a code is ours, and a wrong one costs no statement.
It gives no rights: whoever has it can only scan it.
"""

from django.conf import settings
from django.utils.crypto import constant_time_compare, salted_hmac

_SALT = "sharing.codes"
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base 32.
_VALUE_OF = {digit: value for value, digit in enumerate(_ALPHABET)}
_FORGIVEN = str.maketrans({"O": "0", "I": "1", "L": "1"})
_SIGNATURE_DIGITS = 11  # 55 bits, and each try is a request: nobody guesses one.
_SIGNATURE_MAX = 32**_SIGNATURE_DIGITS
_KEY_MAX = 2**63 - 1

SHARE_CODE_LENGTH_MAX = 24  # A poster's code has some 16: keys are short as long as the house is young.


def share_code(share_id: int) -> str:
    """Return the code of a share (by its key), under the newest of the house's keys for them."""
    return _digits(share_id) + _signature(share_id, _keys()[0])


def share_id_of(code: str) -> int | None:
    """
    Return the key of the share that a code of ours names, None for any other text.

    Case, O for 0, I and L for 1 are forgiven: codes are read from paper. A share has one code and no other
    spelling of its key: leading zeros are no code of ours.
    """
    if not _SIGNATURE_DIGITS < len(code) <= SHARE_CODE_LENGTH_MAX or not code.isascii():
        return None
    plain = code.upper().translate(_FORGIVEN)
    key, signature = plain[:-_SIGNATURE_DIGITS], plain[-_SIGNATURE_DIGITS:]
    share_id = _number(key)
    if share_id is None or not 0 < share_id <= _KEY_MAX or key.startswith("0"):
        return None
    ours = any(constant_time_compare(signature, _signature(share_id, known)) for known in _keys())
    return share_id if ours else None


def _keys() -> list[str | bytes]:
    """The first signs, and all are known; where the setting names none, the installation's secrets are the keys."""
    own: list[str | bytes] = [*settings.SHARE_CODE_KEYS]
    return own or [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]


def _signature(share_id: int, key: str | bytes) -> str:
    digest = salted_hmac(_SALT, str(share_id), secret=key, algorithm="sha256").digest()
    return _digits(int.from_bytes(digest[:8]) % _SIGNATURE_MAX).rjust(_SIGNATURE_DIGITS, "0")


def _digits(number: int) -> str:
    found = ""
    while number:
        number, value = divmod(number, len(_ALPHABET))
        found = _ALPHABET[value] + found
    return found


def _number(digits: str) -> int | None:
    if not set(digits) <= _VALUE_OF.keys():
        return None
    number = 0
    for digit in digits:
        number = number * len(_ALPHABET) + _VALUE_OF[digit]
    return number
