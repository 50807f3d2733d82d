from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection

from core.copying import copy_rows

COLUMNS = ("words", "number", "truth", "at", "document")
AT = datetime(2026, 5, 1, 12, 30, 15, 123456, tzinfo=UTC)


@pytest.fixture
def table(db: None) -> Iterator[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TEMPORARY TABLE copied (words text, number bigint, truth boolean, at timestamptz, document jsonb)"
        )
    yield "copied"
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE copied")


def written(table: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT words, number, truth, at, document ->> 'a' FROM {table}")
        return cursor.fetchall()


class TestCopying:
    """What goes in comes out, whatever it is."""

    @pytest.mark.parametrize("words", ["", "\\N", "a\tb\nc\rd\\e", "'; DROP TABLE x; --", "水 – ñ", "\\.", "\\x41"])
    def test_keeps_every_text(self, table: str, words: str) -> None:
        copy_rows(table, ["words"], [(words,)])
        assert [row[0] for row in written(table)] == [words]

    def test_keeps_numbers_moments_truths_and_documents(self, table: str) -> None:
        copy_rows(table, COLUMNS, [("x", 2**60, True, AT, '{"a": "b\\"\\\\c"}'), (None,) * 5])
        assert written(table) == [("x", 2**60, True, AT, 'b"\\c'), (None,) * 5]

    @pytest.mark.parametrize("words", ["x", "\ufdd0", "a\tb"])
    def test_keeps_what_is_absent_beside_every_text(self, table: str, words: str) -> None:
        copy_rows(table, COLUMNS, [(words, None, None, AT, None), (words, 1, False, None, "{}")])
        assert written(table) == [(words, None, None, AT, None), (words, 1, False, None, None)]

    def test_writes_what_is_the_same_in_all_rows_once_for_all(self, table: str) -> None:
        copy_rows(table, ["number", "at"], [(1, AT), (2, None)], same={"words": "a\tb", "truth": None})
        assert written(table) == [("a\tb", 1, None, AT, None), ("a\tb", 2, None, None, None)]

    def test_writes_nothing_for_no_rows(self, table: str) -> None:
        copy_rows(table, COLUMNS, [])
        assert written(table) == []
