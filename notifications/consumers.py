"""The inbox hears whatever somebody is to be told of."""

from collections.abc import Sequence

from django.conf import settings

from events.consumers import consumes
from events.models import EventRecord
from notifications.kinds import TYPES, notes_of
from notifications.services import write_messages


@consumes(*TYPES, name="messages")
def tell(events: Sequence[EventRecord]) -> None:
    """
    Write down for each account concerned what it is told, exactly once, and say that there is news.

    What was long ago when it was recorded is an imported history, and news to nobody.
    """
    news = [event for event in events if event.recorded_at - event.occurred_at <= settings.MESSAGE_NEWS_MAX]
    write_messages(notes=notes_of(news))
