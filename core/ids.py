"""Public ids: opaque strings with a type prefix that sort by creation."""

import re

from django.db import models
from ulid import ULID

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base 32: sorts as the numbers do.
_VALUE_OF = {character: value for value, character in enumerate(_ALPHABET)}
_KEY_LENGTH = 13  # 13 * 5 bits hold a signed 64-bit key.
_KEY_MAX = 2**63 - 1

PUBLIC_ID_LENGTH_MAX = 32
PUBLIC_ID_PATTERN = re.compile(r"[a-z]{3}_[0-9A-Z]{13,26}\Z")


def new_public_id(prefix: str) -> str:
    """Return a fresh id such as `ord_01J8…`: 48 bits of time, then 80 random bits (a ULID)."""
    return f"{prefix}_{ULID()}"


def encode_key(prefix: str, key: int) -> str:
    """Write a bigint key as a public id; sorts as the key does. Events, journals, transfers, batches."""
    characters = []
    for _ in range(_KEY_LENGTH):
        key, value = divmod(key, 32)
        characters.append(_ALPHABET[value])
    return f"{prefix}_{''.join(reversed(characters))}"


def decode_key(prefix: str, public_id: str) -> int | None:
    """Read the bigint key back, or return None where the text is no id of this kind."""
    head, _, digits = public_id.partition("_")
    if head != prefix or len(digits) != _KEY_LENGTH or not set(digits) <= _VALUE_OF.keys():
        return None
    key = 0
    for character in digits:
        key = key * 32 + _VALUE_OF[character]
    return key if key <= _KEY_MAX else None


class PublicIdField(models.CharField):
    """A unique public id, made with the object, for example `PublicIdField("ord")`."""

    def __init__(self, prefix: str, **options: object) -> None:
        self.prefix = prefix
        options |= {"max_length": PUBLIC_ID_LENGTH_MAX, "unique": True, "editable": False, "default": self.make}
        super().__init__(**options)  # type: ignore[arg-type]

    def make(self) -> str:
        return new_public_id(self.prefix)

    def deconstruct(self) -> tuple[str, str, list, dict]:
        name, path, _args, options = super().deconstruct()
        for fixed in ("max_length", "unique", "editable", "default"):
            options.pop(fixed, None)
        return name, path, [self.prefix], options
