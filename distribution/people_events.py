"""What distribution says has happened to agents and among people; docs/events.md publishes the payloads."""

from dataclasses import dataclass
from typing import ClassVar

from events.types import Event


@dataclass(frozen=True, kw_only=True)
class SeatEvent(Event):
    """Something happened to a seat (`agt_…`), which is the subject; `area` is a public code."""

    seat: str
    area: str
    account: str
    rule_number: str

    @property
    def subject(self) -> str:
        return self.seat


@dataclass(frozen=True, kw_only=True)
class AgentAppointed(SeatEvent):
    """An account looks after an area from a moment on, which may lie ahead; `replaces` is the seat before it."""

    type: ClassVar[str] = "agent.appointed"
    from_at: str
    replaces: str | None = None

    @property
    def key(self) -> str:
        return f"{self.type}:{self.seat}"


@dataclass(frozen=True, kw_only=True)
class AgentEnded(SeatEvent):
    """A seat ends at a moment, which may lie ahead; it may be brought forward later. `replaced_by` is the next seat."""

    type: ClassVar[str] = "agent.ended"
    until_at: str
    replaced_by: str | None = None

    @property
    def key(self) -> str:
        return f"{self.type}:{self.seat}:{self.until_at}"


@dataclass(frozen=True, kw_only=True)
class PlaceEvent(Event):
    """Something happened to an account's place among people (`ref_…`); the account is the subject."""

    referral: str
    account: str
    rule_number: str

    @property
    def key(self) -> str:
        return f"{self.type}:{self.referral}"

    @property
    def subject(self) -> str:
        return self.account


@dataclass(frozen=True, kw_only=True)
class ReferralBound(PlaceEvent):
    """An account has come through a referrer: `via` a code, a merchant's link or an operator."""

    type: ClassVar[str] = "referral.bound"
    referrer: str
    via: str


@dataclass(frozen=True, kw_only=True)
class ReferralMoved(PlaceEvent):
    """An account stands below another referrer from now on, or at the top; `via` an operator, or `moved` up."""

    type: ClassVar[str] = "referral.moved"
    referrer: str | None = None
    former_referrer: str | None = None
    via: str


@dataclass(frozen=True, kw_only=True)
class ReferralEnded(PlaceEvent):
    """An account has left its place, `because` an operator ended it or it was closed; those below move up."""

    type: ClassVar[str] = "referral.ended"
    referrer: str | None = None
    because: str
