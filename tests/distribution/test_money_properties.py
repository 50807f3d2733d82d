"""
What holds of commissions whatever the plan, the chain, the lines and the refunds are.

`SHARING_EXAMPLES` says how many histories are tried; 2,000 in a long run.
"""

import os
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from core.money import BPS_WHOLE, split_cumulative
from distribution.chains import AgentLink, AreaRef, Chain, PersonRef, PlacementRef, ReferrerLink
from distribution.plans import VACANCIES, CompiledPlan
from distribution.sharing_out import SharedOut, Taken, share_out

EXAMPLES = int(os.environ.get("SHARING_EXAMPLES", "150"))
BUYER = PersonRef(1, "acc_buyer", "Buyer")
PLATFORM = 0

people = st.integers(2, 9).map(lambda key: PersonRef(key, f"acc_{key}", f"Person {key}"))
weights = st.integers(0, 3000)


@st.composite
def plans(draw: Any) -> CompiledPlan:
    """Any plan that passes its check."""
    levels = sorted(draw(st.sets(st.integers(0, 5), max_size=4)), reverse=True)
    differential = draw(st.booleans())
    rates = draw(st.lists(st.integers(0, 1200), min_size=len(levels), max_size=len(levels)))
    hops = draw(st.integers(0, 2))
    plan = CompiledPlan(
        id=1,
        public_id="pln_1",
        label="any v1",
        pool_bps=draw(st.integers(0, BPS_WHOLE)),
        agents=dict(zip(levels, sorted(rates) if differential else rates, strict=True)),
        differential=differential,
        referrers={level: draw(st.integers(0, 1000)) for level in range(1, hops + 1)},
        merchant_referrer_bps=draw(st.integers(0, 1000)),
        cashback_bps=draw(st.integers(0, 1000)),
        vacancy=draw(st.sampled_from(VACANCIES)),
        hold=timedelta(days=7),
        caps={("referrer", "GBP"): draw(st.integers(1, 500))} if draw(st.booleans()) else {},
    )
    assert plan.given_bps <= BPS_WHOLE
    return plan


@st.composite
def chains(draw: Any) -> Chain:
    """Any chain: placed at any depth, waiting or nowhere, with vacant seats, with any people above."""
    waiting, depth = draw(st.booleans()), draw(st.integers(-1, 5))
    agents = tuple(
        AgentLink(level, AreaRef(level + 1, f"ZZ:{level}", level, "Area"), draw(st.none() | people), "number")
        for level in range(depth, -1, -1)
    )
    referrers = tuple(ReferrerLink(level, draw(people), "number") for level in range(1, draw(st.integers(0, 2)) + 1))
    merchant = draw(st.none() | people)
    if depth < 0 or waiting:
        placement = PlacementRef(None, True) if waiting else None
        agents = ()
    else:
        placement = PlacementRef("number", False)
    return Chain(
        store="sto_1" if placement else None,
        area=agents[0].area if agents else None,
        placement=placement,
        agents=agents,
        referrers=referrers,
        merchant_referrer=ReferrerLink(1, merchant, "number") if merchant else None,
    )


def share(fee_minor: int, plan: CompiledPlan, chain: Chain, linked: set[str], taken: Taken | None = None) -> SharedOut:
    return share_out(
        fee_minor,
        plan=plan,
        chain=chain,
        buyer=BUYER,
        linked_with_buyer=linked,
        currency="GBP",
        taken={} if taken is None else taken,
    )


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.integers(0, 10**12), plans(), chains(), st.sets(st.integers(2, 9).map("acc_{}".format)))
def test_the_parts_and_what_the_platform_keeps_are_the_pool(
    fee_minor: int, plan: CompiledPlan, chain: Chain, linked: set[str]
) -> None:
    shared = share(fee_minor, plan, chain, linked)
    assert sum(part.minor for part in shared.parts) + shared.platform_minor == shared.pool_minor
    assert all(part.minor > 0 for part in shared.parts)
    assert shared.platform_minor >= 0
    assert shared.pool_minor <= fee_minor
    assert all((part.account is None) == bool(part.escrow) for part in shared.parts)


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.integers(1, 10**9), plans(), chains(), st.sets(st.integers(2, 9).map("acc_{}".format)))
def test_nobody_earns_from_the_purchase_of_an_account_it_is_linked_with(
    fee_minor: int, plan: CompiledPlan, chain: Chain, linked: set[str]
) -> None:
    for part in share(fee_minor, plan, chain, linked).parts:
        if part.role in ("referrer", "merchant_referrer"):
            assert part.account is not None
            assert part.account.public_id not in linked


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.integers(1, 10**9), plans(), chains())
def test_no_more_hops_are_paid_than_the_plan_names_and_each_once(
    fee_minor: int, plan: CompiledPlan, chain: Chain
) -> None:
    paid = [part.level for part in share(fee_minor, plan, chain, set()).parts if part.role == "referrer"]
    assert len(paid) == len(set(paid))
    assert set(paid) <= set(plan.referrers)


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.lists(st.integers(1, 10**6), min_size=1, max_size=5), plans(), chains())
def test_a_cap_holds_over_all_lines_of_an_order(fees: list[int], plan: CompiledPlan, chain: Chain) -> None:
    got: Counter[int] = Counter()
    taken: Taken = {}
    for fee_minor in fees:
        for part in share(fee_minor, plan, chain, set(), taken).parts:
            if part.role == "referrer" and part.account is not None:
                got[part.account.id] += part.minor
    cap = plan.caps.get(("referrer", "GBP"))
    assert cap is None or all(minor <= cap for minor in got.values())


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.integers(1, 10**6), plans(), chains(), st.lists(st.integers(1, 10**6), max_size=12))
def test_refunds_in_any_steps_never_give_anything_back_and_end_at_zero(
    fee_minor: int, plan: CompiledPlan, chain: Chain, steps: list[int]
) -> None:
    shared = share(fee_minor, plan, chain, set())
    weights = {place: part.minor for place, part in enumerate(shared.parts, 1)} | {PLATFORM: shared.platform_minor}
    gone, refunded_minor = dict.fromkeys(weights, 0), 0
    for step in [*steps, fee_minor]:
        refunded_minor = min(refunded_minor + step, fee_minor)
        now_gone = split_cumulative(shared.pool_minor * refunded_minor // fee_minor, weights)
        assert all(now_gone[key] >= gone[key] for key in weights)
        gone = now_gone
    assert gone == weights


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.integers(1, 10**9), plans(), chains())
def test_an_agents_account_changes_who_is_paid_and_never_how_much_the_others_get(
    fee_minor: int, plan: CompiledPlan, chain: Chain
) -> None:
    """Unless vacant levels pass their part on."""
    kept = replace(plan, vacancy="house", caps={})
    without = replace(chain, agents=tuple(link._replace(account=None) for link in chain.agents))
    with_agents, vacant = share(fee_minor, kept, chain, set()), share(fee_minor, kept, without, set())
    others = [(part.role, part.level, part.minor) for part in with_agents.parts if part.role != "agent"]
    assert others == [(part.role, part.level, part.minor) for part in vacant.parts if part.role != "agent"]
