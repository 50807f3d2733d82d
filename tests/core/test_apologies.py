"""What people read where a page is not there, not theirs, or broken."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client, RequestFactory
from structlog.contextvars import bound_contextvars

from accounts.models import Account
from core.api import problems


class TestApologies:
    def test_an_address_that_nobody_answers_leads_back_to_the_start(self, statements: Any, db: None) -> None:
        with statements() as seen:
            answer = Client().get("/no/such/page")

        said = answer.content.decode()
        assert answer.status_code == 404
        assert "There is no such page" in said
        assert 'href="/"' in said
        assert len(seen) == 0

    def test_they_speak_the_readers_language(self, db: None) -> None:
        answer = Client(headers={"accept-language": "zh-CN"}).get("/no/such/page")

        assert '<html lang="zh-Hans">' in answer.content.decode()
        assert "There is no such page" not in answer.content.decode()

    def test_an_operator_without_the_permission_is_told_who_can_change_that(
        self, operator: Account, browser: Callable[[Account], Client]
    ) -> None:
        answer = browser(operator).get("/admin/ledger/transfer/add/")

        assert answer.status_code == 403
        assert "This is not open to you" in answer.content.decode()
        assert 'href="/admin/"' in answer.content.decode()

    def test_what_broke_says_the_number_that_the_log_has(self) -> None:
        with bound_contextvars(request_id="req_ABC"):
            answer = problems.server_error(RequestFactory().get("/wallet"))

        assert answer.status_code == 500
        assert "<code>req_ABC</code>" in answer.content.decode()

    def test_a_host_that_is_not_ours_is_refused_with_a_page(self, settings: Any) -> None:
        settings.ALLOWED_HOSTS = ["ours.example"]
        answer = Client(headers={"host": "somebody.else"}).get("/")

        assert answer.status_code == 400
        assert "This cannot be read" in answer.content.decode()

    @pytest.mark.parametrize("path", ["/api/v1/nothing", "/api/v1/billing/nothing"])
    def test_programs_get_a_problem_document(self, path: str, db: None) -> None:
        answer = Client().get(path)

        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
        assert answer["Content-Type"] == "application/problem+json"
