"""Secrets that must be read back (second factors, pay-code secrets), encrypted where they are kept."""

import base64
import hashlib

from cryptography.fernet import Fernet, MultiFernet
from django.conf import settings


def encrypt(secret: str) -> str:
    """Return a secret as it may be kept: a copy of the database without `SECRET_KEY` does not give it away."""
    return _cipher().encrypt(secret.encode()).decode()


def decrypt(kept: str) -> str:
    """Return what `encrypt` was given, also under one of `SECRET_KEY_FALLBACKS`."""
    return _cipher().decrypt(kept.encode()).decode()


def _cipher() -> MultiFernet:
    return MultiFernet([Fernet(_key(str(secret))) for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)])


def _key(secret: str) -> bytes:
    return base64.urlsafe_b64encode(hashlib.sha256(f"core.secrecy: {secret}".encode()).digest())
