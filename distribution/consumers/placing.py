"""Stores are placed as the catalogue says that they open, move and close."""

from collections.abc import Sequence

from distribution.services import StoreNews, follow_stores
from events.consumers import consumes
from events.models import EventRecord


@consumes("store.opened", "store.moved", "store.closed", name="placement")
def place_stores(events: Sequence[EventRecord]) -> None:
    """Find where each store stands, or end its placement."""
    follow_stores(news=[StoreNews(event.subject, event.type, event.occurred_at) for event in events])
