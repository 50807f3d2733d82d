"""Registrations and closings, as the forest of people hears them."""

from collections.abc import Sequence

from accounts.models import Account
from distribution.services.referring import end_closed, place_registered
from events.consumers import consumes
from events.models import EventRecord


@consumes("account.registered", "account.closed", name="referral_binding")
def bind_referrals(events: Sequence[EventRecord]) -> None:
    """
    Give who registered a place below whose code it came with, and end the place of who closed.

    Both in one consumer: an account's closing is heard after its registration, as both have the same subject.
    """
    accounts = {account.public_id: account for account in Account.objects.filter(public_id__in=_subjects(events))}
    registered = [event for event in events if event.type == "account.registered"]
    place_registered(accounts=[accounts[event.subject] for event in registered])
    for event in events:
        if event.type == "account.closed":
            end_closed(account=accounts[event.subject], now=event.occurred_at)


def _subjects(events: Sequence[EventRecord]) -> set[str]:
    return {event.subject for event in events}
