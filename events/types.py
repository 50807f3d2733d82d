"""What an event is: published facts under a name, with a key and a subject."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar


@dataclass(frozen=True, kw_only=True)
class Event:
    """
    A fact that the rest of the house may rely on. Subclasses list the payload; docs/events.md publishes it.

    Money fields end in `_minor` and carry a `currency`; accounts and orders are public ids.
    `holds`: ids of the ledger holds that booking this event releases.
    `undoes`: key of the event whose journal this one takes back, in part or whole.
    """

    type: ClassVar[str]

    @property
    def key(self) -> str:
        """What makes this event the same event again; at most 160 characters."""
        raise NotImplementedError(f"{type(self).__name__} says no key")

    @property
    def subject(self) -> str:
        """Deliveries keep their order within it: for all money of an order, the order."""
        raise NotImplementedError(f"{type(self).__name__} says no subject")

    def payload(self) -> dict[str, Any]:
        """The facts as stored: what is absent (None) is left out."""
        return {name: value for name, value in vars(self).items() if value is not None}


def emitted_types() -> frozenset[str]:
    """The names of all events that the rooms of this house emit."""
    return frozenset(kind.type for kind in _kinds_of(Event) if hasattr(kind, "type"))


def _kinds_of(event: type[Event]) -> Iterator[type[Event]]:
    for kind in event.__subclasses__():
        yield kind
        yield from _kinds_of(kind)
