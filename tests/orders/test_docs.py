"""The page about orders says what the code does."""

from orders.transitions import TABLE
from tests.docs.pages import DOCS, rows_after


def test_the_table_of_states_is_the_table():
    _header, *rows = rows_after((DOCS / "orders.md").read_text(), "<!-- transitions -->")

    assert [tuple(cell.strip("`") for cell in row) for row in rows] == [
        (row.action, row.by, row.source, row.target) for row in TABLE
    ]
