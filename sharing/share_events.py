"""What sharing says has happened to shares; docs/events.md publishes the payloads."""

from dataclasses import dataclass
from typing import ClassVar

from events.types import Event


@dataclass(frozen=True, kw_only=True)
class ShareTakenDown(Event):
    """An operator has revoked somebody's share; why, its row says."""

    type: ClassVar[str] = "share.taken_down"
    share: str
    item: str
    sharer: str

    @property
    def key(self) -> str:
        return f"{self.type}:{self.share}"

    @property
    def subject(self) -> str:
        return self.share
