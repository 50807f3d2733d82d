"""What others may read of wallets; always by the account that looks."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from django.db import connection
from django.db.models import F, QuerySet, Sum

from accounts.models import Account
from billing.booking import BILLING
from billing.subjects import shown_subject
from core.errors import NotFound
from core.money import Money
from core.registry import ProofLine
from events.models import EventRecord
from ledger import codes
from ledger.models import LedgerAccount
from ledger.selectors import balances_of
from ledger.statements import StatementLine, StatementPlace, statement_page
from wallets.models import Debt, Earning, IdentityCharge, TopUp, Withdrawal

SHARE_CHARGE = "share_charge"  # What a sharer has of a sale, in the proof of the order.


@dataclass(frozen=True, slots=True)
class WalletBalance:
    """
    One currency of a wallet. `posted` and `held` are the ledger's; `pending` and `debt` are decided ones.

    `not_yet_booked_minor`: net of what is decided for `posted` and waits for billing: top-ups, refunds,
    withdrawals, releases, and what takes those back. Payments are not in it: they are held.
    """

    currency: str
    posted_minor: int
    held_minor: int
    pending_minor: int
    debt_minor: int
    not_yet_booked_minor: int

    @property
    def available_minor(self) -> int:
        return self.posted_minor - self.held_minor


# One statement, so that all figures are of one moment. A note counts only while its event waits for billing.
_BALANCES = """
SELECT currency, sum(posted)::bigint, sum(held)::bigint, sum(pending)::bigint, sum(debt)::bigint, sum(unbooked)::bigint
FROM (
    SELECT a.currency, a.credits_minor - a.debits_minor AS posted, a.held_minor AS held,
           0 AS pending, 0 AS debt, 0 AS unbooked
    FROM ledger_ledgeraccount a WHERE a.code = %(wallet)s
    UNION ALL
    SELECT e.currency, 0, 0, sum(e.original_minor - e.reversed_minor), 0, 0
    FROM wallets_earning e WHERE e.owner_id = %(owner)s AND e.status IN ('pending', 'held')
    GROUP BY e.currency
    UNION ALL
    SELECT d.currency, 0, 0, 0, d.amount_minor - d.repaid_minor, 0
    FROM wallets_debt d WHERE d.owner_id = %(owner)s AND d.amount_minor > d.repaid_minor
    UNION ALL
    SELECT c.currency, 0, 0, 0, 0, c.amount_minor
    FROM wallets_unbookedchange c JOIN events_delivery w ON w.consumer = %(billing)s AND w.event_id = c.event_id
    WHERE c.owner_id = %(owner)s
) AS part
GROUP BY currency ORDER BY currency
"""


def wallet_balances(*, visible_to: Account) -> list[WalletBalance]:
    """Return an account's own wallet, by currency; only currencies it has ever had to do with."""
    parameters: dict[str, Any] = {
        "wallet": codes.wallet(visible_to.public_id),
        "owner": visible_to.id,
        "billing": BILLING,
    }
    with connection.cursor() as cursor:
        cursor.execute(_BALANCES, parameters)
        return [WalletBalance(*row) for row in cursor.fetchall()]


def wallet_currencies(*, visible_to: Account) -> list[str]:
    """Return in which currencies something was ever booked or held in an account's own wallet."""
    own = LedgerAccount.objects.filter(code=codes.wallet(visible_to.public_id))
    return list(own.order_by("currency").values_list("currency", flat=True))


def available_in(currency: str, *, visible_to: Sequence[Account]) -> dict[int, int]:
    """Return what each of these accounts has to spend in its own wallet, in minor units by key; one statement."""
    keys = {codes.wallet(account.public_id): account.pk for account in visible_to}
    available = dict.fromkeys(keys.values(), 0)
    for wallet in LedgerAccount.objects.filter(code__in=keys, currency=currency):
        available[keys[wallet.code]] = wallet.available_minor
    return available


def latest_top_ups(*, visible_to: Account, limit: int) -> list[TopUp]:
    """Return an account's own newest top-ups."""
    return list(TopUp.objects.filter(owner=visible_to).order_by("-id")[:limit])


def latest_withdrawals(*, visible_to: Account, limit: int) -> list[Withdrawal]:
    """Return what an account has withdrawn itself, the newest first; refunds on their way to a provider are not it."""
    own = Withdrawal.objects.filter(owner=visible_to, refund="").select_related("payout_target")
    return list(own.order_by("-id")[:limit])


def available_of(owners: Collection[Account]) -> dict[int, list[Money]]:
    """Return what several wallets (by their owners' keys) have available, by currency, nothing where it is none."""
    by_code = {codes.wallet(owner.public_id): owner.pk for owner in owners}
    available: dict[int, list[Money]] = defaultdict(list)
    for balance in balances_of(list(by_code)):
        if free_minor := balance.balance_minor - balance.held_minor:
            available[by_code[balance.code]].append(Money(free_minor, balance.currency))
    return available


def expected_balance_minor(owner: Account, currency: str) -> int:
    """Return what a wallet will hold once everything decided for it is booked."""
    balances = {balance.currency: balance for balance in wallet_balances(visible_to=owner)}
    known = balances.get(currency)
    return known.posted_minor + known.not_yet_booked_minor if known else 0


def get_top_up(*, public_id: str, visible_to: Account) -> TopUp:
    """:raises NotFound: there is none, or it is somebody else's."""
    found = TopUp.objects.filter(public_id=public_id, owner=visible_to).first()
    if found is None:
        raise NotFound
    return found


def get_withdrawal(*, public_id: str, visible_to: Account) -> Withdrawal:
    """:raises NotFound: there is none, or it is somebody else's."""
    found = Withdrawal.objects.filter(public_id=public_id, owner=visible_to).first()
    if found is None:
        raise NotFound
    return found


def owners_of(public_id: str) -> set[int]:
    """Return the key of whose a top-up or a withdrawal is, by its public id; none where there is neither."""
    kind: type[TopUp] | type[Withdrawal] = TopUp if public_id.startswith("top_") else Withdrawal
    return set(kind.objects.filter(public_id=public_id).values_list("owner", flat=True))


def owed_minor(*, visible_to: Account, currency: str) -> int:
    """Return what an account owes in one currency."""
    owed = Debt.objects.filter(owner=visible_to, currency=currency, amount_minor__gt=F("repaid_minor"))
    return owed.aggregate(owed=Sum(F("amount_minor") - F("repaid_minor")))["owed"] or 0


def earnings_of(*, visible_to: Account, status: str | None = None) -> QuerySet[Earning]:
    """Return an account's own parts of sales, unordered."""
    own = Earning.objects.filter(owner=visible_to)
    return own.filter(status=status) if status else own


def earnings_of_order(order: str, *, visible_to: Account) -> QuerySet[Earning]:
    """Return the parts of one order's money (public id), as they were given: own ones; operators see everybody's."""
    earnings = Earning.objects.filter(order=order).select_related("owner").order_by("id")
    return earnings if visible_to.is_staff else earnings.filter(owner=visible_to)


def debts_of(visible_to: Account) -> QuerySet[Debt]:
    """Return what an account still owes, the oldest first: in this order earnings repay it."""
    return Debt.objects.filter(owner=visible_to, amount_minor__gt=F("repaid_minor")).order_by("id")


_COMING_RELEASES = """
SELECT CASE WHEN status = 'pending' THEN (releases_at AT TIME ZONE 'UTC')::date END AS day, status = 'held' AS is_held,
       currency, count(*), sum(original_minor - reversed_minor)::bigint
FROM wallets_earning WHERE owner_id = %(owner)s AND status IN ('pending', 'held')
GROUP BY 1, 2, 3 ORDER BY 1 NULLS LAST, 2, 3
"""


@dataclass(frozen=True, slots=True)
class ComingRelease:
    """
    What of an account's earnings is released on one day (UTC) in one currency.

    `day` is None for what waits for its order to be completed, and for what is held (`is_held`) until that is decided.
    """

    day: date | None
    is_held: bool
    currency: str
    earnings: int
    amount_minor: int


def coming_releases(*, visible_to: Account) -> list[ComingRelease]:
    """Return an account's calendar of releases in one statement: days in order, then what has none."""
    with connection.cursor() as cursor:
        cursor.execute(_COMING_RELEASES, {"owner": visible_to.pk})
        return [ComingRelease(*row) for row in cursor.fetchall()]


@dataclass(frozen=True, slots=True)
class TakenBackForeseen:
    """Where earnings that are taken back would come from; the three sum to what is taken."""

    from_pending_minor: int
    from_wallet_minor: int
    to_debt_minor: int


def foresee_taking_back(
    *, order: str, owner: Account, role: str, currency: str, minor_by_part: Mapping[str, int]
) -> TakenBackForeseen:
    """
    Return where parts of an owner's earnings of an order would come from if they were taken back now.

    `minor_by_part`: by the earning's part, in minor units. Nothing is locked and nothing held.
    """
    own = Earning.objects.filter(order=order, owner=owner, role=role, part__in=minor_by_part)
    released = set(own.filter(released_at__isnull=False).values_list("part", flat=True))
    gone_minor = sum(minor for part, minor in minor_by_part.items() if part in released)
    available = {one.currency: one.available_minor for one in wallet_balances(visible_to=owner)} if gone_minor else {}
    from_wallet_minor = min(gone_minor, max(available.get(currency, 0), 0))
    from_pending_minor = sum(minor_by_part.values()) - gone_minor
    return TakenBackForeseen(from_pending_minor, from_wallet_minor, gone_minor - from_wallet_minor)


@dataclass(frozen=True, slots=True)
class StatementRow:
    """A line of the ledger with the event that it comes from."""

    line: StatementLine
    event_type: str
    subject: str

    @property
    def place(self) -> StatementPlace:
        return self.line.place


def wallet_statement(
    *,
    visible_to: Account,
    limit: int,
    after: StatementPlace | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    currency: str | None = None,
) -> list[StatementRow]:
    """Return one page of an account's own wallet in one currency, or in all of them, newest booking first."""
    wallet = codes.wallet(visible_to.public_id)
    lines = statement_page(codes=[wallet], limit=limit, after=after, since=since, until=until, currency=currency)
    wanted = {line.event_id for line in lines}
    events = {
        event.pk: (event.type, shown_subject(event_id=event.pk, key=event.key, subject=event.subject))
        for event in EventRecord.objects.filter(id__in=wanted).only("id", "type", "key", "subject")
    }
    return [StatementRow(line, *events[line.event_id]) for line in lines]


def earning_lines(order: str) -> Iterator[ProofLine]:
    """
    Yield the proof lines of an order's earnings: the seller's own as one, without what was charged of it for sharers.
    """
    earnings = list(Earning.objects.filter(order=order).select_related("owner").order_by("id"))
    sales = [earning for earning in earnings if earning.kind == Earning.Kind.SALE]
    charged_minor = sum(earning.original_minor for earning in earnings if earning.kind == Earning.Kind.SHARE)
    for earning in earnings:
        if earning.kind != Earning.Kind.SALE:
            yield _proof_line(earning)
        elif earning is sales[0]:
            own = _proof_line(earning)
            yield replace(
                own,
                original_minor=own.original_minor - charged_minor,
                amount_minor=sum(sale.amount_minor for sale in sales),
                status=_least_finished(sales),
            )


def _proof_line(earning: Earning) -> ProofLine:
    return ProofLine(
        party=SHARE_CHARGE if earning.kind == Earning.Kind.SHARE else earning.role,
        role=earning.role,
        account=earning.owner.public_id,
        original_minor=earning.original_minor,
        amount_minor=earning.amount_minor,
        status=earning.status,
    )


def _least_finished(sales: Sequence[Earning]) -> str:
    """What a sharer gave back for good is an earning of its own, released when it is."""
    statuses = {sale.status for sale in sales}
    order = (Earning.Status.PENDING, Earning.Status.RELEASED, Earning.Status.REVERSED)
    return next(status for status in order if status in statuses)


def unsettled(owner: Account) -> list[str]:
    """
    Return what an account has to settle before it may close: money in its wallet or on its way, and debts.

    On its way is also what a provider has not answered: a top-up may still come in, a withdrawal come back.
    That is looked for first: what comes in while this runs is found in the wallet.
    """
    is_under_way = any(_under_way(kind, owner) for kind in (TopUp, IdentityCharge, Withdrawal))
    balances = wallet_balances(visible_to=owner)
    found = {
        "wallet_not_empty": any(b.posted_minor or b.held_minor or b.not_yet_booked_minor for b in balances),
        "earnings_pending": any(b.pending_minor for b in balances),
        "debt_outstanding": any(b.debt_minor for b in balances),
        "payments_under_way": is_under_way,
    }
    return [code for code, is_so in found.items() if is_so]


def _under_way(kind: type[TopUp | IdentityCharge | Withdrawal], owner: Account) -> bool:
    return kind.objects.filter(owner=owner, next_query_at__isnull=False).exists()
