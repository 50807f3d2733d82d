"""What is said to whom: complete, as the page says it, and nothing of anybody else's."""

import re
from dataclasses import fields

from distribution.events import CommissionAccrued
from events.models import EventRecord
from notifications.kinds import ACCOUNT_FIELDS, TELLINGS, TYPES, kinds, notes_of
from tests.docs.pages import DOCS, rows_after
from tests.docs.test_events import emitted_types
from tests.notifications.inbox import NOON

PAYLOADS = {kind.type: {field.name for field in fields(kind)} for kind in emitted_types()}


def event(type_: str, number: int = 1, **payload: object) -> EventRecord:
    return EventRecord(id=number, type=type_, payload=payload, occurred_at=NOON)


def moved(number: int, **payload: object) -> EventRecord:
    facts = {"referral": f"ref_{number}", "account": f"acc_{number}", "rule_number": "R-1", **payload}
    return event("referral.moved", number, **facts)


class TestTheTable:
    """docs/messages.md lists every kind."""

    def test_it_says_what_tells_of_what_with_which_data(self) -> None:
        _header, *rows = rows_after((DOCS / "messages.md").read_text(), "<!-- kinds -->")
        said = {
            kind.strip("`"): (set(re.findall(r"`([^`]+)`", events)), set(re.findall(r"`([^`]+)`", data)))
            for kind, events, _who, data in rows
        }
        assert said == {kind: (types, set(data)) for kind, (types, data) in kinds().items()}
        assert len(rows) == len(kinds())


class TestTellings:
    """They read what the events publish."""

    def test_every_field_is_one_of_the_payload(self) -> None:
        for telling in TELLINGS:
            sources = {source for _name, summed in telling.amounts for source in summed}
            assert {telling.to, *telling.fields, *sources} <= PAYLOADS[telling.event], telling

    def test_data_that_names_an_account_is_known_as_such(self) -> None:
        accounts = {"account", "referrer", "former_referrer", "buyer", "seller", "payer", "owner", "decided_by"}
        assert {name for _types, data in kinds().values() for name in data} & accounts == ACCOUNT_FIELDS


class TestAnAccrual:
    """Each party hears of its own shares, all of one account's together."""

    def test_every_slot_of_the_event_is_told_to_its_party_only(self) -> None:
        slots = [name.removesuffix("_minor") for name in PAYLOADS["commission.accrued"] if name.endswith("_minor")]
        parties = {name: value for slot in slots for name, value in ((slot, f"acc_{slot}"), (f"{slot}_minor", 7))}
        assert isinstance(CommissionAccrued(order="ord_1", plan="pln_1", currency="GBP", **parties), CommissionAccrued)
        notes = notes_of([event("commission.accrued", order="ord_1", plan="pln_1", currency="GBP", **parties)])

        assert {note.account for note in notes} == {f"acc_{slot}" for slot in slots}
        for note in notes:
            (share,) = note.data.pop("shares")
            slot = share["role"] if share["level"] is None else f"{share['role']}_{share['level']}"
            assert (note.account, share["amount"]) == (f"acc_{slot}", 7)
            assert note.data == {"order": "ord_1", "currency": "GBP", "amount": 7}

    def test_who_has_several_shares_hears_of_them_at_once(self) -> None:
        facts = {"agent_2": "acc_1", "agent_2_minor": 30, "cashback": "acc_1", "cashback_minor": 12}
        (note,) = notes_of([event("commission.accrued", order="ord_1", plan="pln_1", currency="GBP", **facts)])

        assert note.data["amount"] == 42
        assert note.data["shares"] == [
            {"role": "agent", "level": 2, "amount": 30},
            {"role": "cashback", "level": None, "amount": 12},
        ]


class TestAMove:
    """Moved by an operator, all three hear of it; moved up in thousands, the one above hears once for many."""

    def test_by_an_operator(self) -> None:
        notes = notes_of([moved(1, referrer="acc_new", former_referrer="acc_old", via="operator")])

        assert [(note.account, note.kind) for note in notes] == [
            ("acc_1", "referral.moved"),
            ("acc_new", "referral.joined"),
            ("acc_old", "referral.left"),
        ]

    def test_up_because_somebody_left(self) -> None:
        both = [("acc_a", "acc_gone"), ("acc_b", "acc_other")]
        ways = [both[number % 2] for number in range(10)] + [(None, "acc_top")]
        events = [
            moved(number, **({"referrer": new} if new else {}), former_referrer=former, via="moved")
            for number, (new, former) in enumerate(ways, 1)
        ]
        notes = notes_of(events)

        assert sorted(note.account for note in notes if note.kind == "referral.moved") == sorted(
            event.payload["account"] for event in events
        )
        assert [(note.account, note.kind, note.data) for note in notes if note.kind != "referral.moved"] == [
            ("acc_a", "referral.moved_up", {"former_referrer": "acc_gone", "accounts": 5}),
            ("acc_b", "referral.moved_up", {"former_referrer": "acc_other", "accounts": 5}),
        ]


def test_every_type_that_is_heard_is_told() -> None:
    assert set(TYPES) == {type_ for types, _data in kinds().values() for type_ in types}
