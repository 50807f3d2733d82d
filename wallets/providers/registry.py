"""Providers by name, as the settings list them."""

from functools import cache

from django.conf import settings
from django.utils.module_loading import import_string

from wallets.errors import ProviderUnknown
from wallets.providers.base import PaymentProvider


def find_provider(name: str) -> PaymentProvider:
    """
    Return the provider of this name.

    :raises ProviderUnknown: the settings list none.
    """
    path = settings.PAYMENT_PROVIDERS.get(name)
    if path is None:
        raise ProviderUnknown
    return _made(path)


@cache
def _made(path: str) -> PaymentProvider:
    """Made once per process: a provider may keep connections."""
    return import_string(path)()
