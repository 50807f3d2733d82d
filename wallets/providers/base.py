"""
What a payment provider can do, and how it answers.

Every call names our own public id of the top-up, withdrawal or charge as its `reference`; `known_as` is the
provider's own name for it, as far as it has told us. A provider must treat a second call of the same reference
as the first one's repeat, so that repeating never moves money twice. It answers with an outcome; what it cannot
tell yet, after a time-out too, is `InProgress`.

`Succeeded` and `Failed` are final: whoever has said one of them never says anything else of that reference, but for
money out that a bank sends back after it has arrived: a provider's signed webhook may say so (`bounce_withdrawal`).
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
    """
    The provider will know later; ask with `query`.

    `client_secret`: with it the payer goes on in the provider's own form, where one is needed.
    """

    provider_reference: str = ""
    client_secret: str = ""


@dataclass(frozen=True, slots=True)
class NotKnown:
    """The provider has never heard of this reference: the call did not reach it."""


Outcome = Succeeded | Failed | InProgress


@dataclass(frozen=True, slots=True)
class Charge:
    """A charge that is given back: our name for it, and the provider's."""

    reference: str
    known_as: str = ""


class PaymentProvider(Protocol):
    """One provider. Calls may be slow and remote: never inside a transaction."""

    def charge(self, *, reference: str, amount: Money, owner: str) -> Outcome:
        """Take money in for the wallet of the account `owner`."""

    def payout(self, *, reference: str, amount: Money, owner: str, target: str) -> Outcome:
        """Pay money out to the account `owner`; `target`: where to, as it was given, empty where nothing was named."""

    def refund(self, *, reference: str, charge: Charge, amount: Money) -> Outcome:
        """Give a part of a charge back, the way it came."""

    def query(self, *, reference: str, known_as: str = "") -> Outcome | NotKnown:
        """Say what became of a charge, payout or refund."""

    def cancel(self, *, reference: str, known_as: str = "") -> Outcome:
        """
        See to it that a charge is not made, one that never arrived too.

        `Failed`: it is not, and never will be (one that was made is undone). `Succeeded`: too late, the money stays.
        """


class IdentityServer(Protocol):
    """A third party that keeps the money of identities: it charges them for trades at the counter."""

    def charge(self, *, reference: str, identity: str, trade_no: str, amount: Money) -> Outcome:
        """Take exactly this amount from the identity for exactly this trade."""

    def refund(self, *, reference: str, charge: Charge, amount: Money) -> Outcome:
        """Give a part of a charge back to the identity."""

    def query(self, *, reference: str, known_as: str = "") -> Outcome | NotKnown:
        """Say what became of a charge or refund."""

    def cancel(self, *, reference: str, known_as: str = "") -> Outcome:
        """Undo a charge, as `PaymentProvider.cancel` does."""
