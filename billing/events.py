"""What billing itself says has happened: corrections of the book. docs/events.md publishes the payloads."""

from dataclasses import dataclass

from events.types import Event

REVERSED, REBOOKED = "journal.reversed", "journal.rebooked"
CORRECTIONS = frozenset({REVERSED, REBOOKED})


@dataclass(frozen=True, kw_only=True)
class Correction(Event):
    """
    A journal of the past is put right: `journal` is taken back, or what stands in its place is booked.

    The legs are decided, under the locks of the accounts, where the event is emitted:
    `{"debit", "credit", "amount_minor"}` in the order in which they are booked.
    """

    journal: str
    event: str
    of: str
    rule_set: str
    rule: str
    legs: list[dict[str, object]]
    currency: str
    reason: str
    job: str | None = None

    @property
    def key(self) -> str:
        """A journal is taken back once, and replaced once."""
        return f"{self.type}:{self.journal}"

    @property
    def subject(self) -> str:
        return self.of


@dataclass(frozen=True, kw_only=True)
class JournalReversed(Correction):
    """A journal is taken back. What a wallet could not give is owed: those legs debit `debt:` of its owner."""

    type = REVERSED


@dataclass(frozen=True, kw_only=True)
class JournalRebooked(Correction):
    """An event whose journal was taken back is booked again, by another version of the rules."""

    type = REBOOKED
