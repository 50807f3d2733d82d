"""Earnings: recorded at payment, released after the hold period, taken back by refunds."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from accounts.models import Account
from core.clock import runs_when_due
from core.money import Money
from core.prepared import insert
from events.services import Emitted, Fact, emit, record_facts
from wallets.events import CommissionReleased, EarningsReleased, EarningsReversed, released_key, reversed_key
from wallets.models import Debt, DebtRepayment, Earning, UnbookedChange
from wallets.services.debts import DebtKey, known_to_ledger, lock_open_debts, settle, unbooked_debts
from wallets.services.taking_back import SHRUNK, owe, shrink, take_from


def record_earning(
    *,
    order: str,
    owner: Account,
    role: str,
    original: Money,
    earned_at: datetime,
    why: str,
    channel: str | None = None,
    institution: str | None = None,
    releases_at: datetime | None = None,
    part: str = "",
) -> None:
    """
    Record one party's part of a payment, in the paying transaction; one statement, none for a part of zero.

    It stays pending until `releases_at`; without one until `schedule_release` gives it a time. `channel`
    and `institution` are the parameters of the order's money; the earning's own events carry them on to the rules.
    `part` tells several of one role apart.
    """
    if not original.minor:
        return
    earning = Earning(
        order=order,
        owner=owner,
        role=role,
        part=part,
        currency=original.currency,
        channel=channel or "",
        institution=institution or "",
        original_minor=original.minor,
        earned_at=earned_at,
        releases_at=releases_at,
        why=why,
    )
    insert(earning)


def schedule_release(*, order: str, releases_at: datetime) -> None:
    """Say when the seller's pending earnings of an order go to the wallet; a repeat moves the time."""
    own = Earning.objects.filter(order=order, kind=Earning.Kind.SALE, status=Earning.Status.PENDING)
    own.update(releases_at=releases_at)


@transaction.atomic
def take_back_earning(*, order: str, owner: Account, role: str, amount: Money, now: datetime, part: str = "") -> None:
    """
    Take a part of an earning back for a refund; call it before emitting `order.refunded`.

    What is still pending only shrinks: the refund's own event takes it from there. What was released
    returns to pending first (`earnings.reversed`), out of the wallet as far as it goes; the rest is
    owed from now on. Not to be repeated: each call takes more.
    """
    if not amount.minor:
        return
    # Lock, then look: a release of the same earning is either before this, or after it and smaller.
    earning = Earning.objects.select_for_update(no_key=True).get(order=order, owner=owner, role=role, part=part)
    earning.owner = owner
    shrink(earning, amount.minor)
    earning.save(update_fields=SHRUNK)
    if earning.released_at is not None:
        claw_back(earning, amount.minor, now)


def claw_back(earning: Earning, minor: int, now: datetime) -> None:
    """Say that a part of a released earning returns to pending; it is locked, has shrunk, and knows its owner."""
    whose: dict[str, Any] = {
        "order": earning.order,
        "role": earning.role,
        "owner": earning.owner.public_id,
        "part": earning.part or None,
    }
    key = reversed_key(**whose, reversed_minor=earning.reversed_minor)
    taken = take_from(earning, minor, key=key)
    event = EarningsReversed(
        **whose,
        from_wallet_minor=taken.from_wallet_minor,
        to_debt_minor=taken.to_debt_minor,
        currency=earning.currency,
        channel=earning.channel or None,
        institution=earning.institution or None,
        undoes=released_key(**whose),
        holds=taken.holds,
        reversed_minor=earning.reversed_minor,
    )
    owe(earning, taken, event_id=emit(event, occurred_at=now).id, now=now)


@runs_when_due(
    "wallets",
    if_any="SELECT FROM wallets_earning WHERE status = 'pending' AND releases_at <= %(now)s",
)
@transaction.atomic
def release_due_earnings(now: datetime) -> int:
    """
    Release a bounded number of earnings whose time has come, each as of its own due time; return how many.

    Open debts of the same owner and currency are repaid first, oldest first; an owner whose newest debt
    billing has not booked yet waits for it, since nothing can be repaid in the ledger before it is owed
    there. A commission or a sharer's part never comes before the sale's own earning that it depends on. What another
    transaction has locked (a refund, another run) is passed over, and waited for only when nothing else is
    due: 0 means that nothing is left.
    """
    due = _due_earnings(now)
    earnings = list(due.select_for_update(no_key=True, skip_locked=True, of=("self",)))
    if not earnings and due.select_for_update(no_key=True, of=("self",)):
        # Waited in a statement of its own: what the other one wrote beside its rows is seen by the next.
        earnings = list(due.select_for_update(no_key=True, of=("self",)))
    if earnings:
        _release(earnings)
    return len(earnings)


def _due_earnings(now: datetime) -> QuerySet[Earning]:
    waiting = Earning.objects.filter(status=Earning.Status.PENDING, releases_at__lte=now)
    free = waiting.filter(~Exists(unbooked_debts(OuterRef("owner")))).select_related("owner")
    source = Earning.objects.filter(order=OuterRef("order"), kind=Earning.Kind.SALE, status=Earning.Status.PENDING)
    free = free.filter(Q(kind=Earning.Kind.SALE) | ~Exists(source))
    return free.order_by("releases_at", "id")[: settings.TIMED_TRANSITIONS_BATCH_MAX]


@dataclass(frozen=True, slots=True)
class _Release:
    """One earning on its way to the wallet, and which debts it repays on the way."""

    earning: Earning
    repayments: Sequence[tuple[Debt, int]]

    @property
    def repaid_minor(self) -> int:
        return sum(minor for _debt, minor in self.repayments)

    @property
    def due_at(self) -> datetime:
        assert self.earning.releases_at is not None
        return self.earning.releases_at

    def fact(self) -> Fact:
        earning = self.earning
        facts: dict[str, Any] = {
            "order": earning.order,
            "role": earning.role,
            "part": earning.part or None,
            "owner": earning.owner.public_id,
            "amount_minor": earning.amount_minor,
            "repaid_minor": self.repaid_minor,
            "currency": earning.currency,
            "channel": earning.channel or None,
            "institution": earning.institution or None,
        }
        if earning.kind == Earning.Kind.COMMISSION:
            return Fact.of(CommissionReleased(**facts), occurred_at=self.due_at)
        return Fact.of(EarningsReleased(**facts), occurred_at=self.due_at)

    def unbooked(self, emitted: Emitted) -> UnbookedChange:
        return UnbookedChange(
            event_id=emitted.id,
            owner_id=self.earning.owner_id,
            currency=self.earning.currency,
            amount_minor=self.earning.amount_minor - self.repaid_minor,
        )

    def repaid(self, emitted: Emitted) -> Iterator[DebtRepayment]:
        for debt, minor in self.repayments:
            yield DebtRepayment(
                debt=debt,
                kind=DebtRepayment.Kind.EARNING,
                amount_minor=minor,
                event_id=emitted.id,
                repaid_at=self.due_at,
            )


def _release(earnings: Sequence[Earning]) -> None:
    """A constant number of statements, however many earnings."""
    debts = known_to_ledger(lock_open_debts({earning.owner_id for earning in earnings}))
    releases = _plan_releases(earnings, debts)
    Earning.objects.filter(id__in=[earning.id for earning in earnings]).update(
        status=Earning.Status.RELEASED,
        released_minor=F("original_minor") - F("reversed_minor"),
        released_at=F("releases_at"),
    )
    emitted = record_facts([release.fact() for release in releases])
    pairs = list(zip(releases, emitted, strict=True))
    notes = [release.unbooked(event) for release, event in pairs]
    UnbookedChange.objects.bulk_create(note for note in notes if note.amount_minor)
    repayments = [repayment for release, event in pairs for repayment in release.repaid(event)]
    if repayments:
        Debt.objects.bulk_update({repayment.debt for repayment in repayments}, ["repaid_minor"])
        DebtRepayment.objects.bulk_create(repayments)


def _plan_releases(earnings: Iterable[Earning], debts: Mapping[DebtKey, Sequence[Debt]]) -> list[_Release]:
    return [
        _Release(earning, settle(debts.get((earning.owner_id, earning.currency), ()), earning.amount_minor))
        for earning in earnings
    ]
