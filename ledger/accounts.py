"""Finding ledger accounts by code, and inserting those never used; each connection remembers what it has found."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary

from django.db import connection, transaction

from ledger.codes import must_cover, must_owe

ACCOUNTS_KNOWN_MAX = 100_000  # per connection, some 200 bytes each

AccountKey = tuple[str, str]  # (code, currency)
Row = tuple[str, str, int, bool, bool]  # code, currency, id, must_cover, must_owe


class Accounts:
    """Ids by currency and code, and which accounts are guarded: wallets that cover, debts that are owed."""

    def __init__(self) -> None:
        self.ids: dict[str, dict[str, int]] = defaultdict(dict)
        self.covering: set[int] = set()
        self.owing: set[int] = set()

    def add(self, rows: Iterable[Row]) -> None:
        for code, currency, id_, covers, owes in rows:
            self.ids[currency][code] = id_
            if covers:
                self.covering.add(id_)
            if owes:
                self.owing.add(id_)

    def missing(self, codes: Mapping[str, set[str]]) -> list[AccountKey]:
        """Which of these codes (by currency) are not here; sorted, so that two batches insert in one order."""
        missing: list[AccountKey] = []
        for currency, wanted in codes.items():
            ids = self.ids[currency]
            missing += [(code, currency) for code in wanted if code not in ids]
        return sorted(missing)


# An account is never deleted and never renamed, so what is committed may be remembered as long as the
# connection lasts; with the next one comes, perhaps, another database.
_known: WeakKeyDictionary[Any, Accounts] = WeakKeyDictionary()


def accounts_of(codes: Mapping[str, set[str]]) -> Accounts:
    """
    Find the accounts of these codes, by currency, and insert those never used.

    Two that insert the same ones do so in the same order, and so cannot deadlock.
    """
    known = _known.get(connection.connection, Accounts())
    missing = known.missing(codes)
    if not missing:
        return known
    found = _find(missing)
    if len(found) < len(missing):
        there = {(code, currency) for code, currency, *_ in found}
        _insert([key for key in missing if key not in there])
        found = _find(missing)
    transaction.on_commit(partial(_remember, connection.connection, found))
    return _joined(known, codes, found)


def _joined(known: Accounts, codes: Mapping[str, set[str]], found: Sequence[Row]) -> Accounts:
    """What was inserted just now is not committed: it must not be among what is remembered."""
    joined = Accounts()
    for currency, ids in known.ids.items():
        joined.ids[currency] = {code: ids[code] for code in codes.get(currency, ()) if code in ids}
    joined.covering, joined.owing = set(known.covering), set(known.owing)
    joined.add(found)
    return joined


def _remember(raw_connection: object, found: Sequence[Row]) -> None:
    known = _known.get(raw_connection)
    if known is None or sum(map(len, known.ids.values())) > ACCOUNTS_KNOWN_MAX:
        known = _known[raw_connection] = Accounts()
    known.add(found)


def _find(keys: Sequence[AccountKey]) -> list[Row]:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT a.code, a.currency, a.id, a.must_cover, a.must_owe
            FROM unnest(%s::text[], %s::text[]) AS wanted(code, currency)
            JOIN ledger_ledgeraccount a ON a.code = wanted.code AND a.currency = wanted.currency
            """,
            [[code for code, _currency in keys], [currency for _code, currency in keys]],
        )
        return cursor.fetchall()


def _insert(keys: Sequence[AccountKey]) -> None:
    codes = [code for code, _currency in keys]
    currencies = [currency for _code, currency in keys]
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO ledger_ledgeraccount (code, currency, must_cover, must_owe)
            SELECT * FROM unnest(%s::text[], %s::text[], %s::boolean[], %s::boolean[])
            ON CONFLICT (code, currency) DO NOTHING
            """,
            [codes, currencies, [must_cover(code) for code in codes], [must_owe(code) for code in codes]],
        )
