"""
Shares: parts of a seller's earning that go to whoever brought the customer.

A charge makes the seller's earning smaller and the sharer's is made of it; a reversal goes the other way, before
the refund takes the seller's part. Both earnings of an order are locked in the order in which releases lock them.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from django.db import connection

from accounts.models import Account
from core.money import Money
from events.services import emit_all
from ledger import codes
from ledger.holds import lock_in_order
from wallets.events import ShareReversed, share_charged_key, share_reversed_key
from wallets.models import Earning
from wallets.services.earnings import claw_back
from wallets.services.taking_back import SHRUNK, TakenFrom, owe, shrink, take_from

SHARER = "sharer"

_SCHEDULE = """
UPDATE wallets_earning earning SET releases_at = due.at
FROM unnest(%s::text[], %s::timestamptz[]) AS due("order", at)
WHERE earning."order" = due."order" AND earning.kind = 'share' AND earning.status IN ('pending', 'held')
"""

_FREE = """
UPDATE wallets_earning earning
SET status = 'pending', releases_at = CASE WHEN releases_at IS NOT NULL THEN GREATEST(releases_at, freed.at) END
FROM unnest(%s::bigint[], %s::timestamptz[]) AS freed(id, at)
WHERE earning.id = freed.id AND earning.status = 'held'
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareOfSale:
    """What one sharer gets of one line; `line` is its public id."""

    order: str
    line: str
    sharer_id: int
    amount: Money
    channel: str
    institution: str
    earned_at: datetime
    is_held: bool
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareTakenBack:
    """What goes back to the seller of one sharer's earning (by key); `seller` and `share` by public id."""

    earning_id: int
    share: str
    seller: str
    minor: int
    because: str


def charge_shares(shares: Sequence[ShareOfSale], *, now: datetime) -> tuple[list[Earning], set[str]]:
    """
    Take parts of sellers' earnings and make earnings of their sharers; return these, and the orders whose seller's
    earning had been released before: what is taken of those comes back first, out of the wallet or as a debt.

    In the transaction that emits the events that book them. A few statements, however many.
    """
    if not shares:
        return [], set()
    minors: dict[str, int] = defaultdict(int)
    for share in shares:
        minors[share.order] += share.amount.minor
    sales = lock_sales(minors).values()
    for sale in sales:
        shrink(sale, minors[sale.order])
    Earning.objects.bulk_update(sales, SHRUNK)
    released = [sale for sale in sales if sale.released_at is not None]
    for sale in released:
        claw_back(sale, minors[sale.order], now)
    return Earning.objects.bulk_create(map(_earning, shares)), {sale.order for sale in released}


def lock_sales(orders: Collection[str]) -> dict[str, Earning]:
    """Lock the sellers' own earnings of orders, and with them whatever is taken of them; return them by order."""
    locked = Earning.objects.select_for_update(no_key=True, of=("self",)).select_related("owner")
    own = locked.filter(order__in=orders, kind=Earning.Kind.SALE, part="").order_by("releases_at", "id")
    return {sale.order: sale for sale in own}


def _earning(share: ShareOfSale) -> Earning:
    return Earning(
        order=share.order,
        owner_id=share.sharer_id,
        kind=Earning.Kind.SHARE,
        role=SHARER,
        part=share.line,
        currency=share.amount.currency,
        channel=share.channel,
        institution=share.institution,
        original_minor=share.amount.minor,
        status=Earning.Status.HELD if share.is_held else Earning.Status.PENDING,
        earned_at=share.earned_at,
        why=share.why,
    )


def schedule_shares(due: Mapping[str, datetime]) -> None:
    """Say when the sharers' earnings of orders go to their wallets; one statement, a repeat moves the time."""
    with connection.cursor() as cursor:
        cursor.execute(_SCHEDULE, [list(due), list(due.values())])


def free_held(not_before: Mapping[int, datetime]) -> None:
    """
    Let held earnings (by key) be released when their orders' are, and none before its moment; a repeat changes nothing.
    """
    with connection.cursor() as cursor:
        cursor.execute(_FREE, [list(not_before), list(not_before.values())])


def take_back_shares(*, order: str, steps: Iterable[ShareTakenBack], now: datetime) -> None:
    """
    Give parts of sharers' earnings back to the seller of an order, and say so in one event for each.

    To be called before what the seller gives back is taken. What is pending shrinks; what was released comes out of
    the wallet as far as it goes, and the rest is owed from now on. Not to be repeated: each call takes more.
    """
    wanted = {step.earning_id: step for step in steps if step.minor}
    if not wanted:
        return
    earnings = _lock_with_sale(order, wanted)
    for earning in earnings:
        shrink(earning, wanted[earning.pk].minor)
    Earning.objects.bulk_update(earnings, SHRUNK)
    reversals = [_reversal(earning, wanted[earning.pk]) for earning in earnings]
    emitted = emit_all([reversal for reversal, _taken in reversals], occurred_at=now)
    for earning, (_event, taken), event in zip(earnings, reversals, emitted, strict=True):
        owe(earning, taken, event_id=event.id, now=now)


def _lock_with_sale(order: str, wanted: Collection[int]) -> list[Earning]:
    """
    Lock an order's sale and the shares of it that are wanted, in the order of releases; return the latter.

    Where money has left them, the wallets come after that, all at once: the seller's will be asked for next.
    """
    locked = Earning.objects.select_for_update(no_key=True, of=("self",)).select_related("owner")
    kinds = [Earning.Kind.SALE, Earning.Kind.SHARE]
    earnings = list(locked.filter(order=order, kind__in=kinds).order_by("releases_at", "id"))
    left = [earning for earning in earnings if earning.released_at is not None]
    if any(earning.pk in wanted for earning in left):
        wallets = {codes.wallet(earning.owner.public_id) for earning in left}
        lock_in_order(codes=wallets, currency=left[0].currency)
    return [earning for earning in earnings if earning.pk in wanted]


def _reversal(earning: Earning, step: ShareTakenBack) -> tuple[ShareReversed, TakenFrom]:
    key = share_reversed_key(line=earning.part, reversed_minor=earning.reversed_minor)
    taken = take_from(earning, step.minor, key=key)
    event = ShareReversed(
        order=earning.order,
        line=earning.part,
        share=step.share,
        seller=step.seller,
        sharer=earning.owner.public_id,
        **asdict(taken),
        currency=earning.currency,
        channel=earning.channel or None,
        institution=earning.institution or None,
        because=step.because,
        undoes=share_charged_key(earning.part),
        reversed_minor=earning.reversed_minor,
    )
    return event, taken


def give_share_to_seller(*, share: Earning, seller: Account, minor: int, why: str, now: datetime) -> Earning | None:
    """
    Make an earning of the seller of what a sharer's (`share`, locked, with its sale) has given back for good.

    It is released when the sale's own is, and not before now; None where nothing was given back.
    """
    if not minor:
        return None
    sale = Earning.objects.get(order=share.order, kind=Earning.Kind.SALE, part="")
    return Earning.objects.create(
        order=share.order,
        owner=seller,
        role=sale.role,
        part=share.part,
        currency=share.currency,
        channel=share.channel,
        institution=share.institution,
        original_minor=minor,
        earned_at=share.earned_at,
        releases_at=None if sale.releases_at is None else max(sale.releases_at, now),
        why=why,
    )
