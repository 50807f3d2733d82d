"""Event types, sound rule sets and valid events as hypothesis draws them; and one fault of every kind."""

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from hypothesis import assume
from hypothesis import strategies as st

from billing.check import check_document
from billing.event_types import ALWAYS_PARAMETERS, Amount, Party, TypeSpec
from core.money import AMOUNT_MINOR_MAX, BPS_WHOLE

Draw = Callable[[st.SearchStrategy[Any]], Any]
Rule = dict[str, Any]
Document = dict[str, Any]

TYPE = "thing.sold"
ACCOUNTS = ("payer", "seller", "side_2", "owner")
LEDGERS = ("till", "bank_1")
CODES = ("cash:city", "clearing:x", "platform:fees", "cash", "escrow:DE.By-1")
VALUES = ("a", "b", "c")
PEOPLE = ("acc_01JAAAAAAAAAAAAAAAAAAAAAAA", "acc_01JBBBBBBBBBBBBBBBBBBBBBBB", "acc_01JCCCCCCCCCCCCCCCCCCCCCCC")
CURRENCIES = ("GBP", "JPY")

wholes = st.one_of(st.integers(0, 5), st.integers(0, 100_000), st.integers(AMOUNT_MINOR_MAX - 3, AMOUNT_MINOR_MAX))


@dataclass(frozen=True)
class World:
    """One declared type and a rule set for it."""

    spec: TypeSpec
    document: Document

    @property
    def types(self) -> dict[str, TypeSpec]:
        return {TYPE: self.spec}

    @property
    def rules(self) -> list[Rule]:
        return self.document["types"][TYPE]

    def codes(self) -> set[str]:
        return {problem.code for problem in check_document(self.document, self.types)}


# --- What is sound ---------------------------------------------------------------------------


@st.composite
def specs(draw: Draw) -> TypeSpec:
    accounts = draw(st.lists(st.sampled_from(ACCOUNTS), min_size=1, unique=True))
    ledgers = draw(st.lists(st.sampled_from(LEDGERS), unique=True))
    amounts = []
    for whole in ("gross", "tip")[: draw(st.integers(1, 2))]:
        amounts.append(Amount(whole))
        amounts += [Amount(f"{whole}_part_{n}", whole) for n in range(draw(st.integers(0, 3)))]
    external = draw(st.booleans())
    is_held = not external and draw(st.booleans())
    return TypeSpec(
        TYPE,
        (*[Party(name) for name in accounts], *[Party(name, is_ledger=True) for name in ledgers]),
        tuple(amounts),
        (*ALWAYS_PARAMETERS, "city", "device"),
        external=external,
        held={a.name: f"wallet:{{{accounts[0]}}}" for a in amounts if (a.part_of or a.name) == "gross"}
        if is_held
        else {},
    )


@st.composite
def templates(draw: Draw, spec: TypeSpec) -> str:
    accounts = [party.name for party in spec.parties if not party.is_ledger]
    ledgers = [f"{{{party.name}}}" for party in spec.parties if party.is_ledger]
    one, other = draw(st.sampled_from(accounts)), draw(st.sampled_from(accounts))
    purposes = ("wallet", "pending", "debt", "platform:fees", "escrow")
    forms = [f"{purpose}:{{{one}}}" for purpose in purposes]
    forms += [f"between:{{{one}}}:{{{other}}}", f"wallet:{{{one}}}:savings", f"platform:{'x' * 38}:{{{one}}}"]
    return draw(st.sampled_from([*forms, *ledgers, *CODES]))


@st.composite
def rules(draw: Draw, spec: TypeSpec, name: str, match: dict[str, str]) -> Rule:
    transfers = [line for whole in spec.wholes() for line in draw(_uses(spec, whole))]
    return {"name": name, "match": match, "transfers": draw(st.permutations(transfers))}


@st.composite
def _uses(draw: Draw, spec: TypeSpec, whole: str) -> list[Rule]:
    """One of the ways in which a whole is used up."""
    parts = draw(st.lists(st.sampled_from(spec.parts_of(whole) or [""]), unique=True)) if spec.parts_of(whole) else []
    ways: list[list[Any]] = [[whole], [{"rest_of": whole}, *parts]]
    if spec.external:
        bps = draw(st.lists(st.integers(1, 3000), min_size=1, max_size=3))
        left = {"of": whole, "bps": BPS_WHOLE - sum(bps)}
        shares = [{"of": whole, "bps": share} for share in bps]
        ways += [[{"rest_of": whole}, *shares], [left, *shares]]
    amounts = draw(st.sampled_from(ways))
    debit = spec.held.get(whole) or draw(templates(spec))
    lines = []
    for amount in amounts:
        credit = draw(templates(spec))
        lines.append({"debit": debit, "credit": credit if credit != debit else "cash:elsewhere", "amount": amount})
    return lines


@st.composite
def matches(draw: Draw, spec: TypeSpec) -> dict[str, str]:
    names = draw(st.lists(st.sampled_from(spec.parameters), min_size=1, max_size=3, unique=True))
    return {name: draw(st.sampled_from(CURRENCIES if name == "currency" else VALUES)) for name in names}


@st.composite
def worlds(draw: Draw) -> World:
    """A sound rule set: each further rule stays only where the check has nothing against it."""
    spec = draw(specs())
    world = World(spec, {"name": "drawn", "types": {TYPE: [draw(rules(spec, "default", {}))]}})
    for number in range(draw(st.integers(0, 4))):
        rule = draw(rules(spec, f"rule {number}", draw(matches(spec))))
        further = World(spec, {"name": "drawn", "types": {TYPE: [*world.rules, rule]}})
        world = world if further.codes() else further
    return world


@st.composite
def near_sound_worlds(draw: Draw) -> World:
    """A sound rule set with some lines of some rule changed at random; sound or not, as it comes."""
    world = copy.deepcopy(draw(worlds()))
    for _ in range(draw(st.integers(0, 2))):
        rule = draw(st.sampled_from(world.rules))
        line = draw(st.sampled_from(rule["transfers"]))
        other = draw(st.sampled_from(draw(st.sampled_from(world.rules))["transfers"]))
        change = draw(st.sampled_from(("debit", "credit", "amount", "twice", "gone")))
        if change == "twice":
            rule["transfers"] = [*rule["transfers"], other]
        elif change == "gone" and len(rule["transfers"]) > 1:
            rule["transfers"].remove(line)
        elif change in line:
            line[change] = draw(templates(world.spec)) if change != "amount" else copy.deepcopy(other["amount"])
    return world


@st.composite
def payloads(draw: Draw, spec: TypeSpec) -> dict[str, Any]:
    """What a valid event of this type says: parts never exceed their whole, and may be left out."""
    payload: dict[str, Any] = {"currency": draw(st.sampled_from(CURRENCIES))}
    for name in spec.parameters:
        if name != "currency" and draw(st.booleans()):
            payload[name] = draw(st.sampled_from((*VALUES, "z")))
    for party in spec.parties:
        payload[party.name] = draw(st.sampled_from(CODES[:2] if party.is_ledger else PEOPLE))
    for whole in spec.wholes():
        left = payload[f"{whole}_minor"] = draw(wholes)
        for part in spec.parts_of(whole):
            if draw(st.booleans()):
                taken = payload[f"{part}_minor"] = draw(st.sampled_from((0, left, left // 2, min(left, 1))))
                left -= taken
    return payload


# --- Faults ----------------------------------------------------------------------------------


@st.composite
def planted(draw: Draw, code: str) -> World:
    """A sound rule set in which one thing was made wrong; `code` is the code of that."""
    world = copy.deepcopy(draw(worlds()))
    rule = draw(st.sampled_from(world.rules))
    ways = list(FAULTS[code](world, rule))
    assume(ways)
    draw(st.sampled_from(ways))()
    return world


Ways = Iterator[Callable[[], Any]]


def _unknown_party(world: World, rule: Rule) -> Ways:
    for line in rule["transfers"]:
        for side in ("debit", "credit"):
            yield lambda line=line, side=side: line.update({side: "platform:{stranger}"})
            yield lambda line=line, side=side: line.update({side: "{stranger}"})


def _unknown_amount(world: World, rule: Rule) -> Ways:
    for amount in ("stranger", {"rest_of": "stranger"}, {"of": "stranger", "bps": 10}):
        yield lambda amount=amount: rule["transfers"].append({"debit": "cash", "credit": "cash:x", "amount": amount})


def _unknown_parameter(world: World, rule: Rule) -> Ways:
    for name in ("stranger", "payer", "gross_minor", "gross", "holds"):
        yield lambda name=name: rule["match"].update({name: "a"})


def _over_allocated(world: World, rule: Rule) -> Ways:
    for whole in world.spec.wholes():
        extra = {"debit": world.spec.held.get(whole, "cash:a"), "credit": "cash:b"}
        yield lambda extra=extra, whole=whole: rule["transfers"].append(extra | {"amount": whole})
        yield lambda extra=extra, whole=whole: rule["transfers"].append(extra | {"amount": {"rest_of": whole}})
    for line in rule["transfers"]:
        if not isinstance(line["amount"], dict) or "rest_of" in line["amount"]:
            yield lambda line=line: rule["transfers"].append(copy.deepcopy(line))
        else:
            yield lambda line=line: rule["transfers"].append(
                copy.deepcopy(line) | {"amount": line["amount"] | {"bps": BPS_WHOLE}}
            )


def _under_allocated(world: World, rule: Rule) -> Ways:
    for whole in world.spec.wholes():
        takers = [line for line in rule["transfers"] if line["amount"] in (whole, {"rest_of": whole})]
        if takers:
            yield lambda takers=takers: [rule["transfers"].remove(line) for line in takers]
        shares = [line for line in rule["transfers"] if _is_share(line["amount"], whole)]
        if not takers and shares:
            yield lambda shares=shares: rule["transfers"].remove(shares[0])


def _is_share(amount: Any, whole: str) -> bool:
    return isinstance(amount, dict) and amount.get("of") == whole


def _amount_redefined(world: World, rule: Rule) -> Ways:
    for amount in world.spec.amounts:
        line = {"debit": world.spec.held.get(amount.name, "cash:a"), "credit": "cash:b"}
        if amount.part_of:
            for written in ({"rest_of": amount.name}, {"of": amount.name, "bps": 100}):
                yield lambda line=line, written=written: rule["transfers"].append(line | {"amount": written})
        elif not world.spec.external:
            written = {"of": amount.name, "bps": BPS_WHOLE}
            yield lambda line=line, written=written: rule["transfers"].append(line | {"amount": written})


def _ambiguous(world: World, rule: Rule) -> Ways:
    yield lambda: world.rules.append(copy.deepcopy(rule) | {"name": "another"})
    yield lambda: world.rules.append(copy.deepcopy(rule) | {"match": {"device": "q", "city": "q", "channel": "q"}})


def _dead(world: World, rule: Rule) -> Ways:
    yield lambda: world.document["types"].update({"never.declared": [rule]})
    yield lambda: world.rules.append(copy.deepcopy(rule) | {"name": "another"})
    yield lambda: world.rules.append(copy.deepcopy(rule) | {"name": "another", "match": {"currency": "XTS"}})


def _uncovered(world: World, rule: Rule) -> Ways:
    yield lambda: world.rules.__setitem__(slice(None), [r for r in world.rules if r["match"]])
    yield lambda: world.document["types"].pop(TYPE)


def _bad_template(world: World, rule: Rule) -> Ways:
    account = next(f"{{{party.name}}}" for party in world.spec.parties if not party.is_ledger)
    ledgers = [f"cash:{{{party.name}}}" for party in world.spec.parties if party.is_ledger]
    broken = ["", "Cash", "cash:", "cash:a b", "cash:é", "cash:{", f"cash:{account}}}", account]
    nobodys = ["wallet:acc_01JAAAAAAAAAAAAAAAAAAAAAAA", "debt", f"pending:x:{account}"]
    too_long = [f"a:{account}:{account}:{account}", f"{'x' * 40}:{'y' * 10}:{account}"]
    bad = [*broken, *nobodys, *too_long, *ledgers]
    for line in rule["transfers"]:
        for side in ("debit", "credit"):
            for template in bad:
                yield lambda line=line, side=side, template=template: line.update({side: template})
        yield lambda line=line: line.update({"credit": line["debit"]})


def _hold_mismatch(world: World, rule: Rule) -> Ways:
    for line in rule["transfers"]:
        written = line["amount"]
        named = written if isinstance(written, str) else written.get("rest_of", "")
        if named in world.spec.held:
            for template in ("cash:a", f"pending:{{{world.spec.parties[0].name}}}"):
                yield lambda line=line, template=template: line.update({"debit": template})


FAULTS: dict[str, Callable[[World, Rule], Ways]] = {
    "unknown_party": _unknown_party,
    "unknown_amount": _unknown_amount,
    "unknown_parameter": _unknown_parameter,
    "over_allocated": _over_allocated,
    "under_allocated": _under_allocated,
    "amount_redefined": _amount_redefined,
    "ambiguous": _ambiguous,
    "dead": _dead,
    "uncovered": _uncovered,
    "bad_template": _bad_template,
    "hold_mismatch": _hold_mismatch,
}
