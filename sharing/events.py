"""What sharing says has happened; docs/events.md publishes the payloads."""

from dataclasses import dataclass
from typing import ClassVar

from events.types import Event
from wallets.events import share_charged_key


@dataclass(frozen=True, kw_only=True)
class ShareCharged(Event):
    """A sharer brought the customer of a line: this is its part of what the seller gets for it."""

    type: ClassVar[str] = "share.charged"
    order: str
    line: str
    share: str
    seller: str
    sharer: str
    amount_minor: int
    currency: str
    channel: str | None = None
    institution: str | None = None

    @property
    def key(self) -> str:
        return share_charged_key(self.line)

    @property
    def subject(self) -> str:
        return self.order


@dataclass(frozen=True, kw_only=True)
class HoldEvent(Event):
    """What becomes of a guard's suspicion against a sharer's part of a line; moves no money."""

    order: str
    line: str
    share: str
    sharer: str
    amount_minor: int
    currency: str

    @property
    def key(self) -> str:
        return f"{self.type}:{self.line}"

    @property
    def subject(self) -> str:
        return self.order


@dataclass(frozen=True, kw_only=True)
class ShareHeld(HoldEvent):
    """A sharer's part waits, because guards found something odd; an operator or its time ends that."""

    type: ClassVar[str] = "share.held"
    guards: list[str]
    until: str


@dataclass(frozen=True, kw_only=True)
class ShareHoldEnded(HoldEvent):
    """A held part goes on as any other (`released`, `expired`), or back to the seller (`rejected`)."""

    type: ClassVar[str] = "share.hold_ended"
    decision: str


@dataclass(frozen=True, kw_only=True)
class EndEvent(Event):
    """Why a share leads nowhere any more; moves no money."""

    share: str
    item: str
    sharer: str

    @property
    def key(self) -> str:
        return f"{self.type}:{self.share}"

    @property
    def subject(self) -> str:
        return self.share


@dataclass(frozen=True, kw_only=True)
class ShareTakenDown(EndEvent):
    """An operator has revoked somebody's share; why, its row says."""

    type: ClassVar[str] = "share.taken_down"


@dataclass(frozen=True, kw_only=True)
class ShareEnded(EndEvent):
    """The program of an item that somebody shares has ended: `share` is the first one that the sharer had of it."""

    type: ClassVar[str] = "share.ended"
