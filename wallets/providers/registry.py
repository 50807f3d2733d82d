"""Providers and identity servers by name, as the settings list them."""

from functools import cache
from typing import Any

from django.conf import settings
from django.utils.module_loading import import_string

from wallets.errors import ProviderUnknown
from wallets.providers.base import IdentityServer, PaymentProvider


def find_provider(name: str) -> PaymentProvider:
    """
    Return the provider of this name.

    :raises ProviderUnknown: the settings list none.
    """
    return _made(_path(settings.PAYMENT_PROVIDERS, name))


def find_identity_server(name: str) -> IdentityServer:
    """
    Return the server that keeps the money of this provider's identities.

    :raises ProviderUnknown: the settings list none: their money is in our wallets.
    """
    return _made(_path(settings.IDENTITY_SERVERS, name))


def keeps_money(provider: str) -> bool:
    """Whether the money of this provider's identities is on its own server, and not in our wallets."""
    return provider in settings.IDENTITY_SERVERS


def _path(listed: dict[str, str], name: str) -> str:
    path = listed.get(name)
    if path is None:
        raise ProviderUnknown
    return path


@cache
def _made(path: str) -> Any:
    """Made once per process: a provider may keep connections."""
    return import_string(path)()
