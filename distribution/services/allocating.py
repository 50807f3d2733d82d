"""Allocating: who gets what of a paid sale, by the chain and the plan as of its payment."""

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from accounts.models import Account
from accounts.selectors import linked_then
from core.copying import copy_rows
from core.money import Money
from distribution.chains import Chain, PersonRef, Sale, resolve_chains
from distribution.events import CommissionAccrued, CommissionEscrowed
from distribution.models import AllocatedLine, Allocation
from distribution.plans import CompiledPlan, plan_timeline
from distribution.sales import SoldLine, lines_of
from distribution.sharing_out import Part, SharedOut, Taken, share_out
from events.models import EventRecord
from events.services import Fact, record_facts
from wallets.services import Commission, record_commissions


@dataclass(frozen=True, slots=True, kw_only=True)
class PaidSale:
    """A paid order as its event tells it. Public ids; `channel` and `institution` may be empty."""

    order: str
    seller: str
    buyer: str
    currency: str
    channel: str
    institution: str
    paid_at: datetime


def sale_of(event: EventRecord) -> PaidSale:
    """Read a paid order as its event tells it."""
    told = event.payload
    return PaidSale(
        order=told["order"],
        seller=told["seller"],
        buyer=told["buyer"],
        currency=told["currency"],
        channel=told.get("channel", ""),
        institution=told.get("institution", ""),
        paid_at=event.occurred_at,
    )


@dataclass(frozen=True, slots=True)
class SharedLine:
    """One line of a sale, shared out, on its way into the rows."""

    sale: PaidSale
    line: SoldLine
    part: str
    plan: CompiledPlan
    chain: Chain
    out: SharedOut


@transaction.atomic
def allocate_sales(*, sales: Sequence[PaidSale]) -> int:
    """
    Share out the fees of paid orders, each by the plan in force when it was paid; return how many lines had a pool.

    A constant number of statements, however many. Where no plan was in force, nobody is given anything. A line is
    allocated once: its key is the row's.
    """
    shared = list(share_sales(sales, plan_at=plan_timeline().at))
    copy_rows(AllocatedLine._meta.db_table, LINE_COLUMNS, map(_line_row, shared), same=FRESH_LINE)
    copy_rows(
        Allocation._meta.db_table,
        ALLOCATION_COLUMNS,
        (_allocation_row(one, part) for one in shared for part in one.out.parts),
        same=FRESH_ALLOCATION,
    )
    by_part = _by_part(shared)
    record_commissions(commission for of_part in by_part.values() for commission in _commissions(of_part))
    record_facts([fact for of_part in by_part.values() for fact in _facts(of_part)])
    return len(shared)


def share_sales(
    sales: Sequence[PaidSale], *, plan_at: Callable[[datetime], CompiledPlan | None]
) -> Iterator[SharedLine]:
    """Share out sales and write nothing: yield every line that gives a pool, in order. Previews ask the same."""
    planned = [(sale, plan) for sale in sales if (plan := plan_at(sale.paid_at)) is not None]
    if not planned:
        return
    lines = lines_of([sale.order for sale, _plan in planned])
    placed = [(sale, plan, store) for sale, plan in planned for store in _stores(lines[sale.order])]
    chains = resolve_chains(
        [Sale(store=store, seller=sale.seller, buyer=sale.buyer, at=sale.paid_at) for sale, _plan, store in placed]
    )
    chain_of = {(sale.order, store): chain for (sale, _plan, store), chain in zip(placed, chains, strict=True)}
    buyers = _people([sale.buyer for sale, _plan in planned])
    linked = _linked_with_buyers(placed, chains)
    for sale, plan in planned:
        taken: Taken = {}
        stores = _stores(lines[sale.order])
        for line in lines[sale.order]:
            chain = chain_of[sale.order, line.store]
            out = share_out(
                line.fee_minor,
                plan=plan,
                chain=chain,
                buyer=buyers[sale.buyer],
                linked_with_buyer=linked[sale.order],
                currency=sale.currency,
                taken=taken,
            )
            if out.pool_minor:
                yield SharedLine(sale, line, (line.store or "") if len(stores) > 1 else "", plan, chain, out)


def _linked_with_buyers(
    placed: Sequence[tuple[PaidSale, CompiledPlan, str | None]], chains: Sequence[Chain]
) -> Mapping[str, set[str]]:
    """For each order, those behind it who were linked with its buyer when it was paid."""
    meetings = [
        (sale, account)
        for (sale, _plan, _store), chain in zip(placed, chains, strict=True)
        for account in _brought(chain)
    ]
    linked = linked_then([(sale.buyer, account, sale.paid_at) for sale, account in meetings])
    of_order: dict[str, set[str]] = defaultdict(set)
    for sale, account in meetings:
        if (sale.buyer, account, sale.paid_at) in linked:
            of_order[sale.order].add(account)
    return of_order


def _brought(chain: Chain) -> set[str]:
    people = [*chain.referrers, *filter(None, [chain.merchant_referrer])]
    return {link.account.public_id for link in people}


def _stores(lines: Sequence[SoldLine]) -> list[str | None]:
    """The stores of one order's lines, each once, in their order."""
    return list(dict.fromkeys(line.store for line in lines))


def _people(accounts: Sequence[str]) -> dict[str, PersonRef]:
    found = Account.objects.filter(public_id__in=set(accounts)).values_list("id", "public_id", "name")
    return {public_id: PersonRef(id_, public_id, name) for id_, public_id, name in found}


# --- Rows ----------------------------------------------------------------------------------------


LINE_COLUMNS = (
    "line", "order", "part", "plan_id", "seller", "buyer", "store", "currency", "channel", "institution", "paid_at",
    "fee_minor", "pool_minor", "agents_minor", "referrers_minor", "merchant_referrer_minor", "cashback_minor",
    "platform_minor", "chain", "not_paid",
)  # fmt: skip
FRESH_LINE = {"fee_refunded_minor": 0, "gone_minor": 0}


def _line_row(one: SharedLine) -> tuple[Any, ...]:
    sale, out = one.sale, one.out
    return (
        one.line.key, sale.order, one.part, one.plan.id, sale.seller, sale.buyer, one.chain.store or "", sale.currency,
        sale.channel, sale.institution, sale.paid_at, one.line.fee_minor, out.pool_minor,
        out.of(Allocation.Role.AGENT), out.of(Allocation.Role.REFERRER), out.of(Allocation.Role.MERCHANT_REFERRER),
        out.of(Allocation.Role.CASHBACK), out.platform_minor, json.dumps(chain_document(one.chain)),
        json.dumps([refused.document() for refused in out.not_paid]),
    )  # fmt: skip


def chain_document(chain: Chain) -> dict[str, Any]:
    """Write who stood behind a sale, by public ids: names may be erased, and are looked up when shown."""
    return {
        "area": chain.area.code if chain.area else None,
        "placement": chain.placement.rule_number if chain.placement else None,
        "waiting": bool(chain.placement and chain.placement.waiting),
        "agents": [
            {
                "level": link.level,
                "area": link.area.code,
                "account": link.account.public_id if link.account else None,
                "rule_number": link.rule_number,
            }
            for link in chain.agents
        ],
        "referrers": [
            {"level": link.level, "account": link.account.public_id, "rule_number": link.rule_number}
            for link in chain.referrers
        ],
        "merchant_referrer": chain.merchant_referrer.account.public_id if chain.merchant_referrer else None,
    }


ALLOCATION_COLUMNS = (
    "line_id", "order", "role", "level", "account_id", "area_id", "rule_number", "rate_bps", "original_minor",
    "earning_part", "escrow", "why",
)  # fmt: skip
FRESH_ALLOCATION = {"reversed_minor": 0, "credited_by": ""}


def _allocation_row(one: SharedLine, part: Part) -> tuple[Any, ...]:
    account = part.account.id if part.account else None
    return (
        one.line.key, one.sale.order, str(part.role), part.level, account, part.area_id, part.rule_number,
        part.rate_bps, part.minor, one.part, part.escrow, part.why,
    )  # fmt: skip


# --- Money ---------------------------------------------------------------------------------------


def _by_part(shared: Sequence[SharedLine]) -> Mapping[tuple[str, str], list[SharedLine]]:
    """The lines of one order and store: one event for all of them."""
    by_part: dict[tuple[str, str], list[SharedLine]] = defaultdict(list)
    for one in shared:
        by_part[one.sale.order, one.part].append(one)
    return by_part


def _commissions(of_part: Sequence[SharedLine]) -> Iterator[Commission]:
    """One earning for each account and role, whatever it has of how many lines and levels."""
    sale = of_part[0].sale
    minors: dict[tuple[str, int], int] = defaultdict(int)
    reasons: dict[tuple[str, int], str] = {}
    for one in of_part:
        for part in one.out.parts:
            if part.account is not None:
                whose = (str(part.role), part.account.id)
                minors[whose] += part.minor
                reasons.setdefault(whose, part.why)
    for (role, owner_id), minor in minors.items():
        yield Commission(
            order=sale.order,
            owner_id=owner_id,
            role=role,
            part=of_part[0].part,
            amount=Money(minor, sale.currency),
            channel=sale.channel,
            institution=sale.institution,
            earned_at=sale.paid_at,
            releases_at=None,
            why=reasons[role, owner_id],
        )


def _facts(of_part: Sequence[SharedLine]) -> Iterator[Fact]:
    """What billing books of one order and store: what people get, and what is kept for those not known yet."""
    sale, plan = of_part[0].sale, of_part[0].plan
    given: dict[str, Any] = defaultdict(int)
    kept: dict[str, Any] = defaultdict(int)
    whose: dict[str, str] = {}
    for one in of_part:
        for part in one.out.parts:
            slot = slot_of(part.role, part.level)
            (kept if part.escrow else given)[f"{slot}_minor"] += part.minor
            whose[slot] = part.account.public_id if part.account else part.escrow
    common: dict[str, Any] = {
        "order": sale.order,
        "part": of_part[0].part or None,
        "plan": plan.public_id,
        "currency": sale.currency,
        "channel": sale.channel or None,
        "institution": sale.institution or None,
    }
    for kind, amounts in ((CommissionAccrued, given), (CommissionEscrowed, kept)):
        if amounts:
            parties: dict[str, Any] = {slot: whose[slot] for slot in map(_slot_named, amounts)}
            yield Fact.of(kind(**common, **parties, **amounts), occurred_at=sale.paid_at)


def _slot_named(amount: str) -> str:
    """The slot that an amount of the payload belongs to."""
    return amount.removesuffix("_minor")


def slot_of(role: str, level: int | None) -> str:
    """The name of a part in `commission.accrued`: `agent_3`, `referrer_1`, `merchant_referrer`, `cashback`."""
    return role if level is None else f"{role}_{level}"
