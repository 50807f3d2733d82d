"""Which consumer hears which events. Rooms register theirs when Django starts (`apps.py`)."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from events.models import EventRecord

Handle = Callable[[Sequence[EventRecord]], None]
Run = Callable[[], float | None]


@dataclass(frozen=True, slots=True)
class Consumer:
    """
    Somebody who hears events.

    `types`: the event types it hears, by name. `after`: consumers that must have heard an event first.
    `handle`: takes a batch in the caller's transaction; database effects only.
    `run`: takes over delivery entirely (billing's batches); returns in how many seconds more is due.
    """

    name: str
    types: frozenset[str]
    after: tuple[str, ...] = ()
    handle: Handle | None = None
    run: Run | None = None


_consumers: dict[str, Consumer] = {}


def consumes(*types: str, name: str | None = None, after: Sequence[str] = ()) -> Callable[[Handle], Handle]:
    """Register a function as the consumer `name` (its own name by default) of these event types."""

    def register(handle: Handle) -> Handle:
        add_consumer(Consumer(name or handle.__name__, frozenset(types), tuple(after), handle=handle))
        return handle

    return register


def add_consumer(consumer: Consumer) -> None:
    """Register a consumer; a second one of the same name is a mistake."""
    if consumer.name in _consumers:
        raise ValueError(f"There are two consumers named {consumer.name}")
    _consumers[consumer.name] = consumer


def get_consumer(name: str) -> Consumer:
    return _consumers[name]


def all_consumers() -> list[Consumer]:
    """Return every consumer, by name."""
    return [_consumers[name] for name in sorted(_consumers)]


def hearers(event_type: str) -> list[str]:
    """Return the names of the consumers that hear events of this type."""
    return [consumer.name for consumer in all_consumers() if event_type in consumer.types]


def short_turns_first(names: Iterable[str]) -> list[str]:
    """Put in order those who are rung together: who delivers for itself may take seconds, and all others moments."""
    long = {consumer.name for consumer in all_consumers() if consumer.run is not None}
    return sorted(set(names), key=lambda name: (name in long, name))
