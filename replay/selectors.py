"""What an import reads: what customers have bought, what is done, and how the figures stand."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Sum

from accounts.models import Account
from events.models import Delivery
from ledger import codes
from ledger.models import LedgerAccount
from orders.models import OrderLine
from replay.matching import BoughtLine
from replay.models import CustomerTopUp, Invoice, InvoiceRefund, Party
from replay.reading import Refused
from wallets.models import TopUp

_BOUGHT = (
    "quantity",
    "restocked",
    "unit_minor",
    "amount_minor",
    "refunded_minor",
    "item__public_id",
    "order__public_id",
)


def bought_lines(*, buyer: Account, items: Iterable[str], until: datetime) -> dict[str, list[BoughtLine]]:
    """Return what a buyer has bought of these items (public ids) and not given back, newest first, by item."""
    lines = OrderLine.objects.filter(
        order__buyer=buyer, order__paid_minor__gt=0, order__placed_at__lte=until, item__public_id__in=set(items)
    )
    found: dict[str, list[BoughtLine]] = {}
    for line in lines.select_related("item", "order").only(*_BOUGHT).order_by("-order__placed_at", "-id"):
        assert line.item is not None
        bought = BoughtLine(
            order=line.order.public_id,
            line=line.public_id,
            unit_minor=line.unit_minor,
            units_left=line.quantity - line.restocked,
            left_minor=line.refundable_minor,
        )
        found.setdefault(line.item.public_id, []).append(bought)
    return found


@dataclass(frozen=True, slots=True)
class Done:
    """An invoice that is imported: what its order was paid with (nothing for a cancellation), what it left out."""

    seller: str
    number: str
    paid_minor: int
    refused: Sequence[Refused]

    @property
    def key(self) -> tuple[str, str]:
        return (self.seller, self.number)


def done_invoices(source: str) -> Iterator[Done]:
    """Yield every invoice of a history that is done."""
    rows = Invoice.objects.filter(seller__source=source).values_list(
        "seller__key", "number", "order__paid_minor", "refused"
    )
    for seller, number, paid_minor, refused in rows.iterator():
        yield Done(seller, number, paid_minor or 0, [Refused(*each) for each in refused])


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Everything imported from one history in one currency, in minor units."""

    currency: str
    orders: int = 0
    paid_minor: int = 0
    fees_minor: int = 0
    refunds: int = 0
    refunded_minor: int = 0
    money_in_minor: int = 0
    pending_minor: int = 0
    wallets_minor: int = 0
    debts_minor: int = 0
    customers_minor: int = 0

    @property
    def sellers_minor(self) -> int:
        """What the sellers have: earnings in the hold period and wallets, less what they owe."""
        return self.pending_minor + self.wallets_minor - self.debts_minor


def figures_of(source: str) -> list[Figures]:
    """Return how a history's import stands, by currency; complete once everything is booked."""
    sales = _by_currency(
        Invoice.objects.filter(seller__source=source, order__isnull=False)
        .values("order__currency")
        .annotate(
            orders=Count("id"),
            paid=Sum("order__paid_minor"),
            fees=Sum("order__fee_minor") - Sum("order__fee_refunded_minor"),
        )
        .values_list("order__currency", "orders", "paid", "fees")
    )
    refunds = _by_currency(
        InvoiceRefund.objects.filter(invoice__seller__source=source)
        .values("refund__order__currency")
        .annotate(refunds=Count("id"), refunded=Sum("refund__amount_minor"))
        .values_list("refund__order__currency", "refunds", "refunded")
    )
    top_ups = _by_currency(
        CustomerTopUp.objects.filter(customer__source=source, top_up__status=TopUp.Status.SUCCEEDED)
        .values("top_up__currency")
        .annotate(amount=Sum("top_up__amount_minor"))
        .values_list("top_up__currency", "amount")
    )
    sellers, customers = _owners(source, Party.Role.SELLER), _owners(source, Party.Role.CUSTOMER)
    balances = [_balances(map(code_of, sellers)) for code_of in (codes.pending, codes.wallet, codes.debt)]
    theirs = _balances(map(codes.wallet, customers))
    return [
        _figures(currency, sales, refunds, top_ups, *(each.get(currency, 0) for each in (*balances, theirs)))
        for currency in sorted({*sales, *refunds, *top_ups})
    ]


def _figures(
    currency: str,
    sales: dict[str, tuple],
    refunds: dict[str, tuple],
    top_ups: dict[str, tuple],
    pending_minor: int,
    wallets_minor: int,
    debts_minor: int,
    customers_minor: int,
) -> Figures:
    orders, paid_minor, fees_minor = sales.get(currency, (0, 0, 0))
    refunds_count, refunded_minor = refunds.get(currency, (0, 0))
    return Figures(
        currency=currency,
        orders=orders,
        paid_minor=paid_minor,
        fees_minor=fees_minor,
        refunds=refunds_count,
        refunded_minor=refunded_minor,
        money_in_minor=top_ups.get(currency, (0,))[0],
        pending_minor=pending_minor,
        wallets_minor=wallets_minor,
        debts_minor=-debts_minor,  # The ledger's debt accounts are zero or below.
        customers_minor=customers_minor,
    )


def parked_deliveries() -> int:
    """Return how many deliveries are set aside, for whatever reason and of whatever subject."""
    return Delivery.objects.filter(parked_at__isnull=False).count()


def _owners(source: str, role: Party.Role) -> list[str]:
    parties = Party.objects.filter(source=source, role=role)
    return list(parties.values_list("account__public_id", flat=True))


def _balances(wanted: Iterable[str]) -> dict[str, int]:
    rows = LedgerAccount.objects.filter(code__in=list(wanted)).values("currency")
    totals = rows.annotate(balance=Sum("credits_minor") - Sum("debits_minor"))
    return dict(totals.values_list("currency", "balance"))


def _by_currency(rows: Iterable[tuple]) -> dict[str, tuple]:
    return {currency: tuple(rest) for currency, *rest in rows}
