"""Earnings: recorded at payment, released after the hold period, taken back by refunds."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.db.models import F

from accounts.models import Account
from core.clock import runs_when_due
from core.money import Money
from events.services import Emitted, Fact, emit, record_facts
from ledger import codes
from ledger.holds import hold_up_to
from wallets.events import EarningsReleased, EarningsReversed, released_key, reversed_key
from wallets.models import Debt, DebtRepayment, Earning, UnbookedChange
from wallets.services.unbooked import note_unbooked_change

ReleaseKey = tuple[int, str]  # (owner's id, currency): what one release may repay.


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
) -> None:
    """
    Record one party's part of a payment, in the paying transaction; one statement, none for a part of zero.

    It stays pending until `schedule_release` gives it a time. `channel` and `institution` are the
    parameters of the order's money; the earning's own events carry them on to the rules.
    """
    if not original.minor:
        return
    Earning.objects.create(
        order=order,
        owner=owner,
        role=role,
        currency=original.currency,
        channel=channel or "",
        institution=institution or "",
        original_minor=original.minor,
        earned_at=earned_at,
        why=why,
    )


def schedule_release(*, order: str, releases_at: datetime) -> None:
    """Say when the pending earnings of an order go to their wallets; a repeat moves the time."""
    Earning.objects.filter(order=order, status=Earning.Status.PENDING).update(releases_at=releases_at)


@transaction.atomic
def take_back_earning(*, order: str, owner: Account, role: str, amount: Money, now: datetime) -> None:
    """
    Take a part of an earning back for a refund; call it before emitting `order.refunded`.

    What is still pending only shrinks: the refund's own event takes it from there. What was released
    returns to pending first (`earnings.reversed`), out of the wallet as far as it goes; the rest is
    owed from now on. Not to be repeated: each call takes more.
    """
    if not amount.minor:
        return
    # Lock, then look: a release of the same earning is either before this, or after it and smaller.
    earning = Earning.objects.select_for_update(no_key=True).get(order=order, owner=owner, role=role)
    earning.reversed_minor += amount.minor
    if earning.amount_minor == 0:
        earning.status = Earning.Status.REVERSED
    if earning.released_at is not None:
        earning.clawed_back_minor += amount.minor
    earning.save(update_fields=["reversed_minor", "clawed_back_minor", "status"])
    if earning.released_at is not None:
        _claw_back(earning, owner, amount, now)


def _claw_back(earning: Earning, owner: Account, amount: Money, now: datetime) -> None:
    whose = {"order": earning.order, "role": earning.role, "owner": owner.public_id}
    key = reversed_key(**whose, reversed_minor=earning.reversed_minor)
    hold_id, from_wallet_minor = hold_up_to(code=codes.wallet(owner.public_id), amount=amount, key=key)
    to_debt_minor = amount.minor - from_wallet_minor
    if to_debt_minor:
        Debt.objects.create(
            owner=owner,
            currency=amount.currency,
            amount_minor=to_debt_minor,
            subject=earning.order,
            key=key,
            opened_at=now,
        )
    event = EarningsReversed(
        **whose,
        from_wallet_minor=from_wallet_minor,
        to_debt_minor=to_debt_minor,
        currency=amount.currency,
        channel=earning.channel or None,
        institution=earning.institution or None,
        undoes=released_key(**whose),
        holds=[hold_id] if hold_id is not None else [],
        reversed_minor=earning.reversed_minor,
    )
    emitted = emit(event, occurred_at=now)
    note_unbooked_change(event_id=emitted.id, owner_id=owner.id, amount=Money(-from_wallet_minor, amount.currency))


@runs_when_due("wallets")
@transaction.atomic
def release_due_earnings(now: datetime) -> int:
    """
    Release a bounded number of earnings whose time has come, each as of its own due time; return how many.

    Open debts of the same owner and currency are repaid first, oldest first. What another
    transaction has locked (a refund, another run) is left for the next run.
    """
    earnings = list(
        Earning.objects.select_for_update(no_key=True, skip_locked=True, of=("self",))
        .filter(status=Earning.Status.PENDING, releases_at__lte=now)
        .select_related("owner")
        .order_by("releases_at", "id")[: settings.TIMED_TRANSITIONS_BATCH_MAX]
    )
    if earnings:
        _release(earnings)
    return len(earnings)


@dataclass(frozen=True, slots=True)
class _Release:
    """One earning on its way to the wallet, and which debts it repays on the way."""

    earning: Earning
    repayments: Sequence[tuple[Debt, int]]

    @property
    def repaid_minor(self) -> int:
        return sum(minor for _debt, minor in self.repayments)

    def fact(self) -> Fact:
        earning = self.earning
        event = EarningsReleased(
            order=earning.order,
            role=earning.role,
            owner=earning.owner.public_id,
            amount_minor=earning.amount_minor,
            repaid_minor=self.repaid_minor,
            currency=earning.currency,
            channel=earning.channel or None,
            institution=earning.institution or None,
        )
        assert earning.releases_at is not None
        return Fact.of(event, occurred_at=earning.releases_at)

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
                repaid_at=self.earning.releases_at,
            )


def _release(earnings: Sequence[Earning]) -> None:
    """A constant number of statements, however many earnings."""
    releases = _plan_releases(earnings, _lock_open_debts({earning.owner_id for earning in earnings}))
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


def _lock_open_debts(owner_ids: Iterable[int]) -> dict[ReleaseKey, list[Debt]]:
    """Lock the owners' open debts in id order, oldest first; two runs that meet here wait, and never deadlock."""
    locked = Debt.objects.select_for_update(no_key=True).filter(
        owner_id__in=owner_ids, amount_minor__gt=F("repaid_minor")
    )
    by_owner: dict[ReleaseKey, list[Debt]] = defaultdict(list)
    for debt in locked.order_by("id"):
        by_owner[debt.owner_id, debt.currency].append(debt)
    return by_owner


def _plan_releases(earnings: Iterable[Earning], debts: dict[ReleaseKey, list[Debt]]) -> list[_Release]:
    return [
        _Release(earning, settle(debts.get((earning.owner_id, earning.currency), ()), earning.amount_minor))
        for earning in earnings
    ]


def settle(debts: Iterable[Debt], amount_minor: int) -> list[tuple[Debt, int]]:
    """Use up an amount on debts in the order given, raising their `repaid_minor`; return what each got."""
    settled = []
    for debt in debts:
        part = min(debt.owed_minor, amount_minor)
        if part:
            debt.repaid_minor += part
            amount_minor -= part
            settled.append((debt, part))
    return settled
