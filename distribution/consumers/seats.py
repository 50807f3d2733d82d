"""Closings, as the seats of agents hear them."""

from collections.abc import Sequence

from accounts.models import Account
from distribution.services.seats import end_seats_of
from events.consumers import consumes
from events.models import EventRecord


@consumes("account.closed", name="closed_agents")
def end_seats_of_closed_agents(events: Sequence[EventRecord]) -> None:
    """End the seats of accounts that have closed, as of then. Chains leave them out from that moment on already."""
    for account in Account.objects.filter(public_id__in={event.subject for event in events}):
        closed_at = next(event.occurred_at for event in events if event.subject == account.public_id)
        end_seats_of(account=account, now=closed_at)
