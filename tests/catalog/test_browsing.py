"""Looking and searching are recorded, and cost the page one INSERT: in one statement with all mirrored rows."""

from typing import Any

import pytest

from accounts.models import Behaviour
from tests.accounts.test_linking import link
from tests.shop import offer


def statements_of(statements: Any, caller: Any, path: str, query: dict[str, str] | None = None) -> list[str]:
    with statements() as seen:
        assert caller.get(path, query).status_code == 200
    # The clock's offset is read where the clock can be moved: in the demo and in tests.
    return [query["sql"] for query in seen.captured_queries if query["sql"] != "EXECUTE clock_offset"]


def recorded(statements: list[str]) -> list[str]:
    """Those that record what somebody does."""
    return [sql for sql in statements if sql.startswith("EXECUTE record_behaviours ")]


@pytest.fixture
def shop(seller: Any) -> str:
    """The path of an item."""
    return f"/items/{offer(seller, title='Green tea').public_id}"


class TestWhatItCosts:
    @pytest.mark.parametrize("search", [False, True])
    @pytest.mark.parametrize("links", [0, 3])
    def test_one_insert_beside_the_session_however_many_links_mirror_it(
        self, api, buyer, new_account, statements, shop, search, links
    ):
        path, query = ("/items", {"search": "tea"}) if search else (shop, None)
        for _ in range(links):
            link(buyer, new_account())
        person = api(buyer)
        Behaviour.objects.all().delete()

        unknown, known = (statements_of(statements, caller, path, query) for caller in (api(), person))

        assert len(recorded(known)) == 1
        assert not recorded(unknown)
        assert not [sql for sql in known + unknown if "INSERT" in sql or "UPDATE" in sql]
        assert len(known) - len(unknown) == 2, known  # The session, and the INSERT.
        assert Behaviour.objects.count() == 1 + links

    def test_turning_pages_of_a_search_is_not_searching_again(self, api, buyer, seller):
        for _ in range(3):
            offer(seller, title="Green tea")
        first = api(buyer).get("/items", {"search": "tea", "limit": 2}).json()
        api(buyer).get("/items", {"search": "tea", "limit": 2, "cursor": first["next"]})

        assert Behaviour.objects.filter(kind="search.performed").count() == 1

    def test_a_list_without_a_search_is_not_recorded(self, api, buyer, statements, shop):
        seen = statements_of(statements, api(buyer), "/items")

        assert not recorded(seen)
        assert set(Behaviour.objects.values_list("kind", flat=True)) == {"item.published"}
