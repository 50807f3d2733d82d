"""One line per request says who, where and how long, and never what."""

import json
import logging

import pytest
import structlog
from django.conf import settings

from core.logs import logging_settings


@pytest.fixture
def lines(caplog):
    caplog.set_level(logging.INFO, "core.middleware")
    return lambda: [record.msg for record in caplog.records if record.name == "core.middleware"]


class TestRequestLine:
    """What a line holds."""

    def test_it_names_request_session_and_both_accounts(self, buyer, api, lines):
        caller = api(buyer)
        answer = caller.get("/sessions", {"limit": 7}, x_request_id="trace-1")

        line = lines()[-1]
        assert answer["X-Request-ID"] == line["request_id"] == "trace-1"
        assert line["login_account"] == line["acting_account"] == buyer.public_id
        assert line["session"].startswith("ses_")
        assert (line["method"], line["route"], line["status"]) == ("GET", "api/v1/sessions", 200)
        assert line["milliseconds"] > 0

    def test_the_next_requests_line_knows_nothing_of_the_last(self, buyer, api, lines):
        api(buyer).get("/session")
        api().get("/clock")

        assert not {"session", "login_account", "acting_account"} & lines()[-1].keys()
        assert structlog.contextvars.get_contextvars() == {}

    def test_no_secret_and_no_path_of_a_person_is_logged(self, buyer, api, caplog):
        caller = api(buyer)
        caller.delete("/sessions/ses_SECRET")
        api().post("/sessions", {"username": "SECRET", "password": "SECRET"})

        assert "SECRET" not in caplog.text
        assert caller.token not in caplog.text

    @pytest.mark.parametrize("sent", ["", "a b", "x" * 65, "a\nb", "é"])
    def test_a_strange_request_id_is_replaced(self, db, api, lines, sent):
        answer = api().get("/clock", x_request_id=sent)

        assert answer["X-Request-ID"].startswith("req_")


class TestFormats:
    """JSON for machines, text for people."""

    def render(self, *, as_json: bool) -> str:
        (formatter,) = logging_settings(json=as_json)["formatters"].values()
        made = formatter.pop("()")(**formatter)
        event = {"event": "hello", "account": "acc_1", "level": "info"}
        record = logging.LogRecord("core", logging.INFO, __file__, 1, event, (), None)
        record._logger, record._name = None, "info"
        return made.format(record)

    def test_machines_get_one_json_object_per_line(self):
        assert json.loads(self.render(as_json=True))["account"] == "acc_1"

    def test_people_get_text(self):
        assert "hello" in self.render(as_json=False)
        assert "account=acc_1" in self.render(as_json=False)

    def test_lines_of_others_look_alike(self):
        (formatter,) = logging_settings(json=True)["formatters"].values()
        made = formatter.pop("()")(**formatter)
        with structlog.contextvars.bound_contextvars(request_id="r1"):
            line = made.format(logging.LogRecord("celery", logging.INFO, __file__, 1, "ready in %s", ("1 s",), None))

        assert json.loads(line) | {"timestamp": ""} == {
            "event": "ready in 1 s",
            "request_id": "r1",
            "logger": "celery",
            "level": "info",
            "timestamp": "",
        }

    def test_production_writes_json(self):
        assert settings.LOGGING["version"] == 1
