"""The rows that the benchmark of the lists makes in SQL fit the tables as they are now."""

import pytest
from django.db import connection

from benchmarks.admin_lists import FILLED, give_defaults

ROWS = 3


@pytest.mark.django_db
class TestMadeRows:
    def test_fit_every_table(self) -> None:
        give_defaults()
        with connection.cursor() as cursor:
            for table, statement in FILLED.items():
                cursor.execute(statement, {"rows": ROWS})
                assert cursor.rowcount == ROWS, table
        connection.check_constraints()
