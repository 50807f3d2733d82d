"""Which version of the rules is in force when; each version is read and compiled once per process."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

from django.conf import settings
from django.db import connection

from billing.errors import NoRule
from billing.models import RuleSet
from billing.rules import BatchSettings, CompiledRuleSet, compile_rules
from billing.types import whole_of

COMPILED_VERSIONS_MAX = 64
_SINCE_EVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Timeline:
    """The versions that have been activated, by the moment from which each is in force."""

    moments: Sequence[datetime]
    ids: Sequence[int]

    def at(self, moment: datetime) -> CompiledRuleSet:
        """
        Return the version in force at a moment.

        :raises NoRule: none was in force then.
        """
        place = bisect_right(self.moments, moment)
        if not place:
            raise NoRule("No rule set was in force then.")
        return compiled(self.ids[place - 1])


def timeline() -> Timeline:
    """Read the timeline; a batch does so under the engine's shared lock."""
    activated = RuleSet.objects.exclude(status=RuleSet.Status.DRAFT).values_list("effective_from", "version", "id")
    rows = sorted((moment or _SINCE_EVER, version, id_) for moment, version, id_ in activated)
    return Timeline([moment for moment, _version, _id in rows], [id_ for _moment, _version, id_ in rows])


@lru_cache(maxsize=COMPILED_VERSIONS_MAX)
def compiled(rule_set_id: int) -> CompiledRuleSet:
    """Compile one version. Activated versions never change, so the cache never goes stale."""
    return compile_rule_set(RuleSet.objects.get(id=rule_set_id))


@lru_cache(maxsize=1)
def most_transfers(rule_set_ids: tuple[int, ...]) -> dict[str, int]:
    """For each event type, the most transfers that any rule of these versions books."""
    most: dict[str, int] = {}
    for version in map(compiled, rule_set_ids):
        for type_, rules in version.rules_by_type.items():
            most[type_] = max([most.get(type_, 0), *(len(rule.transfers) for rule in rules)])
    return most


def compile_rule_set(rule_set: RuleSet) -> CompiledRuleSet:
    """Compile a version whose document has the right shape."""
    return CompiledRuleSet(
        id=rule_set.id,
        batch=_batch_settings(rule_set.document.get("batch", {})),
        rules_by_type=compile_rules(rule_set.document, part_of=whole_of(rule_set.document["types"])),
    )


def _batch_settings(written: dict[str, int]) -> BatchSettings:
    return BatchSettings(
        period_ms=written.get("period_ms", settings.BATCH_PERIOD_MS),
        max_accounts=written.get("max_accounts", settings.BATCH_ACCOUNTS_MAX),
        max_transfers=written.get("max_transfers", settings.BATCH_TRANSFERS_MAX),
    )


def versions_of_journals(event_keys: Iterable[str]) -> dict[str, tuple[int, int] | None]:
    """
    For events by key: (event id, id of the rule set that booked it last); absent where it is not booked.

    An event that a repair has booked again counts as booked by the version of the repair, and one that an
    operator took back as not booked.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT e.key, e.id, j.rule_set_id FROM events_eventrecord e
            LEFT JOIN LATERAL (
                SELECT r.event_id FROM billing_rebooking r WHERE r.stands_for_id = e.id
                ORDER BY r.event_id DESC LIMIT 1
            ) again ON true
            JOIN ledger_journal j ON j.event_id = COALESCE(again.event_id, e.id)
            WHERE e.key = ANY(%s)
              AND NOT EXISTS (SELECT FROM ledger_journal back WHERE back.reverses_id = j.event_id)
            """,
            [list(event_keys)],
        )
        return {key: (event_id, rule_set_id) for key, event_id, rule_set_id in cursor.fetchall()}


def versions_ever(event_keys: Iterable[str]) -> dict[str, frozenset[int]]:
    """For events by key: every version that has booked one, at first or by a repair, taken back since or not."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT e.key, array_agg(j.rule_set_id) FROM events_eventrecord e
            CROSS JOIN LATERAL (
                SELECT e.id UNION ALL SELECT r.event_id FROM billing_rebooking r WHERE r.stands_for_id = e.id
            ) AS stood(id)
            JOIN ledger_journal j ON j.event_id = stood.id
            WHERE e.key = ANY(%s) GROUP BY e.key
            """,
            [list(event_keys)],
        )
        return {key: frozenset(rule_set_ids) for key, rule_set_ids in cursor.fetchall()}
