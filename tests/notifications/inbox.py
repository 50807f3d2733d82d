"""Events told to people, and what is in their inboxes."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from django.db import transaction

from accounts.models import Account
from core import clock
from distribution.people_events import AgentAppointed
from events.consumers import get_consumer
from events.delivery import deliver_batch
from events.services import emit
from events.types import Event
from notifications.models import Message

NOON = datetime(2027, 3, 1, 12, tzinfo=UTC)


def happens(*events: Event, at: datetime | None = None) -> None:
    """All of them in one transaction, and the inbox hears them."""
    with transaction.atomic():
        for event in events:
            emit(event, occurred_at=at or clock.now())
    hear()


def hear() -> None:
    while deliver_batch(get_consumer("messages")):
        pass


def appointed(account: Account, number: int = 1) -> AgentAppointed:
    """Something that happens to one account."""
    seat = f"agt_{account.pk}_{number}"
    return AgentAppointed(
        seat=seat, area="ZZ:N", account=account.public_id, rule_number="A-ZZ-1", from_at=NOON.isoformat()
    )


def told(account: Account) -> list[tuple[str, dict[str, Any]]]:
    """What an account was told, the oldest first."""
    messages: Sequence[Message] = Message.objects.filter(account=account).order_by("id")
    return [(message.kind, message.data) for message in messages]
