"""Lists page by cursor, newest first, and stream as CSV that no spreadsheet runs."""

import base64
import csv
import io
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.api.lists import read_cursor, stream_csv, write_cursor
from core.errors import CursorInvalid
from core.models import AttemptCount
from tests.core.small_api import write

ORDERING = ("-window_ends_at", "subject", "-id")


@pytest.fixture
def notes(db) -> list[AttemptCount]:
    return [write(f"note {number}") for number in range(7)]


@pytest.mark.urls("tests.core.small_api")
class TestPages:
    """GET with ?limit= and ?cursor="""

    def test_all_rows_are_seen_once_newest_first(self, notes, api):
        seen, cursor = [], None
        while True:
            page = api().get("/notes", {"limit": 3} | ({"cursor": cursor} if cursor else {})).json()
            seen += [row["id"] for row in page["results"]]
            cursor = page["next"]
            if cursor is None:
                break

        assert seen == [note.pk for note in reversed(notes)]

    def test_rows_that_come_meanwhile_shift_nothing(self, notes, api):
        first = api().get("/notes", {"limit": 3}).json()
        write("newer")
        second = api().get("/notes", {"limit": 3, "cursor": first["next"]}).json()

        assert [row["id"] for row in second["results"]] == [note.pk for note in notes[3::-1]][:3]

    def test_a_page_is_one_statement(self, notes, api, statements):
        with statements() as seen:
            api().get("/notes")

        assert len(seen) == 1, str(seen)

    @pytest.mark.parametrize(
        "limit", ["0", "-1", "201", "1e3", "1.0", "", " 5", "٣", "9" * 5000, "NaN", "0x10", "null", "1;drop table"]
    )
    def test_absurd_limits_are_refused(self, db, api, limit):
        answer = api().get("/notes", {"limit": limit})

        assert (answer.status_code, answer.json()["code"]) == (422, "limit_invalid")

    @pytest.mark.parametrize("limit", ["1", "200", "007"])
    def test_limits_up_to_two_hundred_will_do(self, db, api, limit):
        assert api().get("/notes", {"limit": limit}).status_code == 200

    @pytest.mark.parametrize(
        "content",
        [
            [9, 9],
            [],
            {},
            "x",
            [None],
            [True],
            [[1]],
            ["x"],
            ["1'--"],
            [10**30],
            [-(10**30)],
            [1e300],
            ["9" * 5000],
            [[[[[]]]]],
        ],
    )
    def test_made_up_cursors_are_refused(self, db, api, content):
        cursor = base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")
        answer = api().get("/notes", {"cursor": cursor})

        assert (answer.status_code, answer.json()["code"]) == (422, "cursor_invalid")

    @pytest.mark.parametrize(
        "cursor", ["x", "====", "%%%", "é", "A" * 100_000, "W10", "bnVsbA", "W05hTl0", "W0luZmluaXR5XQ"]
    )
    def test_noise_is_no_cursor(self, db, api, cursor):
        answer = api().get("/notes", {"cursor": cursor})

        assert (answer.status_code, answer.json()["code"]) == (422, "cursor_invalid")


class TestCursors:
    """A cursor points behind a row, whatever the row holds."""

    @given(
        st.text(st.characters(exclude_categories=["C", "Z"]), max_size=60),
        st.integers(1, 2**63 - 1),
        st.datetimes(timezones=st.just(UTC)),
    )
    def test_it_is_read_back_as_it_was_written(self, subject, id_, moment):
        row = AttemptCount(id=id_, subject=subject, window_ends_at=moment)

        assert read_cursor(write_cursor(row, ORDERING), AttemptCount, ORDERING) == [moment, subject, id_]

    @given(st.text(max_size=500) | st.binary(max_size=300).map(lambda raw: base64.urlsafe_b64encode(raw).decode()))
    def test_anything_else_is_refused_and_nothing_breaks(self, cursor):
        with pytest.raises(CursorInvalid):
            read_cursor(cursor, AttemptCount, ORDERING)


def read_csv(documents: list[dict], columns: list[str]) -> list[list[str]]:
    raw = b"".join(stream_csv(documents, columns).streaming_content)
    return list(csv.reader(io.StringIO(raw.decode())))


class TestCsv:
    """Accept: text/csv"""

    @pytest.mark.urls("tests.core.small_api")
    def test_all_rows_are_streamed_under_a_head(self, notes, api, settings):
        settings.PAGE_SIZE_MAX = 3
        answer = api().get("/notes", accept="text/csv")

        lines = b"".join(answer.streaming_content).decode().splitlines()
        assert answer["Content-Type"] == "text/csv; charset=utf-8"
        assert lines[0] == "id,text"
        assert [int(line.split(",")[0]) for line in lines[1:]] == [note.pk for note in reversed(notes)]

    @given(st.text(st.characters(exclude_characters="\0\r", exclude_categories=["Cs"]), max_size=20))
    def test_no_text_begins_like_a_formula(self, text):
        cell = read_csv([{"text": text}, {"text": "end"}], ["text"])[1:-1]
        shown = cell[0][0] if cell and cell[0] else ""

        assert shown in (text, f"'{text}")
        assert not shown.startswith(("=", "+", "-", "@", "\t", "\r"))

    def test_numbers_stay_numbers_and_times_are_utc(self):
        moment = datetime(2026, 7, 1, 9, 30, tzinfo=UTC)
        rows = read_csv(
            [{"amount": -5, "at": moment, "more": {"a": 1}, "none": None}], ["amount", "at", "more", "none"]
        )

        assert rows[1] == ["-5", "2026-07-01T09:30:00Z", '{"a": 1}', ""]
