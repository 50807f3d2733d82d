"""Long lists of links and behaviours: every row once, newest first, in one look-up whatever is asked."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import product
from typing import Any

import pytest
from django.db import connection

from accounts.actor import Actor
from accounts.behaviours import record_behaviour
from accounts.models import Account, Behaviour
from core import clock
from tests.accounts.test_linking import link
from tests.conftest import Api

LIST_STATEMENTS_MAX = 3  # The session's marks; the page; the public ids of the links that it names.


def walk(caller: Api, path: str, **query: Any) -> Iterator[dict[str, Any]]:
    """Every row of a list, two at a time."""
    cursor = None
    while True:
        asked = {**query, "limit": 2, **({"cursor": cursor} if cursor else {})}
        page = caller.get(path, asked).json()
        yield from page["results"]
        cursor = page["next"]
        if cursor is None:
            return


class TestLinks:
    """GET /links"""

    def test_those_as_inviter_and_as_invitee_are_one_list(
        self, buyer: Account, new_account: Callable[..., Account], api: Callable[..., Api]
    ) -> None:
        made = [
            link(*((buyer, other) if as_inviter else (other, buyer)))
            for other, as_inviter in zip([new_account() for _ in range(7)], [1, 1, 0, 0, 0, 1, 0], strict=True)
        ]

        listed = [row["id"] for row in walk(api(buyer), "/links")]

        assert listed == [one.public_id for one in reversed(made)]

    def test_a_page_is_one_statement(
        self, buyer: Account, seller: Account, api: Callable[..., Api], statements: Any
    ) -> None:
        link(buyer, seller)
        caller = api(buyer)

        with statements() as seen:
            caller.get("/links")

        assert len(seen) == 2, str(seen)


class TestBehaviours:
    """GET /behaviours"""

    @pytest.fixture
    def storage(self, buyer: Account, seller: Account) -> Account:
        """Own acts and linked ones in turns, some at the same moment."""
        link(seller, buyer)
        now = clock.now()
        for number in range(9):
            who = buyer if number % 2 else seller
            kind = "search.performed" if number % 3 else "item.viewed"
            record_behaviour(kind, by=Actor.own(who), now=now + timedelta(seconds=number // 3))
        return buyer

    @pytest.mark.parametrize(
        ("kind", "origin"), list(product([None, "item.viewed", "search.performed"], [None, "own", "linked"]))
    )
    def test_pages_hold_every_row_once_and_newest_first(
        self, storage: Account, api: Callable[..., Api], kind: str | None, origin: str | None
    ) -> None:
        asked = {name: value for name, value in {"kind": kind, "origin": origin}.items() if value}
        wanted = [
            row.public_id
            for row in Behaviour.objects.filter(account=storage).order_by("-occurred_at", "-id")
            if kind in (None, row.kind) and origin in (None, "own" if row.link_id is None else "linked")
        ]

        assert [row["id"] for row in walk(api(storage), "/behaviours", **asked)] == wanted
        assert wanted

    def test_since_is_where_the_pages_end(self, storage: Account, api: Callable[..., Api]) -> None:
        newest = Behaviour.objects.filter(account=storage).order_by("-occurred_at")[0].occurred_at
        since = newest.isoformat().replace("+00:00", "Z")

        listed = list(walk(api(storage), "/behaviours", since=since))
        assert [row["kind"] for row in listed] == ["search.performed", "search.performed", "item.viewed"]

    def test_a_page_takes_few_statements(self, storage: Account, api: Callable[..., Api], statements: Any) -> None:
        caller = api(storage)
        with statements() as seen:
            caller.get("/behaviours")

        assert len(seen) <= LIST_STATEMENTS_MAX, str(seen)

    @pytest.mark.parametrize(
        ("asked", "index"),
        [
            ({}, "newest"),
            ({"kind": "item.viewed"}, "newest_of_kind"),
            ({"origin": "own"}, "own"),
            ({"origin": "linked", "kind": "item.viewed"}, "linked_of_kind"),
        ],
    )
    def test_each_filter_has_an_index_in_the_lists_order(
        self, storage: Account, api: Callable[..., Api], statements: Any, asked: dict[str, str], index: str
    ) -> None:
        """Sorting is made dear: where an index gives the order, nothing is sorted."""
        caller = api(storage)
        with statements() as seen:
            caller.get("/behaviours", asked)
        (statement,) = [q["sql"] for q in seen.captured_queries if 'FROM "accounts_behaviour"' in q["sql"]]
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_sort = off; SET LOCAL enable_seqscan = off")
            cursor.execute("SET LOCAL enable_bitmapscan = off")
            cursor.execute(f"EXPLAIN (COSTS OFF) {statement}")
            plan = "\n".join(line for (line,) in cursor.fetchall())

        assert "Sort Key: accounts_behaviour.occurred_at DESC" in plan  # Of the months merged, not of rows.
        assert "  Sort" not in plan.replace("Sort Key", ""), plan
        assert f"{INDEXES[index]} on accounts_behaviour" in plan, plan


INDEXES = {
    "newest": "account_id_occurred_at_id_idx",
    "newest_of_kind": "account_id_kind_occurred_at_id_idx",
    "own": "account_id_occurred_at_id_idx1",
    "linked_of_kind": "account_id_kind_occurred_at_id_idx2",
}
