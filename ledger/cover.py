"""Deciding what can be taken from accounts, under their locks, before it is booked in the same transaction."""

from collections.abc import Iterable

from django.db.models import Q

from ledger.codes import must_cover, must_owe
from ledger.engine import take_turn
from ledger.models import LOCK_ORDER, LedgerAccount

AccountKey = tuple[str, str]  # (code, currency)


def lock_rooms(keys: Iterable[AccountKey], *, also: Iterable[AccountKey] = ()) -> dict[AccountKey, int]:
    """
    Lock these accounts, all at once, in the turn and the order of a batch; return the room of the guarded ones.

    A wallet's room is what is available in it, a debt's what is owed. Accounts that were never used are
    made, in the order of their codes, so that what books next waits for none. `also`: locked if they exist.
    """
    wanted = sorted(set(keys))
    _make_missing(wanted)  # A batch makes its own before its turn, too: who waits for that has none himself.
    take_turn()
    locked = LedgerAccount.objects.select_for_update(no_key=True).filter(_named([*wanted, *also]))
    return {(a.code, a.currency): _room(a) for a in locked.order_by(*LOCK_ORDER) if a.must_cover or a.must_owe}


def _named(keys: Iterable[AccountKey]) -> Q:
    by_currency: dict[str, list[str]] = {}
    for code, currency in keys:
        by_currency.setdefault(currency, []).append(code)
    named = Q(pk__in=[])
    for currency, codes in by_currency.items():
        named |= Q(currency=currency, code__in=codes)
    return named


def _make_missing(wanted: list[AccountKey]) -> None:
    known = set(LedgerAccount.objects.filter(_named(wanted)).values_list("code", "currency"))
    LedgerAccount.objects.bulk_create(
        [
            LedgerAccount(code=code, currency=currency, must_cover=must_cover(code), must_owe=must_owe(code))
            for code, currency in wanted
            if (code, currency) not in known
        ],
        ignore_conflicts=True,
    )


def _room(account: LedgerAccount) -> int:
    return -account.balance_minor if account.must_owe else account.available_minor
