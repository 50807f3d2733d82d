"""Credentials of tills: 256 random bits, kept as keyed digests only."""

import secrets

from django.conf import settings
from django.utils.crypto import salted_hmac

from accounts.models import Account
from accounts.references import NAMED_BY
from catalog.models import Store
from core.prepared import Columns, Prepared
from orders.counter.models import Terminal

PREFIX = "till_"
_KEY_BYTES = 32
_SALT = "orders.counter.keys"

_TILL, _STORE, _SELLER = Columns(Terminal, "t"), Columns(Store, "s"), Columns(Account, "a", *NAMED_BY)
_FIND = Prepared(
    "find_terminal",
    f"""
    SELECT {_TILL}, {_STORE}, {_SELLER} FROM orders_terminal t
    JOIN catalog_store s ON s.id = t.store_id JOIN accounts_account a ON a.id = s.seller_id
    WHERE t.key_digest = %(digest)s AND t.revoked_at IS NULL AND a.is_active
    """,  # noqa: S608 - names of columns
)


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
    found = next(filter(None, (_FIND.row(digest=digest) for digest in known_digests(key))), None)
    if found is None:
        return None
    values = iter(found)
    terminal, store, seller = _TILL.take(values), _STORE.take(values), _SELLER.take(values)
    terminal.store, store.seller = store, seller
    return terminal


def _digest(key: str, secret: str | bytes) -> str:
    return salted_hmac(_SALT, key, secret=secret, algorithm="sha256").hexdigest()
