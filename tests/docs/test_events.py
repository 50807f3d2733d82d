import re
from collections.abc import Iterator
from dataclasses import MISSING, Field, fields

from billing.event_types import ALWAYS_PARAMETERS, BUILT_IN, TypeSpec
from events.consumers import all_consumers, hearers
from events.types import Event
from tests.docs.pages import DOCS, rows_after

PAGE = DOCS / "events.md"
BILLING_TABLE = "<!-- events: billing -->"


def emitted_types(base: type[Event] = Event) -> Iterator[type[Event]]:
    """Every event that some room emits, by its class."""
    for kind in base.__subclasses__():
        if "type" in vars(kind) and not kind.__module__.startswith("tests."):
            yield kind
        yield from emitted_types(kind)


def sections() -> dict[str, str]:
    parts = re.split(r"^### `(.+)`$", PAGE.read_text(), flags=re.MULTILINE)
    return {name: text.split("\n## ")[0] for name, text in zip(parts[1::2], parts[2::2], strict=True)}


def line_of(section: str, word: str) -> str:
    return next(line for line in section.splitlines() if line.startswith(f"- {word} "))


def names_in(text: str) -> list[str]:
    return re.findall(r"`([^`]+)`", text)


def may_be_absent(field: Field) -> bool:
    return field.default is not MISSING or field.default_factory is not MISSING or "None" in str(field.type)


def written_payload(kind: type[Event]) -> list[str]:
    return [f"{field.name}?" if may_be_absent(field) else field.name for field in fields(kind)]


def with_names_for_values(kind: type[Event]) -> Event:
    return kind(**{field.name: f"{{{field.name}}}" for field in fields(kind)})


class TestEveryEvent:
    """docs/events.md lists what the rooms emit, as they emit it."""

    def test_the_page_has_a_section_for_each_type_and_no_other(self) -> None:
        assert sorted(sections()) == sorted(kind.type for kind in emitted_types())

    def test_each_section_says_who_emits_it_and_who_hears_it(self) -> None:
        found = {name: names_in(line_of(text, "emitted by")) for name, text in sections().items()}
        assert found == {kind.type: [kind.__module__.split(".")[0], *hearers(kind.type)] for kind in emitted_types()}

    def test_each_section_gives_key_and_subject(self) -> None:
        found = {name: names_in(line_of(text, "key")) for name, text in sections().items()}
        patterns = {kind.type: with_names_for_values(kind) for kind in emitted_types()}
        assert found == {name: [event.key, event.subject] for name, event in patterns.items()}

    def test_each_section_lists_the_payload(self) -> None:
        found = {name: names_in(line_of(text, "payload")) for name, text in sections().items()}
        assert found == {kind.type: written_payload(kind) for kind in emitted_types()}


class TestMoneyEvents:
    """The table of billing's types is what billing declares, and what the rooms really send."""

    def test_the_table_is_what_billing_declares(self) -> None:
        _header, *rows = rows_after(PAGE.read_text(), BILLING_TABLE)
        assert [tuple(row) for row in rows] == [written_row(spec) for spec in BUILT_IN.values()]

    def test_what_the_rooms_emit_has_every_party_and_amount_that_billing_expects(self) -> None:
        kinds = {kind.type: {field.name for field in fields(kind)} for kind in emitted_types()}
        for spec in BUILT_IN.values():
            expected = {party.name for party in spec.parties} | {f"{amount.name}_minor" for amount in spec.amounts}
            expected |= {"currency"} | ({"holds"} if spec.held else set()) | ({"undoes"} if spec.undoes else set())
            assert expected <= kinds[spec.type], spec.type

    def test_every_type_that_is_heard_is_emitted_or_may_be_sent(self) -> None:
        heard = {name for consumer in all_consumers() for name in consumer.types}
        assert heard <= {kind.type for kind in emitted_types()}


def written_row(spec: TypeSpec) -> tuple[str, ...]:
    amounts = (f"{a.name}<{a.part_of}" if a.part_of else a.name for a in spec.amounts)
    more = (name for name in spec.parameters if name not in ALWAYS_PARAMETERS)
    return (
        f"`{spec.type}`",
        " ".join(party.name for party in spec.parties),
        " ".join(amounts),
        " ".join(more),
        " ".join(f"{amount}: `{account}`" for amount, account in spec.held.items()),
        f"`{spec.undoes}`" if spec.undoes else "",
        "yes" if spec.external else "",
    )
