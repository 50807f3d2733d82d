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
from billing.rules import Rule
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


# The parameters of an event as jsonb, only those named for its type.
_PARAMETERS = """
CROSS JOIN LATERAL (
    SELECT COALESCE(jsonb_object_agg(given.key, given.value), '{{}}'::jsonb) AS parameters
    FROM jsonb_each({fields}) given WHERE spec.names ? given.key
) chosen
"""
_SPEC = "JOIN jsonb_each(%(names)s::jsonb) AS spec(type, names) ON spec.type = {type}"

_BOOKED = f"""
SELECT e.type, chosen.parameters, count(*) AS count, min(e.occurred_at) AS oldest
FROM ledger_batch b
JOIN ledger_journal j ON j.batch_id = b.id
JOIN events_eventrecord e ON e.id = j.event_id
{_SPEC.format(type="e.type")}
{_PARAMETERS.format(fields="e.payload")}
WHERE (b.booked_at, b.id) > (%(counted_at)s::timestamptz, %(counted_id)s)
  AND (b.booked_at, b.id) <= (%(until_at)s::timestamptz, %(until_id)s)
GROUP BY e.type, chosen.parameters
"""  # noqa: S608 - all parts are ours

_COUNT = f"""
INSERT INTO billing_seenconfiguration AS seen (type, digest, parameters, count, oldest)
SELECT found.type, md5(found.parameters::text), found.parameters, found.count, found.oldest FROM ({_BOOKED}) found
ON CONFLICT (type, digest) DO UPDATE
SET count = seen.count + EXCLUDED.count, oldest = LEAST(seen.oldest, EXCLUDED.oldest)
"""  # noqa: S608

_SEEN = f"""
SELECT seen.type, chosen.parameters::text, sum(seen.count)::bigint, min(seen.oldest), ''
FROM (SELECT type, parameters, count, oldest FROM billing_seenconfiguration UNION ALL {_BOOKED}) seen
{_SPEC.format(type="seen.type")}
{_PARAMETERS.format(fields="seen.parameters")}
GROUP BY seen.type, chosen.parameters ORDER BY sum(seen.count) DESC, 1, 2 LIMIT %(limit)s
"""  # noqa: S608

_PARKED = f"""
SELECT e.type, chosen.parameters::text, count(*), min(e.occurred_at), d.error_code
FROM events_delivery d JOIN events_eventrecord e ON e.id = d.event_id
{_SPEC.format(type="e.type")}
{_PARAMETERS.format(fields="e.payload")}
WHERE d.consumer = %(billing)s AND d.parked_at IS NOT NULL
GROUP BY e.type, chosen.parameters, d.error_code ORDER BY count(*) DESC, 1, 2, 5 LIMIT %(limit)s
"""  # noqa: S608


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
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, _between(mark, (counted_at, counted_id)) | {"names": _parameters_of_types()})
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
    return {
        "counted_at": mark.booked_at or "-infinity",
        "counted_id": mark.batch_id,
        "until_at": until[0],
        "until_id": until[1],
    }


def _parameters_of_types() -> str:
    return json.dumps({name: list(spec.parameters) for name, spec in _ruled_types().items()})


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
        names = {name: _told_apart(rules_by_type.get(name, ())) for name in types}
        booked = _seen(_SEEN, names)
        parked = _seen(_PARKED, names)
        faults = _faulty_rules(version, types)
    rows: list[Covered] = []
    for name in types:
        rules = rules_by_type.get(name, ())
        rows += _rows_of_type(name, rules, booked, faults)
    rows += _unposted(parked)
    rows = _with_bare_types(rows, types)
    rows.sort(key=lambda row: (_WORST_FIRST.index(row.state), row.type, sorted(row.configuration.items())))
    limit = settings.COVERAGE_ROWS_MAX
    return Coverage(version, rows[:limit], complete=max(len(rows), len(booked), len(parked)) <= limit)


def _told_apart(rules: Iterable[Rule]) -> list[str]:
    """The parameters by which a type's rules tell events apart."""
    return sorted({name for rule in rules for name in rule.match})


def _seen(statement: str, names: Mapping[str, Sequence[str]]) -> list[_Seen]:
    mark = CoverageMark.objects.get()
    parameters = _between(mark, ("infinity", 0)) | {
        "names": json.dumps(names),
        "billing": BILLING,
        "limit": settings.COVERAGE_ROWS_MAX + 1,
    }
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
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
