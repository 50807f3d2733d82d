"""What a correction of the book does to the rows of wallets: debts follow its legs, and subjects can be locked."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from django.db.models import F

from accounts.models import Account
from billing.debts import OwnerAndCurrency
from core.money import Money
from wallets.models import Debt, DebtRepayment, Earning, TopUp, Withdrawal
from wallets.services.debts import open_debt, settle


class CorrectedDebts:
    """The rows of debts as billing asks for them (`billing.debts`)."""

    def lock(self, owners: Collection[str]) -> Mapping[OwnerAndCurrency, int]:
        """Lock open debts in id order, as repayments and releases do; return what is owed."""
        open_ones = Debt.objects.select_for_update(no_key=True, of=("self",)).select_related("owner")
        owed: Counter[OwnerAndCurrency] = Counter()
        for debt in open_ones.filter(owner__public_id__in=owners, amount_minor__gt=F("repaid_minor")).order_by("id"):
            owed[debt.owner.public_id, debt.currency] += debt.owed_minor
        return owed

    def owe_more(self, *, owner: str, owed: Money, subject: str, event_id: int, now: datetime) -> None:
        owner_id = Account.objects.values_list("id", flat=True).get(public_id=owner)
        open_debt(owner_id=owner_id, owed=owed, subject=subject, event_id=event_id, now=now)

    def owe_less(self, *, owner: str, settled: Money, event_id: int, now: datetime) -> None:
        """The oldest debts first, each with a repayment that names the correction."""
        debts = Debt.objects.filter(owner__public_id=owner, currency=settled.currency)
        parts = settle(debts.filter(amount_minor__gt=F("repaid_minor")).order_by("id"), settled.minor)
        Debt.objects.bulk_update([debt for debt, _minor in parts], ["repaid_minor"])
        DebtRepayment.objects.bulk_create(
            DebtRepayment(
                debt=debt,
                kind=DebtRepayment.Kind.CORRECTION,
                amount_minor=minor,
                event_id=event_id,
                repaid_at=now,
            )
            for debt, minor in parts
        )


def lock_subjects(subjects: Sequence[str]) -> None:
    """Lock the rows under which wallets emit money events of these subjects: earnings, top-ups, withdrawals."""
    list(
        Earning.objects.select_for_update(no_key=True)
        .filter(order__in=subjects)
        .order_by("releases_at", "id")  # As releases do.
        .values_list("id")
    )
    for payments in (TopUp, Withdrawal):
        list(
            payments.objects.select_for_update(no_key=True)
            .filter(public_id__in=subjects)
            .order_by("id")
            .values_list("id")
        )
