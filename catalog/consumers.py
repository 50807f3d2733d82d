"""What the catalogue hears."""

from collections.abc import Sequence

from catalog.services import end_offers
from events.consumers import consumes
from events.models import EventRecord


@consumes("account.closed", name="closed_sellers")
def end_offers_of_closed_sellers(events: Sequence[EventRecord]) -> None:
    """
    Take off sale what accounts offered that have closed; buyers offered nothing.

    Orders are refused from the moment of closing (`accounts.services.hold_open`), not only once this has run.
    """
    for event in events:
        end_offers(seller=event.subject, now=event.occurred_at)
