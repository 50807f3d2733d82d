"""
Which types and configurations there are, declared or seen, and whether the rules cover them.

A configuration is what rules tell events of a type apart by: the parameters that some rule of the type
names. Booked events are counted by all their parameters, in a roll-up that a task extends batch by batch
up to the frontier; what was booked since is counted when somebody asks. So the answer is exact, whichever
version of the rules it is asked for, and takes no walk over all events.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from billing.booking import BILLING
from billing.check import check_document
from billing.event_types import TypeSpec
from billing.models import CoverageMark, RuleSet
from billing.rules import CHARGED_BY, Rule
from billing.types import all_types
from billing.versions import compile_rule_set, timeline
from core import clock
from core.snapshot import one_snapshot
from ledger.selectors import frontier

COVERED, AMBIGUOUS, DEAD, UNPOSTED = "covered", "ambiguous", "dead", "unposted"
_WORST_FIRST = (UNPOSTED, AMBIGUOUS, DEAD, COVERED)

Configuration = Mapping[str, str]
BatchPlace = tuple[datetime, int]  # (booked_at, batch id): the order in which batches are counted.


@dataclass(slots=True)
class Covered:
    """
    One type and configuration, and what becomes of its events.

    `count` and `oldest` are of the booked events; where the state is `unposted`, of those that wait for a
    rule or for cover, with the `reasons` and how often each. `rule` is the one that books them.
    """

    type: str
    configuration: Configuration
    state: str
    count: int = 0
    oldest: datetime | None = None
    rule: str | None = None
    reasons: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Coverage:
    """The report on one version of the rules. `complete`: nothing was left out for its length."""

    rule_set: RuleSet
    rows: Sequence[Covered]
    complete: bool


@dataclass(frozen=True, slots=True)
class _Seen:
    type: str
    configuration: Configuration
    count: int
    oldest: datetime
    reason: str = ""


@dataclass(frozen=True, slots=True)
class _Names:
    """
    The parameters that are wanted of each type, as SQL.

    Taking the few that are wanted of any type out of a payload is much cheaper than filtering its fields by
    type. So rows are grouped by those first, and only the groups are filtered.
    """

    by_type: Mapping[str, Sequence[str]]

    def parameters(self) -> dict[str, str]:
        return {"names": json.dumps(self.by_type)} | {f"name_{n}": name for n, name in enumerate(self._all())}

    def taken_from(self, fields: str) -> str:
        pairs = [f"%(name_{n})s::text, {fields} -> %(name_{n})s::text" for n in range(len(self._all()))]
        objects = [pairs[first : first + _PAIRS_MAX] for first in range(0, len(pairs), _PAIRS_MAX)] or [[]]
        return "jsonb_strip_nulls(" + " || ".join(f"jsonb_build_object({', '.join(some)})" for some in objects) + ")"

    def _all(self) -> list[str]:
        return sorted({name for names in self.by_type.values() for name in names})


_PAIRS_MAX = 40  # A function takes 100 arguments.

_BOOKED = """
SELECT e.type, {given} AS given, '' AS reason, count(*) AS count, min(e.occurred_at) AS oldest
FROM ledger_batch b
JOIN ledger_journal j ON j.batch_id = b.id
JOIN events_eventrecord e ON e.id = j.event_id
WHERE (b.booked_at, b.id) > (%(counted_at)s::timestamptz, %(counted_id)s)
  AND (b.booked_at, b.id) <= (%(until_at)s::timestamptz, %(until_id)s)
  AND e.id BETWEEN %(first_event)s AND %(last_event)s
GROUP BY 1, 2
"""

# Batches of one time are of events of one time: told the range, PostgreSQL does not read all events.
_EVENT_RANGE = """
SELECT COALESCE(min(j.event_id), 0), COALESCE(max(j.event_id), -1)
FROM ledger_batch b JOIN ledger_journal j ON j.batch_id = b.id
WHERE (b.booked_at, b.id) > (%(counted_at)s::timestamptz, %(counted_id)s)
  AND (b.booked_at, b.id) <= (%(until_at)s::timestamptz, %(until_id)s)
"""

_COUNTED = """
SELECT type, {given} AS given, '' AS reason, sum(count) AS count, min(oldest) AS oldest
FROM billing_seenconfiguration GROUP BY 1, 2
"""

_PARKED = """
SELECT e.type, {given} AS given, d.error_code AS reason, count(*) AS count, min(e.occurred_at) AS oldest
FROM events_delivery d JOIN events_eventrecord e ON e.id = d.event_id
WHERE d.consumer = %(billing)s AND d.parked_at IS NOT NULL
GROUP BY 1, 2, 3
"""

_OF_ITS_TYPE = """
SELECT grouped.type, chosen.parameters, grouped.reason, sum(grouped.count)::bigint AS count,
       min(grouped.oldest) AS oldest
FROM ({grouped}) grouped
JOIN jsonb_each(%(names)s::jsonb) AS spec(type, names) ON spec.type = grouped.type
CROSS JOIN LATERAL (
    SELECT COALESCE(jsonb_object_agg(field.key, field.value), '{{}}'::jsonb) AS parameters
    FROM jsonb_each(grouped.given) field WHERE spec.names ? field.key
) chosen
GROUP BY 1, 2, 3
"""

_COUNT = """
INSERT INTO billing_seenconfiguration AS seen (type, digest, parameters, count, oldest)
SELECT found.type, md5(found.parameters::text), found.parameters, found.count, found.oldest FROM ({found}) found
ON CONFLICT (type, digest) DO UPDATE
SET count = seen.count + EXCLUDED.count, oldest = LEAST(seen.oldest, EXCLUDED.oldest)
"""

_MOST = """
SELECT type, parameters::text, count, oldest, reason FROM ({found}) found
ORDER BY count DESC, type, parameters::text, reason LIMIT %(limit)s
"""


def _of_its_type(*grouped: str) -> str:
    return _OF_ITS_TYPE.format(grouped=" UNION ALL ".join(f"({some})" for some in grouped))


# --- Counting --------------------------------------------------------------------------------


def count_booked() -> int:
    """
    Count further batches into the roll-up, as far as no open transaction can still add one; return how many.

    Each step commits, and goes on where the last one ended, whoever made it.
    """
    counted = 0
    while step := _count_some():
        counted += step
    return counted


@transaction.atomic
def _count_some() -> int:
    mark = CoverageMark.objects.select_for_update(skip_locked=True).first()
    if mark is None:
        return 0  # Somebody else is at it.
    until = frontier()  # Before the batches are read: what is booked up to it is committed by now.
    batches = _batches_after(mark, until)
    if not batches:
        return 0
    counted_at, counted_id = batches[-1]
    names = _Names({name: spec.parameters for name, spec in _ruled_types().items()})
    found = _of_its_type(_BOOKED.format(given=names.taken_from("e.payload")))
    with connection.cursor() as cursor:
        cursor.execute(_COUNT.format(found=found), _between(mark, (counted_at, counted_id)) | names.parameters())
    mark.booked_at, mark.batch_id = counted_at, counted_id
    mark.save()
    return len(batches)


def _batches_after(mark: CoverageMark, until: datetime) -> list[BatchPlace]:
    """The next batches, up to a number of events."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT booked_at, id, events_count FROM ledger_batch
            WHERE (booked_at, id) > (%s::timestamptz, %s) AND booked_at <= %s ORDER BY booked_at, id LIMIT %s
            """,
            [mark.booked_at or "-infinity", mark.batch_id, until, settings.COVERAGE_BATCHES_AT_ONCE],
        )
        found = cursor.fetchall()
    batches: list[BatchPlace] = []
    events = 0
    for booked_at, id_, events_count in found:
        if batches and events + events_count > settings.COVERAGE_EVENTS_AT_ONCE:
            break
        batches.append((booked_at, id_))
        events += events_count
    return batches


def _between(mark: CoverageMark, until: tuple[datetime | str, int]) -> dict[str, Any]:
    """The batches behind the mark and up to a place, and the range of their events."""
    stretch = {
        "counted_at": mark.booked_at or "-infinity",
        "counted_id": mark.batch_id,
        "until_at": until[0],
        "until_id": until[1],
    }
    with connection.cursor() as cursor:
        cursor.execute(_EVENT_RANGE, stretch)
        first, last = cursor.fetchone()
    return stretch | {"first_event": first, "last_event": last}


def _ruled_types() -> dict[str, TypeSpec]:
    """Corrections have no rules, and so no configurations."""
    return {name: spec for name, spec in all_types().items() if not spec.corrects}


# --- The report ------------------------------------------------------------------------------


def coverage(rule_set: RuleSet | None = None) -> Coverage:
    """Report on the version in force, or on another one, a draft as well: what would become of what was seen."""
    with one_snapshot():
        version = rule_set or RuleSet.objects.get(pk=timeline().at(clock.now()).id)
        rules_by_type = compile_rule_set(version).rules_by_type
        types = _ruled_types()
        names = _Names({name: _told_apart(rules_by_type.get(name, ()), spec) for name, spec in types.items()})
        booked, parked = _booked(names), _parked(names)
    faults = _faulty_rules(version, types)
    rows = [row for name in types for row in _rows_of_type(name, rules_by_type.get(name, ()), booked, faults)]
    rows += _unposted(parked)
    rows = _with_bare_types(rows, types)
    rows.sort(key=lambda row: (_WORST_FIRST.index(row.state), row.type, sorted(row.configuration.items())))
    limit = settings.COVERAGE_ROWS_MAX
    return Coverage(version, rows[:limit], complete=max(len(rows), len(booked), len(parked)) <= limit)


def _told_apart(rules: Iterable[Rule], spec: TypeSpec) -> list[str]:
    """The parameters by which a type's rules tell events apart."""
    return sorted({name for rule in rules for name in rule.match} & set(spec.parameters))


def _booked(names: _Names) -> list[_Seen]:
    """What the roll-up has counted, and what was booked since."""
    counted = _COUNTED.format(given=names.taken_from("parameters"))
    since = _BOOKED.format(given=names.taken_from("e.payload"))
    return _seen(_of_its_type(counted, since), names, _between(CoverageMark.objects.get(), ("infinity", 0)))


def _parked(names: _Names) -> list[_Seen]:
    return _seen(_of_its_type(_PARKED.format(given=names.taken_from("e.payload"))), names, {"billing": BILLING})


def _seen(found: str, names: _Names, further: Mapping[str, Any]) -> list[_Seen]:
    with connection.cursor() as cursor:
        cursor.execute(
            _MOST.format(found=found), {**names.parameters(), **further, "limit": settings.COVERAGE_ROWS_MAX + 1}
        )
        rows = cursor.fetchall()
    return [_Seen(type_, json.loads(written), *figures) for type_, written, *figures in rows]


def _faulty_rules(version: RuleSet, types: Mapping[str, TypeSpec]) -> dict[tuple[str, str], str]:
    """The rules that the check calls ambiguous or dead, by type and name."""
    problems = check_document(version.document, types)
    return {(p.type, p.rule): p.code for p in problems if p.code in (AMBIGUOUS, DEAD)}


def _rows_of_type(
    type_: str, rules: Sequence[Rule], booked: Iterable[_Seen], faults: Mapping[tuple[str, str], str]
) -> list[Covered]:
    """What was seen of a type, and what its rules name beside that."""
    rows = {}
    for seen in booked:
        if seen.type == type_:
            state, rule = _state(rules, seen.configuration)
            rows[_key(seen.configuration)] = Covered(type_, seen.configuration, state, seen.count, seen.oldest, rule)
    for rule_ in rules:
        declared = Covered(type_, dict(rule_.match), faults.get((type_, rule_.name), COVERED), rule=rule_.name)
        known = rows.setdefault(_key(rule_.match), declared)
        if declared.state != COVERED:
            known.state = declared.state
    return list(rows.values())


def _state(rules: Sequence[Rule], configuration: Configuration) -> tuple[str, str | None]:
    """Whether one rule, several or none would book such an event, and which."""
    provider = configuration.get("provider")
    if provider and any(rule.takes_outside == provider for rule in rules):
        configuration = {**configuration, CHARGED_BY: provider}
    matching = [rule for rule in rules if rule.matches(configuration)]
    if not matching:
        return UNPOSTED, None
    specificity = max(len(rule.match) for rule in matching)
    chosen = [rule.name for rule in matching if len(rule.match) == specificity]
    return (COVERED if len(chosen) == 1 else AMBIGUOUS), chosen[0]


def _unposted(parked: Iterable[_Seen]) -> list[Covered]:
    """One row for each type and configuration of which something is set aside, whatever the reasons."""
    rows: dict[tuple[str, Any], Covered] = {}
    for seen in parked:
        key = (seen.type, _key(seen.configuration))
        row = rows.setdefault(key, Covered(seen.type, seen.configuration, UNPOSTED, oldest=seen.oldest))
        row.count += seen.count
        row.oldest = min(row.oldest or seen.oldest, seen.oldest)
        row.reasons[seen.reason] = row.reasons.get(seen.reason, 0) + seen.count
    return list(rows.values())


def _with_bare_types(rows: list[Covered], types: Iterable[str]) -> list[Covered]:
    """A type without any rule would not be posted, though nothing of it was seen yet."""
    known = {row.type for row in rows}
    return rows + [Covered(name, {}, UNPOSTED, reasons={}) for name in types if name not in known]


def _key(configuration: Configuration) -> frozenset[tuple[str, str]]:
    return frozenset(configuration.items())
