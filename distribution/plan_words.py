"""A plan as people read it: what everybody has of 100.00 of fee, and how two versions differ."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from billing.readable import Change, compare_parts
from core.money import BPS_WHOLE, format_minor, share_of, split
from distribution.plan_documents import FORBIDDEN_SOURCES
from distribution.plans import HOUSE, CompiledPlan, rates_of
from distribution.sharing_out import PLATFORM

EXAMPLE_FEE_MINOR = 100_00
PLATFORM_OF_POOL = "The platform, of the pool"
PLATFORM_OF_REST = "The platform, of the rest"


VACANCY_WORDS = {
    "house": "the part of an area without an agent stays with the platform",
    "next_up": "the part of an area without an agent goes to the next agent above",
    "escrow": "the part of an area without an agent is kept for its next agent",
}


@dataclass(frozen=True, slots=True)
class Share:
    """What somebody has of 100.00 of fee, in its cents; `rate_bps` is of the pool, None where it is of the fee."""

    who: str
    rate_bps: int | None
    minor: int


@dataclass(frozen=True, slots=True)
class Shares:
    """How 100.00 of fee is shared out where everybody is there and no cap is met; the rows sum to it."""

    rows: Sequence[Share]
    given_minor: int

    @property
    def by_who(self) -> Mapping[str, int]:
        return {row.who: row.minor for row in self.rows}


def shares_of(document: Mapping[str, Any]) -> Shares:
    """
    Share out 100.00 by a document of the right shape.

    One that gives more than there is leaves the platform less than nothing; its check says so too.
    """
    plan = CompiledPlan(id=0, public_id="", label="", **rates_of(document))
    pool_minor = share_of(EXAMPLE_FEE_MINOR, plan.pool_bps)
    rates = dict(_claims(plan))
    minors = _cut(pool_minor, rates)
    given_minor = sum(minors.values())
    rows = [Share(who, rate_bps, minors[who]) for who, rate_bps in rates.items()]
    rows.append(Share(PLATFORM_OF_POOL, BPS_WHOLE - sum(rates.values()), pool_minor - given_minor))
    rows.append(Share(PLATFORM_OF_REST, None, EXAMPLE_FEE_MINOR - pool_minor))
    return Shares(rows, given_minor)


def _cut(pool_minor: int, rates: Mapping[str, int]) -> dict[str, int]:
    left_bps = BPS_WHOLE - sum(rates.values())
    if left_bps < 0 or any(rate_bps < 0 for rate_bps in rates.values()):
        return {who: share_of(pool_minor, rate_bps) for who, rate_bps in rates.items()}
    minors = split(pool_minor, {**rates, PLATFORM: left_bps})
    del minors[PLATFORM]
    return minors


def _claims(plan: CompiledPlan) -> Iterator[tuple[str, int]]:
    for level, rate_bps in plan.own_agent_rates():
        yield f"Agent of level {level}", rate_bps
    for level, rate_bps in sorted(plan.referrers.items()):
        yield f"Who brought the buyer, level {level}", rate_bps
    if plan.merchant_referrer_bps:
        yield "Who brought the seller", plan.merchant_referrer_bps
    if plan.cashback_bps:
        yield "The buyer (cashback)", plan.cashback_bps


def compare_plans(old: Mapping[str, Any] | None, new: Mapping[str, Any]) -> list[Change]:
    """Return how two documents differ, part by part; all of `new` where there is no old one."""
    return compare_parts(_parts(old) if old else {}, _parts(new))


def _parts(document: Mapping[str, Any]) -> dict[tuple[str, str], list[str]]:
    plan = CompiledPlan(id=0, public_id="", label="", **rates_of(document))
    pool = document["pool"]
    parts = {
        "name": [document["name"]],
        "pool": [f"{_percent(pool['bps'])} of the {pool['of'].replace('_', ' ')}"],
        "agents": _tiers(document.get("agents", [])),
        "differential": ["each level's rate is for all agents up to it"] if plan.differential else [],
        "vacancy": [VACANCY_WORDS[document.get("vacancy", HOUSE)]],
        "who brought the buyer": _tiers(document.get("referrers", [])),
        "who brought the seller": _rate(plan.merchant_referrer_bps),
        "cashback": _rate(plan.cashback_bps),
        "hold": [f"{plan.hold.days} days after completion"],
        "caps": [
            f"{cap['role'].replace('_', ' ')}: {format_minor(cap['amount'], cap['currency'])} {cap['currency']}"
            f" of one {cap['per']}"
            for cap in document.get("caps", [])
        ],
        "what no plan may have": [
            f"{name}: {json.dumps(document[name])}" for name in FORBIDDEN_SOURCES if name in document
        ],
    }
    return {("", name): lines for name, lines in parts.items()}


def written_terms(document: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Say what a plan has besides its rates: by when, up to how much, and where nobody is."""
    parts = _parts(document)
    named = ("pool", "differential", "vacancy", "hold", "caps", "what no plan may have")
    return [(name, "; ".join(parts["", name])) for name in named if parts["", name]]


def _tiers(lines: Sequence[Mapping[str, int]]) -> list[str]:
    return [f"level {line['level']}: {_percent(line['bps'])} of the pool" for line in lines]


def _rate(rate_bps: int) -> list[str]:
    return [f"{_percent(rate_bps)} of the pool"] if rate_bps else []


def _percent(rate_bps: int) -> str:
    return f"{rate_bps / 100:g} %"
