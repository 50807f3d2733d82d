"""
Putting the book right: a journal is taken back, and where another version is right, booked again.

Everything about a correction happens in one transaction: what can be taken from a wallet is decided under
its lock, the events say it, and they are booked at once. So no money is free between a reversal and what
is booked in its place, and no correction ever waits or falls short.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from django.db import connection
from django.db.models import Min

from billing.booking import BILLING, MANUAL
from billing.corrections import Legs, draft_correction, swapped, written_legs
from billing.debts import debt_rows
from billing.errors import InsufficientCover
from billing.events import Correction, JournalRebooked, JournalReversed
from billing.history import Past, Standing
from billing.models import Rebooking, RuleSet
from billing.subjects import lock_subjects
from core.errors import Refusal
from core.ids import encode_key
from core.money import Money
from events.delivery import finish
from events.models import EventRecord
from events.services import Emitted, Fact, record_facts
from ledger.codes import debt, must_cover, must_owe, owner_of, wallet
from ledger.cover import AccountKey, lock_rooms
from ledger.engine import share_engine
from ledger.posting import JournalDraft, post_batch

CORRECTIONS_LOCK = 0x636F72726563  # "correc"


@dataclass(frozen=True, slots=True)
class Change:
    """An event of the past whose standing journal is wrong, and what is to stand instead: nothing, or this."""

    past: Past
    instead: JournalDraft | None

    @property
    def standing(self) -> Standing:
        assert self.past.standing is not None
        return self.past.standing

    @property
    def currency(self) -> str:
        return self.past.event.payload["currency"]


Family = Sequence[Change]  # An event and what takes it back: they are put right together or not at all.


@dataclass(frozen=True, slots=True)
class Reasons:
    """Why something is corrected: in words, by which job, and when it is effective (None: when it happened)."""

    reason: str
    job: str | None = None
    effective_at: datetime | None = None


@dataclass(slots=True)
class Corrected:
    """What was put right, and which families could not be, with the code of the refusal."""

    events: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    reversal_ids: list[int] = field(default_factory=list)


@dataclass(slots=True)
class _Planned:
    """One change with the legs that take its journal back, as the wallets allow it."""

    change: Change
    reversal: list[tuple[str, str, int]]
    together: str

    def owed_more(self) -> dict[str, int]:
        """How much more each owner owes by it, or less."""
        instead = self.change.instead.transfers if self.change.instead else ()
        changes = _net([self.reversal, instead])
        return {owner_of(code): -minor for code, minor in changes.items() if must_owe(code) and minor}


def begin_correcting(subjects: Iterable[str]) -> None:
    """
    Let nobody else correct, activate rules, or emit money events of these subjects until this transaction ends.

    Look only after this, in a statement of its own: then what one sees is what stands.
    """
    share_engine()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [CORRECTIONS_LOCK])
    lock_subjects(subjects)


def correct(families: Sequence[Family], why: Reasons, *, now: datetime) -> Corrected:
    """
    Take back and book again, after `begin_correcting` and in its transaction.

    Of a wallet, as much is taken as is available in it; the rest its owner owes, as a leg and as a row.
    """
    done = Corrected()
    if not families:
        return done
    rooms = _lock_rooms(families)
    planned: list[_Planned] = []
    for family in families:
        try:
            planned += _plan(family, rooms)
        except Refusal as refusal:
            done.refused[refusal.code] += len(family)
    if planned:
        done.reversal_ids = _book(planned, why, now)
        done.events = len(planned)
    return done


def _lock_rooms(families: Iterable[Family]) -> dict[AccountKey, int]:
    """Rows of debts first, then accounts: the order in which owners repay."""
    keys = {
        (code, change.currency)
        for family in families
        for change in family
        for legs in (change.standing.legs, change.instead.transfers if change.instead else ())
        for leg in legs
        for code in leg[:2]
    }
    guarded = {key for key in keys if must_cover(key[0]) or must_owe(key[0])}
    owed = debt_rows().lock({owner_of(code) for code, _currency in guarded}) if guarded else {}
    others = {(of(owner_of(code)), currency) for code, currency in guarded for of in (wallet, debt)}
    rooms = lock_rooms(keys, also=others - keys)
    for code, currency in rooms:
        if must_owe(code):  # What is repaid already but not yet booked is not owed any more.
            rooms[code, currency] = min(rooms[code, currency], owed.get((owner_of(code), currency), 0))
    return rooms


def _plan(family: Family, rooms: dict[AccountKey, int]) -> list[_Planned]:
    """
    Decide the legs of a family's reversals, and take what they take from the rooms.

    Only the net counts: what is booked again gives back to a wallet what its reversal took.

    :raises InsufficientCover: what is booked again takes more than there is.
    """
    currency, together = family[0].currency, family[0].past.event.key
    planned = [_Planned(change, swapped(change.standing.legs), together) for change in family]
    changes = _net([plan.reversal for plan in planned] + [c.instead.transfers for c in family if c.instead])
    for code in [code for code in changes if must_cover(code)]:
        short = -changes[code] - max(rooms.get((code, currency), 0), 0)
        if short > 0:
            _divert(planned, short, place=0, away_from=code, to=debt(owner_of(code)))
            changes[code] += short
            changes[debt(owner_of(code))] -= short
    for code in [code for code in changes if must_owe(code)]:
        over = changes[code] - max(rooms.get((code, currency), 0), 0)
        if over > 0:
            _divert(planned, over, place=1, away_from=code, to=wallet(owner_of(code)))
            changes[code] -= over
            changes[wallet(owner_of(code))] += over
    for code, change in changes.items():
        rooms[code, currency] = rooms.get((code, currency), 0) + (-change if must_owe(code) else change)
    return planned


def _net(journals: Iterable[Legs]) -> Counter[str]:
    """How journals change the balances of the guarded accounts."""
    changes: Counter[str] = Counter()
    for debit, credit, minor in (leg for legs in journals for leg in legs):
        if must_cover(debit) or must_owe(debit):
            changes[debit] -= minor
        if must_cover(credit) or must_owe(credit):
            changes[credit] += minor
    return changes


def _divert(planned: Sequence[_Planned], minor: int, *, place: int, away_from: str, to: str) -> None:
    """
    Let a part of what the reversals take from (place 0) or give to (1) an account go to another one.

    :raises InsufficientCover: the reversals alone do not move that much.
    """
    for plan in planned:
        legs: list[tuple[str, str, int]] = []
        for leg in plan.reversal:
            part = min(minor, leg[2]) if leg[place] == away_from else 0
            other_way = (to, leg[1], part) if place == 0 else (leg[0], to, part)
            legs += [kept for kept in ((*leg[:2], leg[2] - part), other_way) if kept[2] and kept[0] != kept[1]]
            minor -= part
        plan.reversal = legs
    if minor:
        raise InsufficientCover


def _book(planned: Sequence[_Planned], why: Reasons, now: datetime) -> list[int]:
    """Emit the events and book them; return the ids of the reversals."""
    public_ids = dict(RuleSet.objects.values_list("id", "public_id"))
    facts: list[Fact] = []
    for plan in planned:
        at = why.effective_at or plan.change.past.event.occurred_at
        facts.append(Fact.of(_reversed(plan, public_ids, why), occurred_at=at))
        if plan.change.instead is not None:
            facts.append(Fact.of(_rebooked(plan.change, plan.change.instead, public_ids, why), occurred_at=at))
    emitted = record_facts(facts)
    ids = {event.key: event.id for event in emitted}
    _note_places(planned, ids)
    _post(planned, facts, emitted)
    finish(BILLING, [event.id for event in emitted])
    _follow_debts(planned, ids, now)
    return [ids[_key(JournalReversed.type, plan.change)] for plan in planned]


def _reversed(plan: _Planned, public_ids: dict[int, str], why: Reasons) -> Correction:
    return JournalReversed(
        **_named(plan.change, why),  # type: ignore[arg-type]
        rule_set=public_ids[plan.change.standing.rule_set_id],
        rule=plan.change.standing.rule,
        legs=written_legs(plan.reversal),
    )


def _rebooked(change: Change, instead: JournalDraft, public_ids: dict[int, str], why: Reasons) -> Correction:
    return JournalRebooked(
        **_named(change, why),  # type: ignore[arg-type]
        rule_set=public_ids[instead.rule_set_id],
        rule=instead.rule,
        legs=written_legs(instead.transfers),
    )


def _named(change: Change, why: Reasons) -> dict[str, object]:
    return {
        "journal": encode_key("jrn", change.standing.journal_id),
        "event": change.past.event.public_id,
        "of": change.past.event.subject,
        "currency": change.currency,
        "reason": why.reason,
        "job": why.job,
    }


def _key(type_: str, change: Change) -> str:
    return f"{type_}:{encode_key('jrn', change.standing.journal_id)}"


def _note_places(planned: Sequence[_Planned], ids: dict[str, int]) -> None:
    Rebooking.objects.bulk_create(
        Rebooking(
            event_id=ids[_key(JournalRebooked.type, plan.change)],
            stands_for_id=plan.change.past.event.id,
            replaces_id=plan.change.standing.journal_id,
        )
        for plan in planned
        if plan.change.instead is not None
    )


def _post(planned: Sequence[_Planned], facts: Sequence[Fact], emitted: Sequence[Emitted]) -> None:
    families = {_key(type_, plan.change): plan.together for plan in planned for type_ in _TYPES}
    drafts = [
        replace(draft_correction(_recorded(fact, event)), together=families[fact.key])
        for fact, event in zip(facts, emitted, strict=True)
    ]
    recorded = EventRecord.objects.filter(id__in=[event.id for event in emitted])
    opened_at = recorded.aggregate(first=Min("recorded_at"))["first"]
    post_batch(drafts, trigger=MANUAL, opened_at=opened_at)


_TYPES = (JournalReversed.type, JournalRebooked.type)


def _recorded(fact: Fact, emitted: Emitted) -> EventRecord:
    return EventRecord(
        id=emitted.id, type=fact.type, subject=fact.subject, payload=fact.payload, occurred_at=fact.occurred_at
    )


def _follow_debts(planned: Sequence[_Planned], ids: dict[str, int], now: datetime) -> None:
    """The rows of debts say what the legs say."""
    for plan in planned:
        change, event_id = plan.change, ids[_key(JournalReversed.type, plan.change)]
        for owner, minor in plan.owed_more().items():
            if minor > 0:
                owed = Money(minor, change.currency)
                debt_rows().owe_more(
                    owner=owner, owed=owed, subject=change.past.event.subject, event_id=event_id, now=now
                )
            else:
                settled = Money(-minor, change.currency)
                debt_rows().owe_less(owner=owner, settled=settled, event_id=event_id, now=now)
