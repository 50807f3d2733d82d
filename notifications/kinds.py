"""
What is said to whom when something happens, read from the published payloads of docs/events.md.

`TELLINGS` says it for what concerns an account that the payload names. Two kinds need more than a list of fields:
an accrual tells each party its own shares and nobody else's, and whoever gets somebody's whole following is told
once for many, not fifty thousand times.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from events.models import EventRecord

ACCRUED, MOVED = "commission.accrued", "referral.moved"
MOVED_UP = "moved"  # `via` of who is moved because the one above has left.

# Fields that name an account: what is shown of them is looked up when somebody looks.
ACCOUNT_FIELDS = frozenset({"account", "referrer", "former_referrer", "buyer"})

_SLOT = re.compile(r"(?P<role>\w+?)(?:_(?P<level>\d))?_minor\Z")


@dataclass(frozen=True, slots=True)
class Note:
    """What one account (public id) is told of one event."""

    event_id: int
    account: str
    kind: str
    data: dict[str, Any]
    at: datetime


@dataclass(frozen=True, slots=True)
class Telling:
    """
    Who is told what of one type of event.

    `to`: the payload's field with the account. `fields` of the payload go into the data as they are, where present;
    `amounts` go in under their own names from the sum of such `…_minor` fields.
    """

    event: str
    kind: str
    to: str
    fields: tuple[str, ...]
    amounts: tuple[tuple[str, tuple[str, ...]], ...] = ()

    @property
    def data_fields(self) -> list[str]:
        return [*self.fields, *(name for name, _sources in self.amounts)]

    def data_of(self, payload: dict[str, Any]) -> dict[str, Any]:
        said = {name: payload[name] for name in self.fields if name in payload}
        return said | {name: sum(payload[source] for source in sources) for name, sources in self.amounts}


def _of(*sources: str) -> tuple[str, ...]:
    return tuple(f"{source}_minor" for source in sources)


_RELEASED = (("amount", _of("amount")), ("repaid", _of("repaid")))
_PLACED = ("store", "placement", "area", "evidence", "rule_number")
_SEAT = ("seat", "area", "rule_number")
_REFUND = (("amount", _of("net", "fee")),)
_TAKEN = (("from_wallet", _of("from_wallet")), ("owed", _of("to_debt")))
_FROM_WALLET = (("amount", _of("from_wallet", "to_debt")), *_TAKEN)
_FROM_ANYWHERE = (
    ("amount", _of("from_pending", "from_wallet", "to_debt")),
    ("from_pending", _of("from_pending")),
    *_TAKEN,
)
_AMOUNT = (("amount", _of("amount")),)
_SHARE = ("order", "line", "share", "currency")

TELLINGS = (
    Telling("referral.bound", "referral.bound", "account", ("referrer", "via", "rule_number")),
    Telling("referral.bound", "referral.joined", "referrer", ("account", "via")),
    Telling(MOVED, "referral.moved", "account", ("referrer", "former_referrer", "via", "rule_number")),
    Telling("referral.ended", "referral.ended", "account", ("because", "rule_number")),
    Telling("referral.ended", "referral.left", "referrer", ("account",)),
    Telling("store.placed", "store.placed", "seller", (*_PLACED, "waiting")),
    Telling("placement.decided", "placement.decided", "seller", _PLACED),
    Telling("agent.appointed", "agent.appointed", "account", (*_SEAT, "from_at")),
    Telling("agent.ended", "agent.ended", "account", (*_SEAT, "until_at")),
    Telling(
        "commission.escrow_released",
        "commission.escrow_released",
        "owner",
        ("order", "level", "currency"),
        (("amount", _of("to_owner")),),
    ),
    Telling("commission.released", "commission.released", "owner", ("order", "role", "currency"), _RELEASED),
    Telling(
        "commission.reversed",
        "commission.reversed",
        "owner",
        ("order", "role", "currency"),
        _FROM_ANYWHERE,
    ),
    Telling("share.taken_down", "share.taken_down", "sharer", ("share", "item")),
    Telling("share.ended", "share.ended", "sharer", ("share", "item")),
    Telling("share.charged", "share.charged", "sharer", _SHARE, _AMOUNT),
    Telling("share.reversed", "share.reversed", "sharer", (*_SHARE, "because"), _FROM_ANYWHERE),
    Telling("share.held", "share.held", "sharer", (*_SHARE, "guards", "until"), _AMOUNT),
    Telling("share.hold_ended", "share.hold_ended", "sharer", (*_SHARE, "decision"), _AMOUNT),
    Telling("earnings.released", "earnings.released", "owner", ("order", "role", "currency"), _RELEASED),
    Telling("earnings.reversed", "earnings.reversed", "owner", ("order", "role", "currency"), _FROM_WALLET),
    Telling("refund.requested", "refund.requested", "seller", ("order", "request", "buyer")),
    Telling("refund.request_overdue", "refund.request_overdue", "buyer", ("order", "request")),
    Telling("refund.request_overdue", "refund.request_overdue", "seller", ("order", "request")),
    Telling("refund.request_answered", "refund.request_answered", "buyer", ("order", "request", "status", "refund")),
    Telling("order.refunded", "order.refunded", "payer", ("order", "refund", "currency"), _REFUND),
    Telling("order.refunded", "order.refunded", "buyer", ("order", "refund", "currency"), _REFUND),
    Telling("withdrawal.failed", "withdrawal.failed", "owner", ("withdrawal", "currency"), _AMOUNT),
    Telling("topup.reversed", "topup.reversed", "owner", ("top_up", "currency"), _FROM_WALLET),
)

# What is told beside those, field by field.
_OTHERS = (
    (ACCRUED, "commission.accrued", ("order", "currency", "amount", "shares")),
    (MOVED, "referral.joined", ("account", "via")),
    (MOVED, "referral.left", ("account",)),
    (MOVED, "referral.moved_up", ("former_referrer", "accounts")),
)

TYPES = tuple(dict.fromkeys([ACCRUED, *(telling.event for telling in TELLINGS)]))


def kinds() -> dict[str, tuple[set[str], list[str]]]:
    """Return every kind with the types of events it tells of, and the fields of its data."""
    found: dict[str, tuple[set[str], list[str]]] = {}
    said = [*((t.event, t.kind, t.data_fields) for t in TELLINGS), *_OTHERS]
    for event, kind, fields in said:
        types, names = found.setdefault(kind, (set(), []))
        types.add(event)
        names += [name for name in fields if name not in names]
    return found


def notes_of(events: Sequence[EventRecord]) -> list[Note]:
    """Return what is told to whom of these; each account once for each event."""
    once: dict[tuple[int, str], Note] = {}
    for note in (*_told(events), *_moved_up(events)):
        once.setdefault((note.event_id, note.account), note)
    return sorted(once.values(), key=lambda note: note.event_id)


def _told(events: Iterable[EventRecord]) -> Iterator[Note]:
    by_event = defaultdict(list)
    for telling in TELLINGS:
        by_event[telling.event].append(telling)
    for event in events:
        for telling in by_event[event.type]:
            if account := event.payload.get(telling.to):
                yield Note(event.id, account, telling.kind, telling.data_of(event.payload), event.occurred_at)
        if event.type == ACCRUED:
            yield from _accrued(event)
        elif event.type == MOVED and event.payload["via"] != MOVED_UP:
            yield from _moved_by_hand(event)


def _accrued(event: EventRecord) -> Iterator[Note]:
    """Each party hears of its own shares: who else got what is not its business."""
    shares: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for name, minor in event.payload.items():
        slot = _SLOT.match(name)
        if slot is not None:
            level = int(slot["level"]) if slot["level"] else None
            owner = event.payload[name.removesuffix("_minor")]
            shares[owner].append({"role": slot["role"], "level": level, "amount": minor})
    for owner, own in shares.items():
        data = {
            "order": event.payload["order"],
            "currency": event.payload["currency"],
            "amount": sum(share["amount"] for share in own),
            "shares": own,
        }
        yield Note(event.id, owner, "commission.accrued", data, event.occurred_at)


def _moved_by_hand(event: EventRecord) -> Iterator[Note]:
    account, via = event.payload["account"], event.payload["via"]
    if referrer := event.payload.get("referrer"):
        yield Note(event.id, referrer, "referral.joined", {"account": account, "via": via}, event.occurred_at)
    if former := event.payload.get("former_referrer"):
        yield Note(event.id, former, "referral.left", {"account": account}, event.occurred_at)


def _moved_up(events: Iterable[EventRecord]) -> Iterator[Note]:
    """Whoever left may have brought thousands: the one above hears of those of a batch together."""
    moved = [event for event in events if event.type == MOVED and event.payload["via"] == MOVED_UP]
    ways = [(event.payload.get("referrer"), event.payload.get("former_referrer")) for event in moved]
    counts = Counter(ways)
    for event, way in zip(moved, ways, strict=True):
        referrer, former = way
        if (accounts := counts.pop(way, 0)) and referrer:
            data = {"former_referrer": former, "accounts": accounts}
            yield Note(event.id, referrer, "referral.moved_up", data, event.occurred_at)
