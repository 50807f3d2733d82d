"""
What a plan must pass before it is used: it never gives more than the pool, pays nobody for recruiting, and
names only levels that there are. docs/plans.md has the reasons and their sources.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from billing.event_types import AGENT_LEVELS, REFERRER_LEVELS
from core.money import BPS_WHOLE
from distribution.plan_documents import ENTRY_FEE, RECRUITMENT
from distribution.plans import CompiledPlan, rates_of


@dataclass(frozen=True, slots=True)
class PlanProblem:
    """One reason why a plan is not sound; `path` is where it stands in the document (`agents.0.level`)."""

    code: str
    path: str
    detail: str


def check_plan(document: Mapping[str, Any], *, levels: Collection[int], hops_max: int) -> list[PlanProblem]:
    """
    Return the problems of a document of the right shape; an empty list is the proof.

    `levels`: those that the loaded trees of areas have. `hops_max`: how far up somebody may be paid because one
    brought the other, where the law allows the most.
    """
    return list(_problems(document, levels, hops_max))


def _problems(document: Mapping[str, Any], levels: Collection[int], hops_max: int) -> Iterator[PlanProblem]:
    yield from _forbidden(document)
    yield from _agents(document, levels)
    yield from _referrers(document, hops_max)
    yield from _caps(document)
    plan = CompiledPlan(id=0, public_id="", label="", **rates_of(document))
    if plan.given_bps > BPS_WHOLE:
        detail = f"It gives {plan.given_bps} bps of the pool, and there are {BPS_WHOLE}."
        yield PlanProblem("over_allocated", "pool", detail)


def _forbidden(document: Mapping[str, Any]) -> Iterator[PlanProblem]:
    """Money comes from sales alone."""
    source = document["pool"]["of"]
    for code, names, what in (
        ("entry_fee", ENTRY_FEE, "what somebody pays to take part"),
        ("recruitment_pay", RECRUITMENT, "the winning of members, without a sale"),
    ):
        if source in names:
            yield PlanProblem(code, "pool.of", f"Nobody is paid from {what}.")
        for name in names:
            if name in document:
                yield PlanProblem(code, name, f"Nobody is paid from {what}.")


def _agents(document: Mapping[str, Any], levels: Collection[int]) -> Iterator[PlanProblem]:
    lines = document.get("agents", [])
    for place, line in enumerate(lines):
        if line["level"] not in levels or line["level"] not in AGENT_LEVELS:
            detail = f"No tree of areas has a level {line['level']}."
            yield PlanProblem("unknown_tier", f"agents.{place}.level", detail)
    yield from _twice(lines, "agents")
    if document.get("differential"):
        yield from _falling_rates(lines)


def _falling_rates(lines: Sequence[Mapping[str, int]]) -> Iterator[PlanProblem]:
    """A differential rate is for all up to this level: did it fall going up, somebody's own would be below zero."""
    up = sorted(enumerate(lines), key=lambda placed: -placed[1]["level"])
    for (_place, below), (place, above) in pairwise(up):
        if above["bps"] < below["bps"]:
            detail = f"Level {above['level']} has less than level {below['level']} below it."
            yield PlanProblem("falling_rates", f"agents.{place}.bps", detail)


def _referrers(document: Mapping[str, Any], hops_max: int) -> Iterator[PlanProblem]:
    lines = document.get("referrers", [])
    for place, line in enumerate(lines):
        if line["level"] > hops_max or line["level"] not in REFERRER_LEVELS:
            detail = f"At most {hops_max} levels may be paid because one brought the other; levels begin with 1."
            yield PlanProblem("too_many_hops", f"referrers.{place}.level", detail)
    yield from _twice(lines, "referrers")


def _twice(lines: Sequence[Mapping[str, int]], where: str) -> Iterator[PlanProblem]:
    seen: Counter[int] = Counter()
    for place, line in enumerate(lines):
        seen[line["level"]] += 1
        if seen[line["level"]] == 2:
            yield PlanProblem("ambiguous", f"{where}.{place}.level", f"Level {line['level']} has two rates.")


def _caps(document: Mapping[str, Any]) -> Iterator[PlanProblem]:
    seen = set()
    for place, cap in enumerate(document.get("caps", [])):
        of = (cap["role"], cap["currency"])
        if of in seen:
            yield PlanProblem("ambiguous", f"caps.{place}", f"{cap['role']} has two caps in {cap['currency']}.")
        seen.add(of)
