"""Credentials of tills: 256 random bits, kept as keyed digests only."""

import secrets

from django.conf import settings
from django.utils.crypto import salted_hmac

from orders.counter.models import Terminal

PREFIX = "till_"
_KEY_BYTES = 32
_SALT = "orders.counter.keys"


def new_key() -> str:
    return PREFIX + secrets.token_urlsafe(_KEY_BYTES)


def digest_key(key: str) -> str:
    """Return what is kept of a key."""
    return _digest(key, settings.SECRET_KEY)


def known_digests(key: str) -> list[str]:
    """Return what may be kept of a key, also from before the installation's secret was changed: tills live long."""
    return [_digest(key, secret) for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)]


def find_terminal(key: str) -> Terminal | None:
    """Return the till in service with this key, store and seller at hand; None too where the seller is shut out."""
    living = Terminal.objects.filter(revoked_at=None, store__seller__is_active=True)
    return living.select_related("store__seller").filter(key_digest__in=known_digests(key)).first()


def _digest(key: str, secret: str | bytes) -> str:
    return salted_hmac(_SALT, key, secret=secret, algorithm="sha256").hexdigest()
