"""
Booking events in batches: a batch is cut when its oldest event is a period old, or when it reaches a
count of ledger accounts or of transfers, whichever comes first; and then it is booked in one transaction.
"""

import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import structlog
from django.conf import settings
from django.db import DataError, IntegrityError, transaction

from billing.corrections import draft_correction
from billing.errors import AccountFull, InsufficientCover, NoRule
from billing.event_types import BUILT_IN
from billing.events import CORRECTIONS
from billing.rules import BatchSettings, Booked, CompiledRuleSet, Rule
from billing.versions import Timeline, compiled, most_transfers, timeline, versions_of_journals
from core import clock
from core.errors import Refusal
from core.garbage import no_garbage_collection
from events.consumers import Consumer, add_consumer, get_consumer
from events.delivery import (
    TRANSIENT,
    Claim,
    Claimed,
    RecordedEvent,
    count_heads,
    finish,
    heads,
    park,
    put_back,
)
from ledger.engine import share_engine
from ledger.posting import JournalDraft, NotCovered, PostedBatch, post_batch

log = structlog.get_logger(__name__)

BILLING = "billing"
NUMERIC_VALUE_OUT_OF_RANGE = "22003"

CLAIM_FIRST = 4000  # events, until it is known how many a batch takes: enough for a full one of sales
CONTENDED_LOOK_SECONDS = 0.1  # Another worker has locked what is due; look again for what it leaves.

PERIOD, ACCOUNTS, TRANSFERS, MANUAL = "period", "accounts", "transfers", "manual"


@dataclass(slots=True)
class Cut:
    """The events of one batch, each with its journal, in order."""

    drafts: list[JournalDraft] = field(default_factory=list)
    events: list[RecordedEvent] = field(default_factory=list)
    refused: list[tuple[RecordedEvent, Exception]] = field(default_factory=list)
    codes: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))  # Ledger accounts, by currency.
    accounts: int = 0
    transfers: int = 0
    trigger: str | None = None  # The count that was reached, if one was.
    oldest_age_seconds: float | None = None
    held_up: set[str] = field(default_factory=set)  # Subjects of which an event is refused.
    version_by_key: dict[str, int] = field(default_factory=dict)  # Which version booked an event, by its key.


def register() -> None:
    """Make billing a consumer of every built-in money event; declared ones name it when they are sent."""
    add_consumer(Consumer(BILLING, frozenset(BUILT_IN), run=book_due))


def book_due() -> float | None:
    """
    Book every batch that is due; return in how many seconds the next one will be, None for "when rung".

    Two workers may run at the same moment: what one has locked the other passes over. Ends its turn after
    a while, so that other consumers have theirs.
    """
    turn_ends = time.monotonic() + settings.DELIVERY_TURN_SECONDS
    was_full = False  # Then the next batch is probably due too: it is claimed without looking first.
    while time.monotonic() < turn_ends:
        if not was_full and (wait_seconds := seconds_until_due()) != 0:
            return wait_seconds
        booked = book_batch()
        if not booked and not was_full:
            return CONTENDED_LOOK_SECONDS
        was_full = isinstance(booked, PostedBatch) and booked.trigger in (ACCOUNTS, TRANSFERS)
    return 0.0


def seconds_until_due() -> float | None:
    """
    Look, without locking anything, whether a batch is due: 0 now, else the rest of the oldest's period.

    Returns None when nothing waits. Reads the events that wait only where they could fill a batch.
    """
    consumer = get_consumer(BILLING)
    oldest = heads(consumer, 1)
    if not oldest:
        return None
    at_work = timeline()
    limits = _settings_in_force(at_work)
    left_seconds = limits.period_ms / 1000 - oldest[0].age_seconds
    if left_seconds <= 0:
        return 0
    if not _may_fill(count_heads(consumer, limits.max_transfers), at_work, limits):
        return left_seconds
    cut = cut_batch(heads(consumer, limits.max_transfers), at_work, limits)
    return 0 if cut.trigger else left_seconds


def _may_fill(waiting: Mapping[str, int], at_work: Timeline, limits: BatchSettings) -> bool:
    """Whether so many events of these types can reach a count. Corrections bring their own legs: who knows."""
    most = most_transfers(tuple(at_work.ids))
    transfers = sum(most.get(type_, 0) * count for type_, count in waiting.items())
    filled = transfers >= limits.max_transfers or 2 * transfers >= limits.max_accounts
    return filled or not CORRECTIONS.isdisjoint(waiting)


def book_batch(*, trigger: str = PERIOD, events_max: int | None = None) -> PostedBatch | bool:
    """
    Claim, match, cut and book one batch; return it, or whether anything else was settled.

    A transient error leaves everything as it was, with back-off. An unforeseen one is narrowed down, half by
    half, to one event: what stands before it is booked, it alone is put back, and the error is raised. One
    event that nobody has thought of must not stop everybody's.
    """
    claim = Claim(get_consumer(BILLING))
    try:
        with no_garbage_collection(), transaction.atomic():
            share_engine()
            at_work = timeline()
            limits = _settings_in_force(at_work)
            cut = _cut_claimed(claim, at_work, limits, events_max or limits.max_transfers)
            if cut.oldest_age_seconds is None:
                return False
            if trigger == PERIOD and cut.trigger is None and cut.oldest_age_seconds * 1000 < limits.period_ms:
                return False  # Another worker took the old ones; these still have time.
            posted = _post(cut, trigger=cut.trigger or trigger)
            park(BILLING, cut.refused)
            return posted or bool(cut.refused)
    except TRANSIENT as error:
        put_back(BILLING, claim.event_ids, error)
        return False
    except Exception as error:
        if len(claim.event_ids) > 1:
            return book_batch(trigger=trigger, events_max=len(claim.event_ids) // 2)
        put_back(BILLING, claim.event_ids, error)
        raise


class _ClaimSize:
    """
    How many events the last full batch took: the next claim takes few more.

    What is claimed beyond the batch is read and locked for nothing; what is missing takes another claim.
    """

    def __init__(self) -> None:
        self.events = CLAIM_FIRST

    def filled_by(self, events: int) -> None:
        self.events = events + events // 20 + 1


_claim_size = _ClaimSize()


def _cut_claimed(claim: Claim, at_work: Timeline, limits: BatchSettings, events_max: int) -> Cut:
    """
    Claim as many events as one batch takes, and cut it.

    Mostly that is one claim. Where it was too small, the next one takes all that there may be: so a batch
    of whatever size takes two claims at most.
    """
    cut, size = Cut(), _claim_size.events
    while cut.trigger is None:
        claimed = claim.more(min(size, events_max - len(claim.event_ids)))
        if not claimed:
            break
        _extend(cut, claimed, at_work, limits)
        size = events_max
    if cut.trigger is not None:
        _claim_size.filled_by(len(cut.events) + len(cut.refused))
    return cut


def cut_batch(deliveries: Sequence[Claimed], at_work: Timeline, limits: BatchSettings) -> Cut:
    """
    Match events in order until a count is reached; a batch never exceeds the counts.

    An event that alone exceeds them is booked alone. One that cannot be booked is set aside, and what
    stands behind it in its subject is left for later.
    """
    cut = Cut()
    _extend(cut, deliveries, at_work, limits)
    return cut


def _extend(cut: Cut, deliveries: Sequence[Claimed], at_work: Timeline, limits: BatchSettings) -> None:
    """The next events, until a count is reached. One pass: what is done here is done for every event."""
    if cut.oldest_age_seconds is None and deliveries:
        cut.oldest_age_seconds = deliveries[0].age_seconds
    if undone_keys := _undone_keys(deliveries):
        booked_by = versions_of_journals(undone_keys)
        cut.version_by_key |= {key: version[1] for key, version in booked_by.items() if version}
    for delivery in deliveries:
        event = delivery.event
        if event.subject in cut.held_up:
            continue
        try:
            draft = draft_journal(delivery, at_work, cut.version_by_key)
        except Refusal as refusal:
            cut.refused.append((event, refusal))
            cut.held_up.add(event.subject)
            continue
        codes = cut.codes[draft.currency]
        new_codes = _named_codes(draft.transfers) - codes
        transfers, accounts = cut.transfers + len(draft.transfers), cut.accounts + len(new_codes)
        exceeded = _exceeded(transfers, accounts, limits)
        if exceeded and cut.drafts:
            cut.trigger = exceeded
            return
        cut.version_by_key[event.key] = draft.rule_set_id
        cut.drafts.append(draft)
        cut.events.append(event)
        cut.transfers, cut.accounts = transfers, accounts
        codes |= new_codes
        if full := exceeded or _filled(transfers, accounts, limits):
            cut.trigger = full
            return


def _named_codes(transfers: Sequence[Booked]) -> set[str]:
    """The ledger accounts of one journal."""
    codes = set()
    for debit, credit, _minor in transfers:
        codes.add(debit)
        codes.add(credit)
    return codes


def draft_journal(delivery: Claimed, at_work: Timeline, version_by_key: dict[str, int]) -> JournalDraft:
    """
    Decide one event's journal by the version in force when it happened, or when it was tried again by hand.

    What undoes another event is booked by the version that booked that one, so that the same accounts
    are reversed.

    :raises Refusal: no rule matches, or the event contradicts itself.
    """
    event = delivery.event
    if event.type in CORRECTIONS:
        return draft_correction(event)
    return draft_by(_version_for(delivery, at_work, version_by_key), event)


def draft_by(rules: CompiledRuleSet, event: RecordedEvent) -> JournalDraft:
    """
    Decide one event's journal by a version of the rules; replay and repair ask what another one would do.

    :raises Refusal: no rule matches, or the event contradicts itself.
    """
    rule: Rule = rules.rule_for(event.type, event.payload)
    return JournalDraft(
        event_id=event.id,
        subject=event.subject,
        currency=event.payload["currency"],
        rule_set_id=rules.id,
        rule=rule.name,
        effective_at=event.occurred_at,
        transfers=rule.book(event.payload),
        hold_ids=event.payload.get("holds", ()),
    )


def _version_for(delivery: Claimed, at_work: Timeline, version_by_key: dict[str, int]) -> CompiledRuleSet:
    undone = delivery.event.payload.get("undoes")
    if undone is None:
        return at_work.at(delivery.retried_at or delivery.event.occurred_at)
    if undone not in version_by_key:
        raise NoRule(f"The event it takes back, {undone}, is not booked.")
    return compiled(version_by_key[undone])


def _undone_keys(deliveries: Sequence[Claimed]) -> list[str]:
    return [found for delivery in deliveries if (found := delivery.event.payload.get("undoes"))]


def _exceeded(transfers: int, accounts: int, limits: BatchSettings) -> str | None:
    if transfers > limits.max_transfers:
        return TRANSFERS
    return ACCOUNTS if accounts > limits.max_accounts else None


def _filled(transfers: int, accounts: int, limits: BatchSettings) -> str | None:
    if transfers >= limits.max_transfers:
        return TRANSFERS
    return ACCOUNTS if accounts >= limits.max_accounts else None


def _post(cut: Cut, *, trigger: str) -> PostedBatch | None:
    """Book the cut's journals; those that are not covered are moved to the refused, and the rest is tried again."""
    while cut.drafts:
        try:
            with transaction.atomic():
                finish(BILLING, [draft.event_id for draft in cut.drafts])  # Before the accounts are locked.
                return post_batch(cut.drafts, trigger=trigger, opened_at=cut.events[0].recorded_at)
        except NotCovered as not_covered:
            _set_aside(cut, not_covered.event_ids)
        except (IntegrityError, DataError) as error:
            _halve(cut, error)
    return None


def _halve(cut: Cut, error: Exception) -> None:
    """Something in this batch breaks a constraint: book its first half, until the culprit is alone and set aside."""
    if len(cut.drafts) == 1:
        cut.refused.append((cut.events[0], AccountFull() if _is_out_of_range(error) else error))
    half = len(cut.drafts) // 2
    cut.drafts, cut.events = cut.drafts[:half], cut.events[:half]


def _is_out_of_range(error: Exception) -> bool:
    """Only totals can be: every amount fits, and ids are made by sequences."""
    return getattr(error.__cause__, "pgcode", None) == NUMERIC_VALUE_OUT_OF_RANGE


def _set_aside(cut: Cut, short: frozenset[int]) -> None:
    held_up: set[str] = set()
    kept = []
    for draft, event in zip(cut.drafts, cut.events, strict=True):
        if event.id in short and event.subject not in held_up:
            cut.refused.append((event, InsufficientCover()))
            held_up.add(event.subject)
        elif event.subject not in held_up:
            kept.append((draft, event))
    cut.drafts = [draft for draft, _event in kept]
    cut.events = [event for _draft, event in kept]


def _settings_in_force(at_work: Timeline) -> BatchSettings:
    return at_work.at(clock.now()).batch
