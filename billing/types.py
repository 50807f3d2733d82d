"""Event types by name: the built-in ones and those that operators declared."""

from collections.abc import Callable, Iterable

from billing.event_types import BUILT_IN, Amount, Party, TypeSpec
from billing.models import EventType


def spec_of(declared: EventType) -> TypeSpec:
    """Read a declared type's row."""
    return TypeSpec(
        type=declared.type,
        parties=tuple(Party(party["name"], party["is"] == "ledger") for party in declared.parties),
        amounts=tuple(Amount(amount["name"], amount.get("part_of")) for amount in declared.amounts),
        parameters=tuple(declared.parameters),
        external=declared.external,
        built_in=False,
    )


def find_type(name: str) -> TypeSpec | None:
    """Return a type by name, or None where none is declared."""
    if name in BUILT_IN:
        return BUILT_IN[name]
    declared = EventType.objects.filter(type=name).first()
    return spec_of(declared) if declared else None


def all_types() -> dict[str, TypeSpec]:
    """Return every declared type, the built-in ones first."""
    return BUILT_IN | {declared.type: spec_of(declared) for declared in EventType.objects.order_by("type")}


def whole_of(types: Iterable[str]) -> Callable[[str, str], str | None]:
    """Return a look-up from (type, amount) to the whole that the amount is a part of."""
    declared = all_types() if any(name not in BUILT_IN for name in types) else BUILT_IN
    wholes = {(spec.type, amount.name): amount.part_of for spec in declared.values() for amount in spec.amounts}
    return lambda event_type, amount: wholes.get((event_type, amount))
