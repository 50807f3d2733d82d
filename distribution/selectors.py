"""What other rooms and the API may read of plans and allocations."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from django.db.models import BigIntegerField, Count, F, OuterRef, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce

from accounts.models import Account
from core.errors import NotFound
from core.registry import ProofLine
from distribution.models import AllocatedLine, Allocation, Plan
from distribution.services.escrow import in_escrow
from wallets.models import Earning

ESCROW = "escrow"


def escrow_lines(order: str) -> Iterator[ProofLine]:
    """Yield the proof lines of what is kept of an order for agents who are not known yet."""
    for row in in_escrow().filter(order=order):
        if row.amount_minor:
            yield ProofLine(
                party=ESCROW,
                role=row.role,
                account=None,
                original_minor=row.original_minor,
                amount_minor=row.amount_minor,
                status=ESCROW,
            )


def with_given_away(orders: QuerySet) -> QuerySet:
    """
    Annotate orders with what the platform has given of their fee, in the statement that reads them.

    `given_minor`: at first; `given_back_minor`: what reversals took of it.
    """
    of_order = {"order": OuterRef("public_id")}
    earned = Earning.objects.filter(**of_order, kind=Earning.Kind.COMMISSION)
    kept = in_escrow().filter(**of_order, original_minor__gt=F("reversed_minor"))
    return orders.annotate(
        given_minor=_sum(earned, "original_minor") + _sum(kept, "original_minor"),
        given_back_minor=_sum(earned, "reversed_minor") + _sum(kept, "reversed_minor"),
    )


def _sum(rows: QuerySet, field: str) -> Coalesce:
    sums = rows.order_by().values("order").annotate(sum=Sum(field)).values("sum")
    return Coalesce(Subquery(sums, output_field=BigIntegerField()), 0)


def allocations(*, order: str | None = None, account: str | None = None, visible_to: Account) -> QuerySet[Allocation]:
    """
    Return allocations, the newest first: operators see all, others their own.

    `order`, `account`: only those of this order, or of this account (public ids).
    """
    found = Allocation.objects.select_related("line", "line__plan", "account", "area").order_by("-id")
    if not visible_to.is_staff:
        found = found.filter(account=visible_to)
    if order is not None:
        found = found.filter(order=order)
    if account is not None:
        found = found.filter(account__public_id=account)
    return found


@dataclass(frozen=True, slots=True)
class BroughtSum:
    """What an account has because of whom it brought, in one currency and in minor units; `level` None: sellers."""

    level: int | None
    currency: str
    left_minor: int
    reversed_minor: int
    orders: int


def brought_sums(*, visible_to: Account) -> list[BroughtSum]:
    """
    Return what each level of those who came through an account brought it, the nearest first, sellers last.

    One statement. The sums are those of the account's earnings in these roles.
    """
    roles = (Allocation.Role.REFERRER, Allocation.Role.MERCHANT_REFERRER)
    own = Allocation.objects.filter(account=visible_to, role__in=roles)
    sums = own.values("level", "line__currency").annotate(
        left=Sum(F("original_minor") - F("reversed_minor")),
        gone=Sum("reversed_minor"),
        orders=Count("order", distinct=True),
    )
    rows = sums.order_by(F("level").asc(nulls_last=True), "line__currency")
    return [BroughtSum(row["level"], row["line__currency"], row["left"], row["gone"], row["orders"]) for row in rows]


@dataclass(frozen=True, slots=True)
class AllocationState:
    """An allocation with what its money is now: an earning's status, in escrow, or reversed."""

    allocation: Allocation
    status: str
    earning: int | None = None  # Its key; None where nobody has it.


def states_of(rows: Sequence[Allocation]) -> list[AllocationState]:
    """Say of allocations what their money is; one statement, however many."""
    orders = {row.order for row in rows if row.account_id is not None}
    earned = Earning.objects.filter(order__in=orders, kind=Earning.Kind.COMMISSION)
    earning_of = {
        (order, owner_id, role, part): (key, status)
        for order, owner_id, role, part, key, status in earned.values_list(
            "order", "owner_id", "role", "part", "id", "status"
        )
    }
    return [_state(row, earning_of) for row in rows]


def _state(row: Allocation, earning_of: Mapping[tuple[str, int, str, str], tuple[int, str]]) -> AllocationState:
    if row.account_id is None:
        return AllocationState(row, ESCROW if row.is_in_escrow and row.amount_minor else Earning.Status.REVERSED)
    whose = (row.order, row.account_id, row.role, row.earning_part)
    if not row.amount_minor:  # What left escrow with nothing in it was never earned.
        return AllocationState(row, Earning.Status.REVERSED, earning_of.get(whose, (None, ""))[0])
    earning, status = earning_of[whose]
    return AllocationState(row, status, earning)


@dataclass(frozen=True, slots=True)
class Missed:
    """What stayed with the platform of a role's part of the fee, in minor units, and why; for operators."""

    role: str
    level: int | None
    reason: str
    minor: int

    @property
    def why(self) -> str:
        who = self.role if self.level is None else f"{self.role} of level {self.level}"
        return f"Nobody's part, {who.replace('_', ' ')}: {self.reason.replace('_', ' ')}."


def not_paid_of(order: str) -> list[Missed]:
    """Return who got nothing of an order (public id), or less, and why, as of its payment."""
    lines = AllocatedLine.objects.filter(order=order).order_by("line").values_list("not_paid", flat=True)
    return [
        Missed(one["role"], one.get("level"), one["reason"], one["amount"]) for not_paid in lines for one in not_paid
    ]


def all_plans() -> QuerySet[Plan]:
    """Return every version of the plan, the newest first."""
    return Plan.objects.select_related("created_by", "activated_by").order_by("-id")


def get_plan(public_id: str) -> Plan:
    """
    Return one version of the plan.

    :raises NotFound: there is none of this id.
    """
    found = all_plans().filter(public_id=public_id).first()
    if found is None:
        raise NotFound
    return found
