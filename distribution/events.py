"""What distribution says has happened; docs/events.md publishes the payloads."""

from dataclasses import dataclass
from typing import ClassVar

from events.types import Event


def accrued_key(*, order: str, part: str) -> str:
    """The key of the event that gives commissions of one part of an order (one store's lines), which reversals name."""
    return _key(CommissionAccrued.type, order, part)


def escrow_released_key(*, order: str, part: str, level: int, gone_minor: int) -> str:
    """Each release from escrow ends at its own total of what has left it."""
    return _key(EscrowReleased.type, order, part, str(level), str(gone_minor))


def _key(*pieces: str) -> str:
    return ":".join(filter(None, pieces))


@dataclass(frozen=True, kw_only=True)
class CommissionAccrued(Event):
    """
    Who gets what of the platform's fee of one sale; `agent_3` is the agent of the area of level 3.

    One event for each store of an order (`part`). Who gets nothing is absent, with the amount.
    """

    type: ClassVar[str] = "commission.accrued"
    order: str
    part: str | None = None
    plan: str
    currency: str
    channel: str | None = None
    institution: str | None = None
    agent_0: str | None = None
    agent_0_minor: int | None = None
    agent_1: str | None = None
    agent_1_minor: int | None = None
    agent_2: str | None = None
    agent_2_minor: int | None = None
    agent_3: str | None = None
    agent_3_minor: int | None = None
    agent_4: str | None = None
    agent_4_minor: int | None = None
    agent_5: str | None = None
    agent_5_minor: int | None = None
    referrer_1: str | None = None
    referrer_1_minor: int | None = None
    referrer_2: str | None = None
    referrer_2_minor: int | None = None
    referrer_3: str | None = None
    referrer_3_minor: int | None = None
    merchant_referrer: str | None = None
    merchant_referrer_minor: int | None = None
    cashback: str | None = None
    cashback_minor: int | None = None

    @property
    def key(self) -> str:
        return accrued_key(order=self.order, part=self.part or "")

    @property
    def subject(self) -> str:
        return self.order


@dataclass(frozen=True, kw_only=True)
class CommissionEscrowed(Event):
    """What agents would get who are not known yet, by the level of their area; each is a ledger account."""

    type: ClassVar[str] = "commission.escrowed"
    order: str
    part: str | None = None
    plan: str
    currency: str
    channel: str | None = None
    institution: str | None = None
    agent_0: str | None = None
    agent_0_minor: int | None = None
    agent_1: str | None = None
    agent_1_minor: int | None = None
    agent_2: str | None = None
    agent_2_minor: int | None = None
    agent_3: str | None = None
    agent_3_minor: int | None = None
    agent_4: str | None = None
    agent_4_minor: int | None = None
    agent_5: str | None = None
    agent_5_minor: int | None = None

    @property
    def key(self) -> str:
        return _key(self.type, self.order, self.part or "")

    @property
    def subject(self) -> str:
        return self.order


@dataclass(frozen=True, kw_only=True)
class EscrowReleased(Event):
    """
    Money leaves escrow: to the agent who is known now, or back to the platform (refunded, or nobody's for good).

    `gone_minor` is all that has left this escrow (order, part, level) so far.
    """

    type: ClassVar[str] = "commission.escrow_released"
    order: str
    part: str | None = None
    level: int
    escrow: str
    owner: str | None = None
    to_owner_minor: int
    to_platform_minor: int
    gone_minor: int
    currency: str
    channel: str | None = None
    institution: str | None = None

    @property
    def key(self) -> str:
        return escrow_released_key(order=self.order, part=self.part or "", level=self.level, gone_minor=self.gone_minor)

    @property
    def subject(self) -> str:
        return self.order


@dataclass(frozen=True, kw_only=True)
class PlacementEvent(Event):
    """Something about where a store stands; the store is the subject."""

    placement: str
    store: str
    seller: str
    area: str | None = None
    evidence: str
    rule_number: str | None = None

    @property
    def key(self) -> str:
        return f"{self.type}:{self.placement}"

    @property
    def subject(self) -> str:
        return self.store


@dataclass(frozen=True, kw_only=True)
class StorePlaced(PlacementEvent):
    """A store stands in an area from now on, or waits until an operator says in which: then it pays nobody."""

    type: ClassVar[str] = "store.placed"
    waiting: bool


@dataclass(frozen=True, kw_only=True)
class PlacementDecided(PlacementEvent):
    """A placement that waited is settled, as of its beginning: by an operator, or by borders that came later."""

    type: ClassVar[str] = "placement.decided"
    decided_by: str | None = None
