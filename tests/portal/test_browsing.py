"""Everything that is on sale, on one page after the other."""

import re
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from django.conf import LazySettings
from django.test import Client

from accounts.models import Account, Behaviour
from tests.portal.conftest import text_of
from tests.shop import offer


def titles(page: Any) -> list[str]:
    return [unescape(title) for title in re.findall(r'tile-about">\s*<bdi>([^<]*)</bdi>', page.content.decode())]


def more(page: Any) -> str:
    found = re.search(r'rel="next" href="([^"]+)"', page.content.decode())
    return unescape(found[1]) if found else ""


class TestBrowsing:
    """GET /"""

    def test_shows_what_is_on_sale_with_price_and_seller_and_nothing_else(
        self, visitor: Client, seller: Account
    ) -> None:
        offer(seller, title="Tea <b>", stock=0)
        offer(seller, title="Draft", status="draft")
        offer(seller, title="Paused", status="paused")
        page = visitor.get("/")

        assert titles(page) == ["Tea <b>"]
        assert f"Tea <b> £10.00 {seller.name} Sold out" in text_of(page)
        assert not page.cookies

    def test_goes_on_page_by_page_in_any_order(self, visitor: Client, seller: Account, settings: LazySettings) -> None:
        settings.TILES_PER_PAGE = 2
        for number in range(5):
            offer(seller, title=f"Cup {number}", price_minor=100 * (number % 3 + 1))
        for sort, expected in (("newest", "43210"), ("price", "03142"), ("-price", "24130")):
            seen, path = [], f"/?sort={sort}"
            while path:
                page = visitor.get(path)
                seen += titles(page)
                path = more(page)
            assert "".join(title[-1] for title in seen) == expected

    def test_finds_by_words_and_tells_what_to_do_where_it_finds_nothing(self, visitor: Client, seller: Account) -> None:
        offer(seller, title="Green tea")
        offer(seller, title="Coffee")

        assert titles(visitor.get("/", {"search": "tea"})) == ["Green tea"]
        nothing = text_of(visitor.get("/", {"search": "<x>"}))
        assert "Nothing matches “<x>”" in nothing
        assert "Show all that is on sale" in nothing

    def test_of_one_seller_stays_with_it(
        self, visitor: Client, seller: Account, new_account: Callable[..., Account], settings: LazySettings
    ) -> None:
        settings.TILES_PER_PAGE = 1
        other = new_account(side="seller")
        for number in range(2):
            offer(seller, title=f"Own {number}")
            offer(other, title=f"Other {number}")
        first = visitor.get("/", {"seller": other.public_id})

        assert f"On sale at {other.name}" in text_of(first)
        assert titles(first) + titles(visitor.get(more(first))) == ["Other 1", "Other 0"]
        assert titles(visitor.get("/", {"seller": "acc_nobody"})) == []

    def test_costs_one_statement(self, visitor: Client, seller: Account, statements: Any) -> None:
        for number in range(8):
            offer(seller, title=f"Cup {number}")
        with statements() as seen:
            visitor.get("/")
        assert len(seen) == 1, str(seen)

    def test_records_the_search_of_who_is_logged_in_once(
        self, customer: Callable[[Account], Client], buyer: Account, seller: Account, settings: LazySettings
    ) -> None:
        settings.TILES_PER_PAGE = 1
        for number in range(2):
            offer(seller, title=f"Cup {number}")
        browser = customer(buyer)
        browser.get("/", {"search": "cu"}, headers={"HX-Request": "true"})  # While they type.
        browser.get(more(browser.get("/", {"search": "cup"})))

        assert [row.data for row in Behaviour.objects.filter(kind="search.performed")] == [{"search": "cup"}]

    @pytest.mark.parametrize("query", [{"sort": "random"}, {"search": "x" * 300}])
    def test_says_what_is_wrong_with_what_was_asked(self, visitor: Client, query: dict[str, str]) -> None:
        assert visitor.get("/", query).status_code == 422

    def test_refuses_a_cursor_that_it_did_not_make(self, visitor: Client, database: None) -> None:
        assert visitor.get("/", {"cursor": "x"}).status_code == 422
