"""
The server of `demo-bank`, a third party that keeps its customers' money itself, in a book of its own.

Whoever is charged there for the first time has a million minor units of the currency. A name that begins with
`slow-` is charged only when the house asks what became of it, and one that begins with `silent-` never gets an
answer: so what waits, and what people must settle, can be looked at.
"""

from django.db import transaction

from core.money import Money
from demo.models import BankAccount, BankEntry
from wallets.providers.base import Charge, Failed, InProgress, NotKnown, Outcome, Succeeded

OPENING_MINOR = 1_000_000
SLOW, SILENT = "slow-", "silent-"
NOT_ENOUGH = "insufficient_funds"
State, Kind = BankEntry.State, BankEntry.Kind


class DemoBank:
    """What the house may call. Every call is a transaction of the bank's own, and moves money once per reference."""

    def charge(self, *, reference: str, identity: str, trade_no: str, amount: Money) -> Outcome:
        asked = BankEntry(
            reference=reference,
            kind=Kind.CHARGE,
            identity=identity,
            trade_no=trade_no,
            amount_minor=amount.minor,
            currency=amount.currency,
        )
        with transaction.atomic():
            entry = _enter(asked)
            if entry.state == State.WAITING and not identity.startswith((SLOW, SILENT)):
                _take(entry)
        return _answer(entry)

    def refund(self, *, reference: str, charge: Charge, amount: Money) -> Outcome:
        with transaction.atomic():
            charged = BankEntry.objects.select_for_update().get(reference=charge.reference)
            asked = BankEntry(
                reference=reference,
                kind=Kind.REFUND,
                identity=charged.identity,
                trade_no=charged.trade_no,
                charge=charged,
                amount_minor=amount.minor,
                currency=charged.currency,
            )
            entry = _enter(asked)
            if entry.state == State.WAITING:
                _give(entry, charged)
        return _answer(entry)

    def query(self, *, reference: str, known_as: str = "") -> Outcome | NotKnown:
        with transaction.atomic():
            entry = BankEntry.objects.select_for_update().filter(reference=reference).first()
            if entry is None:
                return NotKnown()
            if entry.state == State.WAITING and not entry.identity.startswith(SILENT):
                _take(entry)
        return _answer(entry)

    def cancel(self, *, reference: str, known_as: str = "") -> Outcome:
        """A charge that was made is undone, and one that comes after this is refused."""
        with transaction.atomic():
            entry = _enter(BankEntry(reference=reference, kind=Kind.CHARGE))
            if entry.identity.startswith(SILENT):
                return InProgress()
            if entry.state == State.MADE:
                _put(entry, entry.amount_minor)
            if entry.state != State.REFUSED:
                _end(entry, State.REFUSED, "cancelled")
        return _answer(entry)


def _enter(asked: BankEntry) -> BankEntry:
    """Enter what is asked for and lock it, or find what was entered first under its reference."""
    asked.state = State.WAITING
    BankEntry.objects.bulk_create([asked], ignore_conflicts=True)
    return BankEntry.objects.select_for_update(of=("self",)).get(reference=asked.reference)


def _take(entry: BankEntry) -> None:
    account = _account_of(entry)
    if account.balance_minor < entry.amount_minor:
        _end(entry, State.REFUSED, NOT_ENOUGH)
        return
    _put(entry, -entry.amount_minor)
    _end(entry, State.MADE)


def _give(entry: BankEntry, charged: BankEntry) -> None:
    """The charge is locked: no more goes back than was taken."""
    given = sum(charged.refunds.filter(state=State.MADE).values_list("amount_minor", flat=True))
    if charged.state != State.MADE or given + entry.amount_minor > charged.amount_minor:
        _end(entry, State.REFUSED, "more_than_charged")
        return
    _put(entry, entry.amount_minor)
    _end(entry, State.MADE)


def _account_of(entry: BankEntry) -> BankAccount:
    """Return the customer's account, locked; it is opened where there is none."""
    new = BankAccount(identity=entry.identity, currency=entry.currency, balance_minor=OPENING_MINOR)
    BankAccount.objects.bulk_create([new], ignore_conflicts=True)
    return BankAccount.objects.select_for_update().get(identity=entry.identity, currency=entry.currency)


def _put(entry: BankEntry, minor: int) -> None:
    account = _account_of(entry)
    account.balance_minor += minor
    account.save(update_fields=["balance_minor"])


def _end(entry: BankEntry, state: BankEntry.State, reason: str = "") -> None:
    entry.state, entry.reason = state, reason
    entry.save(update_fields=["state", "reason"])


def _answer(entry: BankEntry) -> Outcome:
    if entry.state == State.MADE:
        return Succeeded(f"bank:{entry.pk}")
    return Failed(entry.reason) if entry.state == State.REFUSED else InProgress(f"bank:{entry.pk}")
