"""
What stands in the address behind a scan: a ticket that we signed, so that reading it needs no look at anything.

It travels in URLs and in the API and nowhere else. Whoever uses it first while logged in has the scan from then on.
"""

import base64
import binascii
import struct
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.utils.crypto import constant_time_compare, salted_hmac

from sharing.errors import ScanTokenExpired, ScanTokenForged
from sharing.models import ScanClass

_SALT = "sharing.tokens"
_FORM = struct.Struct(">BQQq")  # class, scan, share, microseconds since 1970
_SIGNATURE_BYTES = 16
_LENGTH = _FORM.size + _SIGNATURE_BYTES
_CLASSES = (ScanClass.HUMAN, ScanClass.BOT, ScanClass.PREVIEW, ScanClass.SELF)  # Their places are in the tokens.
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

TOKEN_LENGTH_MAX = 100  # They have 55 characters; whatever is longer than this is none of ours.


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanTicket:
    """What a token says: which scan of which share it was, when by the house's clock, and of what class."""

    scan_id: int
    share_id: int
    scanned_at: datetime
    scan_class: ScanClass


def write_token(ticket: ScanTicket) -> str:
    """Return the ticket, signed, in characters that need no quoting in addresses."""
    microseconds = (ticket.scanned_at - _EPOCH) // _MICROSECOND
    said = _FORM.pack(_CLASSES.index(ticket.scan_class), ticket.scan_id, ticket.share_id, microseconds)
    return base64.urlsafe_b64encode(said + _signature(said, settings.SECRET_KEY)).decode().rstrip("=")


def read_token(text: str, *, now: datetime) -> ScanTicket:
    """
    Return what a token says.

    :raises ScanTokenForged: nobody here wrote it.
    :raises ScanTokenExpired: the scan is older than `SCAN_TOKEN_LIFETIME` at `now` (the house's clock).
    """
    ticket = _read(text)
    if now > ticket.scanned_at + settings.SCAN_TOKEN_LIFETIME:
        raise ScanTokenExpired
    return ticket


def _read(text: str) -> ScanTicket:
    if len(text) > TOKEN_LENGTH_MAX or not text.isascii():
        raise ScanTokenForged
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except binascii.Error as broken:
        raise ScanTokenForged from broken
    said, signature = raw[: _FORM.size], raw[_FORM.size :]
    if len(raw) != _LENGTH or not any(constant_time_compare(signature, _signature(said, key)) for key in _keys()):
        raise ScanTokenForged
    place, scan_id, share_id, microseconds = _FORM.unpack(said)
    return ScanTicket(
        scan_id=scan_id,
        share_id=share_id,
        scanned_at=_EPOCH + timedelta(microseconds=microseconds),
        scan_class=_CLASSES[place],
    )


def _keys() -> list[str]:
    """The newest signs; tokens live a month, and so a new secret's fallback has to."""
    return [str(key) for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)]


def _signature(said: bytes, key: str) -> bytes:
    return salted_hmac(_SALT, said, secret=key, algorithm="sha256").digest()[:_SIGNATURE_BYTES]
