"""
What a payment provider can do, and how it answers.

Every call names our own public id of the top-up or withdrawal as its `reference`. A provider must
treat a second call of the same reference as the first one's repeat, so that repeating never moves money
twice. It answers with an outcome; what it cannot tell yet, after a time-out too, is `InProgress`.
"""

from dataclasses import dataclass
from typing import Protocol

from core.money import Money


@dataclass(frozen=True, slots=True)
class Succeeded:
    """The money has moved; `provider_reference` is the provider's own name for it."""

    provider_reference: str = ""


@dataclass(frozen=True, slots=True)
class Failed:
    """No money has moved, and none will; `reason` is a short stable word."""

    reason: str


@dataclass(frozen=True, slots=True)
class InProgress:
    """The provider will know later; ask with `query`."""

    provider_reference: str = ""


@dataclass(frozen=True, slots=True)
class NotKnown:
    """The provider has never heard of this reference: the call did not reach it."""


Outcome = Succeeded | Failed | InProgress


class PaymentProvider(Protocol):
    """One provider. Calls may be slow and remote: never inside a transaction."""

    def charge(self, *, reference: str, amount: Money, owner: str) -> Outcome:
        """Take money in for the wallet of the account `owner`."""

    def payout(self, *, reference: str, amount: Money, owner: str) -> Outcome:
        """Pay money out to the account `owner`."""

    def query(self, *, reference: str) -> Outcome | NotKnown:
        """Say what became of a charge or payout."""
