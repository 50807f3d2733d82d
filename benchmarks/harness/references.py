"""The two references: raw `COPY` into one table, and a ledger that books transfer by transfer."""

import io
import random
import time
from pathlib import Path

from benchmarks.harness.sales import OWNERS, TRANSFERS_PER_EVENT

TABLES = Path(__file__).parent.parent / "reference.sql"
HOT_ACCOUNT = 2 * OWNERS + 1
COPIED = "COPY reference_transfer (id, journal, debit, credit, amount, currency, leg) FROM STDIN"


def make_tables() -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(TABLES.read_text())
        cursor.execute("INSERT INTO reference_account SELECT n FROM generate_series(1, %s) AS n", [HOT_ACCOUNT])


def copy_seconds(transfers: int) -> float:
    """Copy rows that are already text, commit, and return how long that took."""
    from django.db import connection, transaction

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT setval('reference_transfer_ids', nextval('reference_transfer_ids') + %s) - %s",
            [transfers, transfers],
        )
        first = cursor.fetchone()[0]
    rows = io.BytesIO("".join(_rows(first, transfers)).encode())
    began = time.monotonic()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.copy_expert(COPIED, rows, size=1 << 16)
    return time.monotonic() - began


def _rows(first: int, transfers: int) -> list[str]:
    rows = []
    for id_ in range(first, first + transfers, TRANSFERS_PER_EVENT):
        for leg, (debit, credit, minor) in enumerate(_sale()):
            rows.append(f"{id_ + leg}\t{id_}\t{debit}\t{credit}\t{minor}\tGBP\t{leg}\n")
    return rows


def _sale() -> list[tuple[int, int, int]]:
    """The transfers of one `sale.made`, between the same number of accounts."""
    deposit, seller, agent = (random.randint(1, OWNERS) + wallets for wallets in (0, OWNERS, OWNERS))
    return [(deposit, seller, random.randint(1, 99_999)), (deposit, HOT_ACCOUNT, 50), (deposit, agent, 20)]


def book_row_by_row(seconds: float) -> int:
    """What a plain ledger does, for a while: lock both in id order, insert, update both, commit. Returns transfers."""
    from django.db import connection

    booked, ends = 0, time.monotonic() + seconds
    connection.ensure_connection()
    raw = connection.connection
    raw.autocommit = False
    with raw.cursor() as cursor:
        while time.monotonic() < ends:
            for leg, (debit, credit, minor) in enumerate(_sale()):
                cursor.execute(
                    "SELECT id FROM reference_account WHERE id IN (%s, %s) ORDER BY id FOR UPDATE", (debit, credit)
                )
                cursor.execute(
                    "INSERT INTO reference_transfer (id, journal, debit, credit, amount, currency, leg)"
                    " VALUES (nextval('reference_transfer_ids'), %s, %s, %s, %s, 'GBP', %s)",
                    (booked, debit, credit, minor, leg),
                )
                cursor.execute("UPDATE reference_account SET debits = debits + %s WHERE id = %s", (minor, debit))
                cursor.execute("UPDATE reference_account SET credits = credits + %s WHERE id = %s", (minor, credit))
                raw.commit()
                booked += 1
    raw.autocommit = True
    return booked
