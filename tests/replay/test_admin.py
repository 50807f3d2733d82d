"""Operators find what was imported, and change nothing of it."""

from collections.abc import Callable
from pathlib import Path

import pytest
from django.test import Client

from accounts.models import Account
from orders.models import Order
from tests.replay.histories import cancellation, read, replay, sale

Browser = Callable[[Account], Client]


@pytest.mark.django_db
class TestTheListsOfAnImport:
    """Invoices, parties and articles, each by the name that the history gives them."""

    @pytest.fixture
    def pages(self, operator: Account, browser: Browser, tmp_path: Path) -> Client:
        replay(read(tmp_path, sale("1", "2025-01-01"), cancellation("2", "2025-01-02", quantity=2)))
        return browser(operator)

    @pytest.mark.parametrize(
        ("page", "query", "shown"),
        [
            ("invoice", "1", lambda: Order.objects.get().public_id),
            ("invoice", "C2", lambda: "C2"),
            ("party", "customer 7", lambda: "Customer 7"),
            ("article", "TEA", lambda: "Tea of Assam"),
        ],
    )
    def test_find_what_is_asked_for(self, pages: Client, page: str, query: str, shown: Callable[[], str]) -> None:
        answer = pages.get(f"/admin/replay/{page}/", {"q": query})

        (row,) = answer.context["cl"].result_list
        assert shown() in answer.content.decode()
        assert pages.get(f"/admin/replay/{page}/{row.pk}/change/").status_code == 200

    @pytest.mark.parametrize("page", ["invoice", "party", "article"])
    def test_are_for_reading(self, pages: Client, page: str) -> None:
        assert pages.get(f"/admin/replay/{page}/add/").status_code == 403
