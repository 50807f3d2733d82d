"""Arrays written as one text reach PostgreSQL as what they were."""

from datetime import UTC, datetime

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from core.arrays import plain_array, text_array

texts = st.none() | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))


def read_back(written: str, kind: str) -> list:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT %s::{kind}[]", [written])
        return cursor.fetchone()[0]


@pytest.mark.django_db
class TestArrays:
    """Whatever is in them."""

    @given(st.lists(texts))
    def test_texts(self, values):
        assert read_back(text_array(values), "text") == values

    @pytest.mark.parametrize(
        "text", ["", "NULL", "null", "{}", 'a"b', "a\\b", "a,b", " ", "\n", "\v", "\x85", "\u2003"]
    )
    def test_texts_that_mean_something_in_an_array(self, text):
        assert read_back(text_array([text, None]), "text") == [text, None]

    def test_numbers_and_moments(self):
        moment = datetime(2026, 1, 1, 12, 30, tzinfo=UTC)

        assert read_back(plain_array([1, -(2**62), "NULL"]), "bigint") == [1, -(2**62), None]
        assert read_back(plain_array([moment.isoformat()]), "timestamptz") == [moment]
        assert read_back(plain_array([]), "bigint") == []
