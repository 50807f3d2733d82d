"""
Tables partitioned by month of machine time: months are made ahead and dropped whole when they are too old.

Such a table has a default partition, which takes rows of months that nobody has made (the task that
makes them was down); they are moved when the month is made.
"""

from collections.abc import Iterator
from datetime import UTC, datetime

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper
from psycopg2 import sql

MONTHS_AHEAD = 3


def keep_months(table: str, *, key: str, now: datetime, months_kept: int, months_ahead: int = MONTHS_AHEAD) -> int:
    """
    Make the months from this one to `months_ahead` later, and drop those that ended more than
    `months_kept` months ago; return how many were made or dropped. Doing it twice is fine.

    `key`: the column, a timestamp, whose month says where a row is.
    """
    changed = sum(_make(table, key, month) for month in _months(now, 0, months_ahead))
    oldest = _name(table, next(_months(now, -months_kept, 0)))
    return changed + sum(_drop(table, name) for name in _existing(table) if name < oldest)


def _months(now: datetime, first: int, last: int) -> Iterator[datetime]:
    number = now.year * 12 + now.month - 1
    for month in range(number + first, number + last + 1):
        yield datetime(month // 12, month % 12 + 1, 1, tzinfo=UTC)


def _name(table: str, month: datetime) -> str:
    return f"{table}_{month:%Y_%m}"


def _existing(table: str) -> list[str]:
    """The table's months, without its default partition."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT part.relname FROM pg_inherits i JOIN pg_class part ON part.oid = i.inhrelid
            JOIN pg_class parent ON parent.oid = i.inhparent
            WHERE parent.relname = %s AND part.relname <> %s ORDER BY 1
            """,
            [table, f"{table}_default"],
        )
        return [name for (name,) in cursor.fetchall()]


@transaction.atomic
def _make(table: str, key: str, month: datetime) -> bool:
    """Rows of the month that wait in the default partition move along; writers wait for a moment."""
    name, following = _name(table, month), next(_months(month, 1, 1))
    names = {
        "table": sql.Identifier(table),
        "default": sql.Identifier(f"{table}_default"),
        "month": sql.Identifier(name),
        "key": sql.Identifier(key),
    }

    def run(cursor: CursorWrapper, statement: str) -> None:
        cursor.execute(sql.SQL(statement).format(**names), {"first": month, "beyond": following})

    with connection.cursor() as cursor:
        run(cursor, "LOCK TABLE {table} IN SHARE UPDATE EXCLUSIVE MODE")  # One maker at a time.
        if name in _existing(table):
            return False
        run(cursor, "CREATE TABLE {month} (LIKE {table} INCLUDING DEFAULTS INCLUDING CONSTRAINTS)")
        run(cursor, "LOCK TABLE {default} IN ACCESS EXCLUSIVE MODE")
        run(
            cursor,
            "WITH moved AS (DELETE FROM {default} WHERE {key} >= %(first)s AND {key} < %(beyond)s RETURNING *)"
            " INSERT INTO {month} SELECT * FROM moved",
        )
        run(cursor, "ALTER TABLE {table} ATTACH PARTITION {month} FOR VALUES FROM (%(first)s) TO (%(beyond)s)")
    return True


def _drop(table: str, name: str) -> bool:
    names = {"table": sql.Identifier(table), "month": sql.Identifier(name)}
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql.SQL("ALTER TABLE {table} DETACH PARTITION {month}").format(**names))
        cursor.execute(sql.SQL("DROP TABLE {month}").format(**names))
    return True
