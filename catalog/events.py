"""What the catalogue says has happened. Public ids only: names and places live in rows that can be erased."""

from dataclasses import dataclass

from events.types import Event


@dataclass(frozen=True, kw_only=True)
class StoreEvent(Event):
    """Something happened to a store; `store` is the subject."""

    store: str
    seller: str

    @property
    def key(self) -> str:
        return f"{self.type}:{self.store}"

    @property
    def subject(self) -> str:
        return self.store


@dataclass(frozen=True, kw_only=True)
class StoreOpened(StoreEvent):
    """A store was opened; where, its row says."""

    type = "store.opened"


@dataclass(frozen=True, kw_only=True)
class StoreMoved(StoreEvent):
    """A store's coordinates or declared area changed, for the `move`-th time."""

    type = "store.moved"
    move: int

    @property
    def key(self) -> str:
        return f"{self.type}:{self.store}:{self.move}"


@dataclass(frozen=True, kw_only=True)
class StoreClosed(StoreEvent):
    """A store was closed for good."""

    type = "store.closed"


@dataclass(frozen=True, kw_only=True)
class ItemPublished(Event):
    """An item is on sale for the first time; `login_account` is who really did it."""

    type = "item.published"
    item: str
    seller: str
    login_account: str
    session: str | None

    @property
    def key(self) -> str:
        return f"{self.type}:{self.item}"

    @property
    def subject(self) -> str:
        return self.item
