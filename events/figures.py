"""What /metrics shows of the outbox."""

from collections.abc import Iterator

from core.metrics import register_gauge
from events.selectors import queue_states


def register() -> None:
    """Queue length, age and parked deliveries per consumer."""
    register_gauge(
        "marketplace_deliveries_waiting", "Deliveries that wait, by consumer.", _waiting, labels=["consumer"]
    )
    register_gauge("marketplace_deliveries_parked", "Deliveries set aside, by consumer.", _parked, labels=["consumer"])
    register_gauge(
        "marketplace_delivery_age_seconds", "Age of the oldest delivery, by consumer.", _ages, labels=["consumer"]
    )


def _waiting() -> Iterator[tuple[list[str], float]]:
    yield from (([state.consumer], state.waiting) for state in queue_states())


def _parked() -> Iterator[tuple[list[str], float]]:
    yield from (([state.consumer], state.parked) for state in queue_states())


def _ages() -> Iterator[tuple[list[str], float]]:
    yield from (([state.consumer], state.oldest_age_seconds) for state in queue_states())
