"""From the event of a correction to its journal: its legs come with it, no rule is asked."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from billing.events import REVERSED
from billing.models import RuleSet
from core.ids import decode_key
from events.delivery import RecordedEvent
from ledger.posting import JournalDraft

Legs = Sequence[tuple[str, str, int]]  # (debit code, credit code, minor units)

RULE_SETS_REMEMBERED = 256


def draft_correction(event: RecordedEvent) -> JournalDraft:
    """Return the journal of a `journal.reversed` or `journal.rebooked`; it pins the version that decided its legs."""
    payload = event.payload
    return JournalDraft(
        event_id=event.id,
        subject=event.subject,
        currency=payload["currency"],
        rule_set_id=_rule_set_id(payload["rule_set"]),
        rule=payload["rule"],
        effective_at=event.occurred_at,
        transfers=legs_of(payload),
        reverses_id=decode_key("jrn", payload["journal"]) if event.type == REVERSED else None,
    )


def legs_of(payload: Mapping[str, Any]) -> Legs:
    """Read the legs of a correction's payload."""
    return [(leg["debit"], leg["credit"], leg["amount_minor"]) for leg in payload["legs"]]


def taken_back_by_hand(type_: str, payload: Mapping[str, Any]) -> bool:
    """Whether an event is an operator's reversal, and not a repair's."""
    return type_ == REVERSED and not payload.get("job")


def written_legs(legs: Legs) -> list[dict[str, object]]:
    """Write legs as a payload holds them."""
    return [{"debit": debit, "credit": credit, "amount_minor": minor} for debit, credit, minor in legs]


def swapped(legs: Legs) -> list[tuple[str, str, int]]:
    """Return the legs that take these back."""
    return [(credit, debit, minor) for debit, credit, minor in legs]


@lru_cache(maxsize=RULE_SETS_REMEMBERED)
def _rule_set_id(public_id: str) -> int:
    """A version keeps its id for ever."""
    return RuleSet.objects.values_list("id", flat=True).get(public_id=public_id)
