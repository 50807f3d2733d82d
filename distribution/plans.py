"""Which plan is in force when, compiled; each version is read once per process, since it never changes."""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from core.money import BPS_WHOLE
from distribution.models import Plan

HOUSE, NEXT_UP, ESCROW = "house", "next_up", "escrow"
VACANCIES = (HOUSE, NEXT_UP, ESCROW)

COMPILED_PLANS_MAX = 64
_SINCE_EVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class CompiledPlan:
    """
    One version, ready to share out a fee. Rates are in bps: `pool_bps` of the fee, all others of the pool.

    `agents`: by the level of the area, the deepest first. With `differential` a level's rate is for all agents
    up to it, and its own is what those below have left of it. `caps`: by role and currency, for one account and order.
    """

    id: int
    public_id: str
    label: str
    pool_bps: int
    agents: Mapping[int, int]
    differential: bool
    referrers: Mapping[int, int]
    merchant_referrer_bps: int
    cashback_bps: int
    vacancy: str
    hold: timedelta
    caps: Mapping[tuple[str, str], int]

    @property
    def referrer_levels(self) -> int:
        return max(self.referrers, default=0)

    @property
    def agents_bps(self) -> int:
        """What all agents have together at most."""
        return max(self.agents.values(), default=0) if self.differential else sum(self.agents.values())

    def own_agent_rates(self) -> Iterator[tuple[int, int]]:
        """
        Yield what each level has for itself, in bps of the pool.

        A differential plan gives a level what those below have left of its rate, be they vacant or not.
        """
        below_bps = 0
        for level, up_to_bps in self.agents.items():
            yield level, up_to_bps - below_bps
            below_bps = up_to_bps if self.differential else 0

    @property
    def given_bps(self) -> int:
        """What of the pool the plan gives away at most."""
        people_bps = sum(self.referrers.values()) + self.merchant_referrer_bps + self.cashback_bps
        return self.agents_bps + people_bps

    @property
    def platform_bps(self) -> int:
        """What of the pool stays with the platform whoever is there."""
        return BPS_WHOLE - self.given_bps


@dataclass(frozen=True, slots=True)
class PlanTimeline:
    """The plans that have been activated, by the moment from which each is in force."""

    moments: Sequence[datetime]
    ids: Sequence[int]

    def at(self, moment: datetime) -> CompiledPlan | None:
        """Return the plan in force at a moment; None where there was none, and nobody is given anything."""
        place = bisect_right(self.moments, moment)
        return compiled_plan(self.ids[place - 1]) if place else None


def plan_timeline() -> PlanTimeline:
    """Read the timeline; one statement."""
    activated = Plan.objects.exclude(status=Plan.Status.DRAFT).values_list("effective_from", "version", "id")
    rows = sorted((moment or _SINCE_EVER, version, id_) for moment, version, id_ in activated)
    return PlanTimeline([moment for moment, _version, _id in rows], [id_ for _moment, _version, id_ in rows])


@lru_cache(maxsize=COMPILED_PLANS_MAX)
def compiled_plan(plan_id: int) -> CompiledPlan:
    """Compile an activated version; it never changes, so the cache never goes stale."""
    return compile_plan(Plan.objects.get(id=plan_id))


def compile_plan(plan: Plan) -> CompiledPlan:
    """Compile a version whose document has the right shape."""
    return CompiledPlan(id=plan.pk, public_id=plan.public_id, label=str(plan), **rates_of(plan.document))


def rates_of(document: Mapping[str, Any]) -> dict[str, Any]:
    """Read a document of the right shape; what it leaves out gives nothing."""
    agents = {line["level"]: line["bps"] for line in document.get("agents", [])}
    return {
        "pool_bps": document["pool"]["bps"],
        "agents": dict(sorted(agents.items(), reverse=True)),
        "differential": document.get("differential", False),
        "referrers": {line["level"]: line["bps"] for line in document.get("referrers", [])},
        "merchant_referrer_bps": (document.get("merchant_referrer") or {}).get("bps", 0),
        "cashback_bps": (document.get("cashback") or {}).get("bps", 0),
        "vacancy": document.get("vacancy", HOUSE),
        "hold": timedelta(days=document.get("hold_days", 0)),
        "caps": {(cap["role"], cap["currency"]): cap["amount"] for cap in document.get("caps", [])},
    }
