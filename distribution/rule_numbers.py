"""
Rule numbers: the readable names of the nodes that share sales, such as `BR-3550308-A2-000005570-0003-2`.

The parts are scheme, area code, kind and tier, serial, version, check character; docs/rule_numbers.md has examples.
A number is made once, for one row, and never changes; what replaces that row is the next version under a number of
its own, so the old one still leads to what it named.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from django.db import models

RULE_NUMBER_LENGTH_MAX = 80
SERIAL_DIGITS = 9
VERSION_DIGITS = 4

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_PATTERN = re.compile(
    r"(?:(?P<scheme>[0-9A-Z]+)-(?P<code>[0-9A-Z]+)-(?P<area_kind>[AP])(?P<level>\d+)|(?P<kind>R))"
    r"-(?P<serial>\d+)-(?P<version>\d+)-(?P<check>[0-9A-Z])\Z",
    re.ASCII,
)


class NodeKind(StrEnum):
    """What a rule number names."""

    AGENT = "agent"
    PLACEMENT = "placement"
    REFERRAL = "referral"


_LETTERS = {NodeKind.AGENT: "A", NodeKind.PLACEMENT: "P", NodeKind.REFERRAL: "R"}
_KINDS = {letter: kind for kind, letter in _LETTERS.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleNumber:
    """A rule number taken apart; `str()` writes it. A referral has no area: scheme and code are empty."""

    kind: NodeKind
    scheme: str = ""
    code: str = ""
    level: int = 0
    serial: int
    version: int

    def __str__(self) -> str:
        letter = _LETTERS[self.kind]
        place = letter if self.kind is NodeKind.REFERRAL else f"{self.scheme}-{self.code}-{letter}{self.level}"
        body = f"{place}-{self.serial:0{SERIAL_DIGITS}}-{self.version:0{VERSION_DIGITS}}"
        return f"{body}-{check_character(body)}"


class RuleNumberField(models.CharField):
    """
    The column for a rule number. Give it a UniqueConstraint as well: under the C collation that one index keeps
    numbers unique, sorts them as the bytes do, and serves prefixes.
    """

    def __init__(self, **options: Any) -> None:
        options |= {"max_length": RULE_NUMBER_LENGTH_MAX, "db_collation": "C", "editable": False}
        super().__init__(**options)


def new_rule_number(
    kind: NodeKind, *, serial: int, scheme: str = "", code: str = "", level: int = 0, previous: str = ""
) -> str:
    """
    Return the number for a new row of a node.

    `serial`: the key of what the node is about, which the database has given out already and which stays the same
    over all versions: the store of a placement, the area of an agent's seat, the account of a referral. So there is
    nothing to allocate, and no counter to queue at.
    `previous`: the number of the row of the same store, area or account that came before this one, whatever area
    that was in; empty for the first. Read it under the lock under which the row is written.
    `scheme`, `code`, `level`: of the area, for placements and seats. Only letters and digits of the codes are
    written (`BR-SP` becomes `BRSP`); the serial tells apart what that makes alike.
    """
    version = parse_rule_number(previous).version + 1 if previous else 1
    number = RuleNumber(
        kind=kind, scheme=_letters_and_digits(scheme), code=_letters_and_digits(code),
        level=level, serial=serial, version=version,
    )  # fmt: skip
    if kind is not NodeKind.REFERRAL and not (number.scheme and number.code):
        raise ValueError(f"An area without a letter or digit in its code has no rule number: {scheme}:{code}")
    return str(number)


def parse_rule_number(text: str) -> RuleNumber:
    """
    Take a number apart; case and spaces around it are forgiven.

    :raises ValueError: it has not the form of a rule number, or its check character does not fit: mistyped.
    """
    text = text.strip().upper()
    found = _PATTERN.match(text)
    if found is None:
        raise ValueError(f"{text!r} is no rule number")
    if check_character(text[:-2]) != found["check"]:
        raise ValueError(f"The check character of {text!r} does not fit")
    return RuleNumber(
        kind=_KINDS[found["area_kind"] or found["kind"]],
        scheme=found["scheme"] or "",
        code=found["code"] or "",
        level=int(found["level"] or 0),
        serial=int(found["serial"]),
        version=int(found["version"]),
    )


def normal_prefix(text: str) -> str:
    """Return the beginning of a number as numbers are written; hyphens count, case and spaces around do not."""
    return text.strip().upper()


def check_character(body: str) -> str:
    """
    Return the check character of a number without one: ISO 7064, hybrid system MOD 37,36; hyphens do not count.

    It finds every single mistyped character and nearly every swap of two neighbours.
    """
    product = 36
    for character in body:
        if character == "-":
            continue
        total = (product + _ALPHABET.index(character)) % 36 or 36
        product = total * 2 % 37
    return _ALPHABET[(37 - product) % 36]


def _letters_and_digits(code: str) -> str:
    return "".join(character for character in code.upper() if character in _ALPHABET)
