"""What providers tell us by themselves: signed, maybe twice, maybe late, maybe before their own answer."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from core.errors import NotFound
from wallets.errors import ProviderUnknown
from wallets.providers.base import Outcome
from wallets.providers.registry import find_identity_server, find_provider, keeps_money


@dataclass(frozen=True, slots=True)
class Notice:
    """
    One thing that a provider says has happened, in its own words and under its own id of it.

    `outcome`: None where it is no end of anything; then the provider is asked. `known_as`: the provider's own name
    for the payment that it speaks of; an end of one that is not ours (a second try that nobody was told of) is none.
    """

    event_id: str
    kind: str
    reference: str = ""
    outcome: Outcome | None = None
    known_as: str = ""


@runtime_checkable
class HearsWebhooks(Protocol):
    """A provider or identity server that calls us."""

    def read_notice(self, raw: bytes, body: dict[str, Any], headers: Mapping[str, str]) -> Notice:
        """
        Check who has signed a webhook, and return what it says. Asks nobody.

        :raises WebhookForged: the provider has not signed it, or too long ago.
        :raises WebhookUnreadable: it is not as this provider writes them.
        """


def find_hearer(provider: str) -> HearsWebhooks:
    """
    Return who understands the webhooks of a provider.

    :raises NotFound: there is no such provider, or it sends none.
    """
    try:
        found = find_identity_server(provider) if keeps_money(provider) else find_provider(provider)
    except ProviderUnknown as unknown:
        raise NotFound from unknown
    if not isinstance(found, HearsWebhooks):
        raise NotFound
    return found
