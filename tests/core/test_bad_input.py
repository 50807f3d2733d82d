"""Whatever is sent: a clear 4xx, never a 5xx, and nothing half done."""

import json
from contextlib import suppress

import pytest
from django.test import Client
from hypothesis import given, settings
from hypothesis import strategies as st

from core.api.parsers import DuplicateKey, MalformedBody, parse_object
from core.models import AttemptCount
from tests.core.small_api import NOTES

OPEN = "/boxes/open/notes"
MEGA = 1024 * 1024


def nested(depth: int) -> str:
    return '{"a":' * depth + "1" + "}" * depth


@pytest.mark.urls("tests.core.small_api")
class TestBodies:
    """What cannot be read is 400; what can be read and is wrong is 422."""

    @pytest.mark.parametrize(
        ("body", "code"),
        [
            (b"{", "malformed_body"),
            (b"[]", "malformed_body"),
            (b'"text"', "malformed_body"),
            (b"null", "malformed_body"),
            (b"\xff\xfe", "malformed_body"),
            (b'{"text": "\xc3\x28"}', "malformed_body"),
            (b'\xef\xbb\xbf{"text": "bom"}', "malformed_body"),
            ('{"text": "a"}'.encode("utf-16"), "malformed_body"),
            (b'{"text": "a\\u0000b"}', "malformed_body"),
            (b'{"te\\u0000xt": "a"}', "malformed_body"),
            (b'{"text": "\\ud800"}', "malformed_body"),
            (b'{"\\udfff": 1}', "malformed_body"),
            (b'{"text": "a", "text": "b"}', "duplicate_key"),
            (b'{"deep": {"text": "a", "text": "b"}}', "duplicate_key"),
            (b'{"amount": NaN}', "malformed_body"),
            (b'{"amount": Infinity}', "malformed_body"),
            (b'{"text": "a"} {}', "malformed_body"),
            (nested(33).encode(), "malformed_body"),
            (nested(100_000).encode(), "malformed_body"),
            (b'{"a":' + b"[" * 200_000 + b"]" * 200_000 + b"}", "malformed_body"),
        ],
        ids=lambda value: str(value[:24]),
    )
    def test_what_cannot_be_read_is_400(self, buyer, api, body, code):
        answer = api(buyer).post(OPEN, body, key="k")

        assert (answer.status_code, answer.json()["code"]) == (400, code)
        assert not AttemptCount.objects.filter(scope=NOTES).exists()

    @pytest.mark.parametrize(
        ("body", "code", "field"),
        [
            ({}, "required", "text"),
            ({"text": None}, "null", "text"),
            ({"text": 1}, "invalid", "text"),
            ({"text": ["a"]}, "invalid", "text"),
            ({"text": " "}, "blank", "text"),
            ({"text": "x" * MEGA}, "max_length", "text"),
            ({"text": "a", "x\ny" * 1000: 1}, "unknown_field", None),
            ({"text": "a", "amount": 0}, "amount_invalid", "amount"),
            ({"text": "a", "amount": -1}, "amount_invalid", "amount"),
            ({"text": "a", "amount": 1.0}, "amount_invalid", "amount"),
            ({"text": "a", "amount": True}, "amount_invalid", "amount"),
            ({"text": "a", "amount": "5"}, "amount_invalid", "amount"),
            ({"text": "a", "amount": 2**53}, "amount_invalid", "amount"),
            ({"text": "a", "amount": 10**4000}, "amount_invalid", "amount"),
            (b'{"text": "a", "amount": ' + b"9" * 5000 + b"}", "amount_invalid", "amount"),
            (b'{"text": "a", "amount": 1e999}', "amount_invalid", "amount"),
            (b'{"text": "a", "amount": -1e999}', "amount_invalid", "amount"),
        ],
        ids=lambda value: str(value)[:24],
    )
    def test_what_is_wrong_is_422(self, buyer, api, body, code, field):
        answer = api(buyer).post(OPEN, body, key="k")

        assert (answer.status_code, answer.json()["code"]) == (422, code)
        assert field is None or answer.json()["errors"][0]["field"] == field
        assert len(answer.content) < 1000  # What was sent is not sent back.
        assert not AttemptCount.objects.filter(scope=NOTES).exists()

    def test_more_than_this_server_reads_is_413(self, buyer, api):
        answer = api(buyer).post(OPEN, b'{"text": "' + b"x" * 3 * MEGA + b'"}', key="k")

        assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")

    @pytest.mark.parametrize(
        "content_type",
        [
            "text/plain",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
            "application/xml",
            "x",
            "",
        ],
    )
    def test_another_type_than_json_is_415(self, buyer, api, content_type):
        answer = api(buyer).post(OPEN, b'{"text": "a"}', key="k", content_type=content_type)

        assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")

    def test_json_with_parameters_is_json(self, buyer, api):
        content_type = "application/json; charset=utf-8"
        assert api(buyer).post(OPEN, b'{"text": "a"}', key="k", content_type=content_type).status_code == 201

    def test_several_faults_are_told_together(self, buyer, api):
        answer = api(buyer).post("/everything", {"number": "1", "money": {"amount": 0, "currency": "XXX"}, "flag": 1})

        assert [(error["field"], error["code"]) for error in answer.json()["errors"]] == [
            ("number", "invalid"),
            ("money.amount", "amount_invalid"),
            ("money.currency", "currency_invalid"),
            ("flag", "invalid"),
        ]

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("number", True),
            ("number", 2**31),
            ("number", 1.0),
            ("degrees", "1"),
            ("degrees", True),
            ("degrees", 10**400),
            ("flag", "true"),
            ("flag", {}),
            ("at", "2026-01-01"),
            ("at", "2026-01-01T00:00:00"),
            ("at", "2026-13-01T00:00:00Z"),
            ("at", "0001-01-01T00:00:00+23:59"),
            ("at", "9999-12-31T23:59:59-23:59"),
            ("at", "٢٠٢٦-01-01T00:00:00Z"),
            ("at", 0),
            ("money", []),
            ("money", "1 GBP"),
            ("money", {"amount": 1, "currency": "GBP", "more": 1}),
            ("money", {"amount": 1, "currency": "gbp"}),
            ("money", {"amount": 1, "currency": ["GBP"]}),
        ],
    )
    def test_no_field_guesses_what_was_meant(self, buyer, api, field, value):
        assert api(buyer).post("/everything", {field: value}).status_code == 422

    @pytest.mark.parametrize(
        ("value", "read"),
        [
            ("2026-07-01T09:30:00Z", "2026-07-01 09:30:00+00:00"),
            ("2026-07-01t09:30:00.5+02:00", "2026-07-01 07:30:00.500000+00:00"),
        ],
    )
    def test_times_are_read_as_utc(self, buyer, api, value, read):
        assert api(buyer).post("/everything", {"at": value}).json() == {"at": read}


class TestParser:
    """The parser answers any bytes with an object or a refusal."""

    @settings(max_examples=300)
    @given(st.binary(max_size=200))
    def test_noise_never_breaks_it(self, raw):
        with suppress(MalformedBody, DuplicateKey):
            assert isinstance(parse_object(raw), dict)

    @given(
        st.recursive(
            st.none()
            | st.booleans()
            | st.integers()
            | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", max_size=5), inner, max_size=3),
            max_leaves=20,
        )
    )
    def test_what_can_be_stored_is_read_as_it_is(self, value):
        assert parse_object(json.dumps({"value": value}).encode()) == {"value": value}


@pytest.mark.urls("tests.core.small_api")
class TestPathsQueriesHeaders:
    """NUL and broken UTF-8 go no further than the door."""

    @pytest.mark.parametrize(
        "path", ["/api/v1/boxes/a%00b/notes", "/api/v1/notes?q=%00", "/api/v1/notes?q=%ff%fe", "/a%00b", "/?%00"]
    )
    def test_paths_and_queries(self, db, path):
        answer = Client().get(path)

        assert (answer.status_code, answer.json()["code"]) == (400, "malformed_request")

    @pytest.mark.parametrize("name", ["Authorization", "Acting-Account", "Idempotency-Key", "User-Agent", "Accept"])
    def test_headers(self, buyer, api, name):
        answer = api(buyer).post(OPEN, {"text": "a"}, **{name.lower().replace("-", "_"): "a\0b"})

        assert (answer.status_code, answer.json()["code"]) == (400, "malformed_request")

    @pytest.mark.parametrize("box", ["%ff%fe", "%e5%95%86", "%ED%A0%80", "x" * 5000, "..", "%2F", "%3F", "'"])
    def test_strange_paths_name_nothing(self, buyer, api, box):
        assert api(buyer).post(f"/boxes/{box}/notes", {"text": "a"}, key="k").status_code == 404

    def test_cookies_that_hide_it(self, db):
        answer = Client().get("/api/v1/notes", headers={"Cookie": 'sessionid="a\\000b"'})

        assert (answer.status_code, answer.json()["code"]) == (400, "malformed_request")

    @pytest.mark.parametrize("path", ["/api/v1/nothing", "/api/v1/", "/api/", "/api/v1/notes/", "/api/v1/boxes//notes"])
    def test_paths_nobody_answers(self, db, path):
        answer = Client().get(path)

        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
        assert answer["Content-Type"] == "application/problem+json"

    def test_a_host_that_is_not_ours(self, db, settings):
        settings.ALLOWED_HOSTS = ["example.org"]
        answer = Client().get("/api/v1/notes", headers={"Host": "evil.example"})

        assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json")

    @pytest.mark.parametrize("accept", ["text/html", "image/*", "nonsense", "*/*;q=0", ""])
    def test_whatever_is_accepted_the_answer_is_json(self, db, api, accept):
        answer = api().get("/notes", accept=accept)

        assert (answer.status_code, answer["Content-Type"]) == (200, "application/json")

    @pytest.mark.parametrize("method", ["TRACE", "OPTIONS", "CONNECT", "PROPFIND", "X"])
    def test_methods_nobody_answers(self, db, api, method):
        answer = api().send(method, "/notes")

        assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
