"""
How one line's fee is shared out by a plan, without a database.

The pool is cut once (`split`), so the parts sum to it to the unit. Who is not there, or may not have a part,
leaves it where the plan says; each part and each that was not paid says why.
"""

from collections.abc import Collection, Iterator, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any

from core.money import BPS_WHOLE, Money, share_of, split
from distribution.chains import AgentLink, Chain, PersonRef, ReferrerLink
from distribution.models.allocations import Allocation
from distribution.plans import ESCROW, NEXT_UP, CompiledPlan

Role = Allocation.Role
PLATFORM = "platform"

Taken = MutableMapping[tuple[str, int], int]  # What each account has of one order so far, by role and account.


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One part of a line's pool: an account's, or in escrow (a ledger account) until somebody is known."""

    role: Role
    level: int | None
    account: PersonRef | None
    area_id: int | None
    rule_number: str | None
    rate_bps: int
    minor: int
    escrow: str = ""
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NotPaid:
    """What stayed with the platform of a role's part, and why."""

    role: Role
    level: int | None
    minor: int
    reason: str
    account: PersonRef | None = None
    area: str | None = None

    def document(self) -> dict[str, Any]:
        """As it is stored and shown; what is absent is left out."""
        facts = {
            "role": str(self.role),
            "level": self.level,
            "amount": self.minor,
            "reason": self.reason,
            "account": self.account.public_id if self.account else None,
            "area": self.area,
        }
        return {name: value for name, value in facts.items() if value is not None}


@dataclass(slots=True)
class SharedOut:
    """What became of one line's pool."""

    pool_minor: int
    platform_minor: int = 0
    parts: list[Part] = field(default_factory=list)
    not_paid: list[NotPaid] = field(default_factory=list)

    def of(self, role: Role) -> int:
        return sum(part.minor for part in self.parts if part.role == role)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Claim:
    """A role's part of the pool, before it is known what it comes to."""

    role: Role
    level: int | None
    rate_bps: int
    account: PersonRef | None = None
    area_id: int | None = None
    area: str | None = None
    rule_number: str | None = None
    escrow: str = ""
    reason: str = ""  # Why nobody gets it, or why somebody else does.
    denied: PersonRef | None = None  # Who is there, and may not have it.

    @property
    def key(self) -> str:
        return f"{self.role}:{self.level}"


def share_out(
    fee_minor: int,
    *,
    plan: CompiledPlan,
    chain: Chain,
    buyer: PersonRef,
    linked_with_buyer: Collection[str],
    currency: str,
    taken: Taken,
) -> SharedOut:
    """
    Share out the pool of one line's fee (minor units of `currency`) by a plan, among those who stand behind the sale.

    `linked_with_buyer`: public ids of accounts that earn nothing from this buyer. `taken`: what each account has
    of the same order already, for the caps; it is written on.
    """
    pool_minor = share_of(fee_minor, plan.pool_bps)
    shared = SharedOut(pool_minor)
    if not pool_minor:
        return shared
    claims = [*_agent_claims(plan, chain), *_people_claims(plan, chain, buyer, linked_with_buyer)]
    weights = {claim.key: claim.rate_bps for claim in claims}
    weights[PLATFORM] = BPS_WHOLE - sum(weights.values())
    minors = split(pool_minor, weights)
    shared.platform_minor = minors[PLATFORM]
    pool = str(Money(pool_minor, currency))  # Once, and not in each part's sentence.
    for claim in claims:
        _settle(claim, minors[claim.key], shared, pool, plan, currency, taken)
    return shared


def _settle(
    claim: _Claim, minor: int, shared: SharedOut, pool: str, plan: CompiledPlan, currency: str, taken: Taken
) -> None:
    if not minor:
        return
    paid_minor = 0 if claim.account is None and not claim.escrow else minor
    reason = claim.reason
    if claim.account is not None:
        paid_minor = _within_cap(claim, claim.account, minor, plan, currency, taken)
        reason = "cap"
    if paid_minor:
        shared.parts.append(_part(claim, paid_minor, pool, plan))
    if paid_minor < minor:
        shared.platform_minor += minor - paid_minor
        shared.not_paid.append(
            NotPaid(
                role=claim.role,
                level=claim.level,
                minor=minor - paid_minor,
                reason=reason,
                account=claim.account or claim.denied,
                area=claim.area,
            )
        )


def _within_cap(claim: _Claim, account: PersonRef, minor: int, plan: CompiledPlan, currency: str, taken: Taken) -> int:
    whose = (str(claim.role), account.id)
    before_minor = taken.get(whose, 0)
    cap_minor = plan.caps.get((str(claim.role), currency))
    paid_minor = minor if cap_minor is None else max(min(minor, cap_minor - before_minor), 0)
    taken[whose] = before_minor + paid_minor
    return paid_minor


def _part(claim: _Claim, minor: int, pool: str, plan: CompiledPlan) -> Part:
    return Part(
        role=claim.role,
        level=claim.level,
        account=claim.account,
        area_id=claim.area_id,
        rule_number=claim.rule_number,
        rate_bps=claim.rate_bps,
        minor=minor,
        escrow=claim.escrow,
        why=_sentence(claim, pool, plan),
    )


_WORDS = {
    Role.AGENT: "Agent of {area} (level {level})",
    Role.REFERRER: "Brought the buyer (level {level})",
    Role.MERCHANT_REFERRER: "Brought the seller",
    Role.CASHBACK: "Cashback for the buyer",
}


def _sentence(claim: _Claim, pool: str, plan: CompiledPlan) -> str:
    who = _WORDS[claim.role].format(area=claim.area or "an area that waits to be decided", level=claim.level)
    rate = f"{claim.rate_bps / 100:g} %"
    because = f"; {claim.reason}" if claim.reason else ""
    return f"{who}: {rate} of the pool of {pool}, {plan.pool_bps / 100:g} % of the fee ({plan.label}){because}."


# --- Agents --------------------------------------------------------------------------------------


def _agent_claims(plan: CompiledPlan, chain: Chain) -> Iterator[_Claim]:
    """One claim for each level that the plan pays, the deepest first."""
    seats = {link.level: link for link in chain.agents}
    for level, own_bps in plan.own_agent_rates():
        yield _agent_claim(level, own_bps, plan, chain, seats)


def _agent_claim(level: int, rate_bps: int, plan: CompiledPlan, chain: Chain, seats: Mapping[int, AgentLink]) -> _Claim:
    if chain.placement is not None and chain.placement.waiting:
        undecided = f"escrow:undecided:{chain.store}"
        reason = "the store's place waits to be decided"
        return _Claim(role=Role.AGENT, level=level, rate_bps=rate_bps, escrow=undecided, reason=reason)
    seat = seats.get(level)
    if seat is None:
        reason = "no_store" if chain.store is None else "no_area"
        return _Claim(role=Role.AGENT, level=level, rate_bps=rate_bps, reason=reason)
    if seat.account is not None:
        return _seated(level, rate_bps, seat)
    if plan.vacancy == ESCROW:
        kept = f"escrow:{seat.area.code}"
        return _Claim(
            role=Role.AGENT,
            level=level,
            rate_bps=rate_bps,
            area_id=seat.area.id,
            area=seat.area.code,
            escrow=kept,
            reason="vacant, kept for the next agent",
        )
    above = _next_up(level, seats) if plan.vacancy == NEXT_UP else None
    if above is not None:
        return _seated(level, rate_bps, above, reason=f"{seat.area.code} is vacant")
    return _Claim(role=Role.AGENT, level=level, rate_bps=rate_bps, area=seat.area.code, reason="vacant")


def _seated(level: int, rate_bps: int, seat: AgentLink, reason: str = "") -> _Claim:
    return _Claim(
        role=Role.AGENT,
        level=level,
        rate_bps=rate_bps,
        account=seat.account,
        area_id=seat.area.id,
        area=seat.area.code,
        rule_number=seat.rule_number,
        reason=reason,
    )


def _next_up(level: int, seats: Mapping[int, AgentLink]) -> AgentLink | None:
    above = (seats[other] for other in sorted(seats, reverse=True) if other < level)
    return next((seat for seat in above if seat.account is not None), None)


# --- People --------------------------------------------------------------------------------------


def _people_claims(
    plan: CompiledPlan, chain: Chain, buyer: PersonRef, linked_with_buyer: Collection[str]
) -> Iterator[_Claim]:
    by_level = {link.level: link for link in chain.referrers}
    for level, rate_bps in plan.referrers.items():
        yield _person_claim(Role.REFERRER, level, rate_bps, by_level.get(level), buyer, linked_with_buyer)
    if plan.merchant_referrer_bps:
        link, rate_bps = chain.merchant_referrer, plan.merchant_referrer_bps
        yield _person_claim(Role.MERCHANT_REFERRER, None, rate_bps, link, buyer, linked_with_buyer)
    if plan.cashback_bps:
        yield _Claim(role=Role.CASHBACK, level=None, rate_bps=plan.cashback_bps, account=buyer)


def _person_claim(
    role: Role,
    level: int | None,
    rate_bps: int,
    link: ReferrerLink | None,
    buyer: PersonRef,
    linked_with_buyer: Collection[str],
) -> _Claim:
    if link is None:
        return _Claim(role=role, level=level, rate_bps=rate_bps, reason="nobody")
    if link.account.id == buyer.id or link.account.public_id in linked_with_buyer:
        return _Claim(role=role, level=level, rate_bps=rate_bps, denied=link.account, reason="self_dealing")
    return _Claim(role=role, level=level, rate_bps=rate_bps, account=link.account, rule_number=link.rule_number)
