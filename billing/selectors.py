"""What became of events, and why the book looks as it does."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet

from billing.booking import BILLING
from billing.events import CORRECTIONS
from billing.models import ExternalEvent, Rebooking, RuleSet
from billing.rules import CHARGED_BY, PAYMENT, Rule
from billing.types import all_types
from billing.versions import compiled, timeline
from core import clock
from core.errors import NotFound
from core.ids import decode_key
from events.models import Delivery, EventRecord
from ledger.models import Batch, Journal, LedgerAccount, Transfer

PENDING, BOOKED, UNPOSTED = "pending", "booked", "unposted"


@dataclass(frozen=True, slots=True)
class EventState:
    """One money event and what became of it."""

    event: EventRecord
    status: str
    reason: str | None
    detail: str | None
    external_key: str | None


def get_event(public_id: str) -> EventRecord:
    """
    Return a money event by its public id.

    :raises NotFound: there is none, or it carries no money.
    """
    event = EventRecord.objects.filter(pk=decode_key("evt", public_id) or 0, type__in=all_types()).first()
    if event is None:
        raise NotFound
    return event


def money_events(status: str | None = None) -> QuerySet[EventRecord]:
    """Return the money events, all or those of one status."""
    events = EventRecord.objects.filter(type__in=list(all_types()))
    waiting = Delivery.objects.filter(consumer=BILLING, event_id=OuterRef("pk"))
    if status == BOOKED:
        return events.filter(Exists(Journal.objects.filter(pk=OuterRef("pk"))))
    if status == UNPOSTED:
        return events.filter(Exists(waiting.filter(parked_at__isnull=False)))
    return events.filter(Exists(waiting.filter(parked_at=None))) if status == PENDING else events


def states_of(events: Sequence[EventRecord]) -> list[EventState]:
    """Return what became of these events, in a constant number of statements."""
    ids = [event.pk for event in events]
    deliveries = {d.event_id: d for d in Delivery.objects.filter(consumer=BILLING, event_id__in=ids)}
    keys = dict(ExternalEvent.objects.filter(pk__in=ids).values_list("event_id", "key"))
    return [_state(event, deliveries.get(event.pk), keys.get(event.pk)) for event in events]


def _state(event: EventRecord, delivery: Delivery | None, key: str | None) -> EventState:
    if delivery is None:
        return EventState(event, BOOKED, None, None, key)
    if delivery.parked_at is None:
        return EventState(event, PENDING, None, None, key)
    return EventState(event, UNPOSTED, delivery.error_code, delivery.error_detail, key)


@dataclass(frozen=True, slots=True)
class JournalView:
    """
    A journal with what stands around it.

    `reversed_by_id`: the journal that takes it back. `stands_for_id`: the event that it books again.
    """

    journal: Journal
    batch: Batch
    rule_set: RuleSet
    transfers: Sequence[Transfer]
    codes: Mapping[int, str]
    reversed_by_id: int | None
    stands_for_id: int | None


def get_journal(public_id: str) -> JournalView:
    """
    Return a journal by its public id.

    :raises NotFound: there is none.
    """
    return _journal_view(decode_key("jrn", public_id))


def _journal_view(event_id: int | None) -> JournalView:
    journal = Journal.objects.filter(pk=event_id or 0).first()
    if journal is None:
        raise NotFound
    transfers = transfers_of([journal.event_id])
    return JournalView(
        journal,
        Batch.objects.get(pk=journal.batch_id),
        RuleSet.objects.get(pk=journal.rule_set_id),
        transfers,
        codes_of(transfers),
        Journal.objects.filter(reverses_id=journal.event_id).values_list("event_id", flat=True).first(),
        Rebooking.objects.filter(event_id=journal.event_id).values_list("stands_for_id", flat=True).first(),
    )


def transfers_of(event_ids: Sequence[int]) -> list[Transfer]:
    """Return the transfers of these events' journals, in order: ranges of the primary key, in one statement."""
    return list(
        Transfer.objects.raw(
            """
            SELECT t.* FROM unnest(%s::bigint[]) AS event(id)
            JOIN LATERAL (SELECT * FROM ledger_transfer WHERE id >= event.id << 8 AND id < (event.id + 1) << 8
                          LIMIT 256) t ON true ORDER BY t.id
            """,
            [list(event_ids)],
        )
    )


def codes_of(transfers: Sequence[Transfer]) -> dict[int, str]:
    """Return the codes of the accounts that these transfers touch."""
    ids = {t.debit_id for t in transfers} | {t.credit_id for t in transfers}
    return dict(LedgerAccount.objects.filter(pk__in=ids).values_list("pk", "code"))


@dataclass(frozen=True, slots=True)
class RuleTaken:
    """By which rule of which version of the rule set an event was booked."""

    rule: str
    rule_set: int
    version: str


def rules_taken(event_ids: Sequence[int]) -> dict[int, RuleTaken]:
    """Return by which rules these events were booked, by their keys; two statements, however many."""
    journals = list(Journal.objects.filter(pk__in=event_ids).values_list("event_id", "rule", "rule_set_id"))
    versions = {found.pk: str(found) for found in RuleSet.objects.filter(pk__in={row[2] for row in journals})}
    return {event: RuleTaken(rule, rule_set, versions[rule_set]) for event, rule, rule_set in journals}


IN_FORCE, RETRY, UNDONE = "in_force", "retry", "undone"


@dataclass(frozen=True, slots=True)
class Explanation:
    """
    Why one transfer was booked where it was.

    `event` has the transfer's journal. `decided` is the event that the rule matched: the same one, or the
    one of the past whose journal a correction takes back or replaces.
    """

    event: EventRecord
    decided: EventRecord
    rule: Rule
    rule_set: RuleSet
    batch: Batch
    near_misses: Sequence[tuple[str, str]]

    @property
    def corrects(self) -> Mapping[str, str] | None:
        """What a correction puts right, and why."""
        if self.event.type not in CORRECTIONS:
            return None
        return {name: self.event.payload[name] for name in ("event", "journal", "reason")}

    @property
    def because(self) -> str:
        """Why this version: in force when it happened, or at its retry; of what it takes back; of a correction."""
        if self.event.type in CORRECTIONS:
            return self.event.type
        if self.event.payload.get("undoes"):
            return UNDONE
        begins = self.rule_set.effective_from
        return RETRY if begins is not None and begins > self.event.occurred_at else IN_FORCE

    @property
    def retried(self) -> bool:
        """Booked by the version at a retry, not by the one in force when it happened."""
        return self.because == RETRY


def explain_transfer(public_id: str) -> Explanation:
    """
    Return the path from event to transfer, and why no other rule of the type was taken.

    :raises NotFound: there is no such transfer.
    """
    transfer = Transfer.objects.filter(pk=decode_key("trf", public_id) or 0).first()
    if transfer is None:
        raise NotFound
    view = _journal_view(transfer.journal_id)
    event = EventRecord.objects.get(pk=transfer.journal_id)
    decided = _decided(event)
    rules = compiled(view.rule_set.pk).rules_by_type[decided.type]
    taken = next(rule for rule in rules if rule.name == view.journal.rule)
    misses = [(rule.name, _why_not(rule, decided.payload)) for rule in rules if rule is not taken]
    return Explanation(event, decided, taken, view.rule_set, view.batch, misses)


def _decided(event: EventRecord) -> EventRecord:
    if event.type not in CORRECTIONS:
        return event
    return get_event(event.payload["event"])


def unmatched_rules(event_type: str, payload: Mapping[str, Any]) -> list[tuple[Rule, str]]:
    """Return the rules of a type in the version in force with why each does not book such an event; "" for who does."""
    rules = timeline().at(clock.now()).rules_by_type.get(event_type, ())
    matching = [rule for rule in rules if rule.matches(payload)]
    taken = max(matching, key=lambda rule: len(rule.match), default=None)
    return [(rule, "" if rule is taken else _why_not(rule, payload)) for rule in rules]


def books_outside(provider: str, *, at: datetime) -> bool:
    """Whether the version in force at a moment has a rule for payments that this provider's own server was charged."""
    rules = timeline().at(at).rules_by_type.get(PAYMENT, ())
    return any(rule.takes_outside == provider for rule in rules)


def _why_not(rule: Rule, payload: Mapping[str, Any]) -> str:
    """Name a parameter that does not fit, rather one that was given than one that was not."""
    unfit = sorted(
        (payload.get(name) is None, name) for name, wanted in rule.match.items() if payload.get(name) != wanted
    )
    if not unfit:
        fits = rule.matches(payload)
        return "less specific" if fits else f"parameter {CHARGED_BY} is {payload.get(CHARGED_BY, 'absent')}"
    _is_absent, name = unfit[0]
    return f"parameter {name} is {payload.get(name, 'absent')}"
