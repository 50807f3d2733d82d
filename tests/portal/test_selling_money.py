"""A seller's money in the browser: the overview, the calendar of releases, the statement, share programs."""

import csv
import io
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from accounts.actor import Actor
from accounts.models import Account
from catalog.models import Item
from core import clock
from orders.services import complete_order, fulfil_order, refund_order
from sharing.models import ShareProgram
from tests.portal.conftest import send, text_of
from tests.sharing.programs import give
from tests.sharing.programs import share as made
from tests.sharing.scans import scan
from tests.shop import offer, paid_order
from wallets.models import Earning
from wallets.services import release_due_earnings

Customer = Callable[[Account], Client]

TERMS = {"gives": "rate", "percent": "5", "window_days": "30", "model": "last_touch"}


@pytest.fixture
def tea(seller: Account) -> Item:
    return offer(seller)


def complete(order: Any, buyer: Account) -> None:
    fulfil_order(order=order.public_id, actor=Actor.own(order.seller), now=clock.now())
    complete_order(order=order.public_id, actor=Actor.own(buyer), now=clock.now())


class TestTheOverview:
    """/sell"""

    def test_says_what_waits_and_what_was_sold_in_as_many_statements_for_many_as_for_one(
        self, tea: Item, seller: Account, buyer: Account, customer: Customer, statements: Any
    ) -> None:
        client, seen = customer(seller), []
        for _ in range(2):
            order = paid_order(buyer, (tea, 2))
            with statements() as counted:
                client.get("/sell")
            seen.append(len(counted))
        assert seen[0] == seen[1] <= 12, str(counted)
        refund_order(order=order.public_id, amount_minor=500, reason="x", actor=Actor.own(seller), now=clock.now())
        offer(seller, title="Cup", stock=0)

        said = text_of(client.get("/sell"))

        assert "2 orders to hand over 0 refund requests to answer 1 item sold out" in said
        assert "Waiting to be released £33.25" in said  # 40.00 less 5 % fee, less 4.75 of the refund.
        assert "£40.00 in 2 orders" in said
        assert "£40.00 £5.00" in said  # The table beside the chart: sold, and given back.

    def test_speaks_of_the_last_days_only_and_of_each_currency_by_itself(
        self, tea: Item, seller: Account, buyer: Account, customer: Customer
    ) -> None:
        paid_order(buyer, tea, now=clock.now() - timedelta(days=31))
        paid_order(buyer, offer(seller, price_minor=700, currency="JPY"))
        said = text_of(customer(seller).get("/sell"))
        assert "700 in one order" in said
        assert "in 2 orders" not in said


class TestIncome:
    """/sell/earnings"""

    def test_says_what_is_released_when_and_what_is_owed_in_few_statements(
        self, tea: Item, seller: Account, buyer: Account, customer: Customer, statements: Any
    ) -> None:
        client, seen = customer(seller), []
        for _ in range(2):
            complete(paid_order(buyer, tea), buyer)
            with statements() as counted:
                client.get("/sell/earnings")
            seen.append(len(counted))
        assert seen[0] == seen[1] <= 7, str(counted)
        paid_order(buyer, tea)

        said = text_of(client.get("/sell/earnings"))

        assert "£19.00 on their way to your wallet" in said
        assert "2 sales £19.00" in said
        assert "Not yet known one sale · after the order is completed £9.50" in said

    def test_says_what_is_owed_and_since_when(
        self, tea: Item, seller: Account, buyer: Account, customer: Customer
    ) -> None:
        order = paid_order(buyer, tea)
        complete(order, buyer)
        release_due_earnings(clock.now() + timedelta(days=30))
        refund_order(order=order.public_id, amount_minor=1000, reason="x", actor=Actor.own(seller), now=clock.now())
        said = text_of(customer(seller).get("/sell/earnings?state=reversed"))
        assert "What you owe" in said
        assert f"{order.public_id} £9.50" in said
        assert "Taken back" in said

    def test_is_downloaded_as_the_api_writes_it(
        self, tea: Item, seller: Account, buyer: Account, new_account: Any, customer: Customer, api: Any
    ) -> None:
        paid_order(buyer, tea)
        paid_order(buyer, offer(new_account(side="seller")))
        answer = customer(seller).get("/sell/earnings.csv")
        assert answer["Content-Disposition"] == 'attachment; filename="earnings.csv"'
        written = b"".join(answer.streaming_content).decode()
        assert written == api(seller).get("/earnings", accept="text/csv").getvalue().decode()
        assert len(list(csv.DictReader(io.StringIO(written)))) == Earning.objects.filter(owner=seller).count() == 1


class TestTheStatement:
    """/sell/statement; what is booked in it is told by the journeys, which have a worker"""

    def test_bears_every_period(self, seller: Account, customer: Customer) -> None:
        client = customer(seller)
        for query in ("since=2026-01-01&until=2026-12-31", "since=x", "until=9999-12-31", "cursor="):
            assert client.get(f"/sell/statement?{query}").status_code == 200, query
        answer = client.get("/sell/statement.csv?since=2026-01-01")
        assert b"".join(answer.streaming_content).startswith(b"transfer,event_type,subject,amount")
        assert client.get("/sell/statement?cursor=forged").status_code == 422


class TestSharePrograms:
    """/sell/programs and /sell/items/<id>/program"""

    @pytest.fixture
    def path(self, tea: Item) -> str:
        return f"/sell/items/{tea.public_id}/program"

    def test_are_listed_with_what_they_brought_in_few_statements(
        self, tea: Item, seller: Account, new_account: Any, customer: Customer, statements: Any
    ) -> None:
        give(tea)
        scan(made(new_account(), tea))
        client, seen = customer(seller), []
        for _ in range(2):
            with statements() as counted:
                page = client.get("/sell/programs")
            seen.append(len(counted))
            cup = offer(seller, title="Cup")
            give(cup)
            scan(made(new_account(), cup))
        assert seen[0] == seen[1] <= 9, str(counted)
        assert "Tea 5 % of what is sold. 1 0 – No limit" in text_of(page)

    def test_begin_and_change_and_say_what_that_means_for_codes_that_are_out(
        self, tea: Item, path: str, seller: Account, new_account: Any, customer: Customer
    ) -> None:
        client = customer(seller)
        assert "No code is out yet." in text_of(client.get(path))
        send(client, path, **TERMS, budget="100", hosts="blog.example")
        first = ShareProgram.objects.get()
        assert (first.rate_bps, first.budget_minor, first.hosts) == (500, 10_000, ["blog.example"])
        made(new_account(), tea)
        assert "One code is out. It keeps the terms it was made under" in text_of(client.get(path))

        send(client, path, **{**TERMS, "gives": "amount", "amount": "1.50", "percent": ""})

        assert ShareProgram.objects.get(until_at=None).amount_minor == 150
        assert "One of them has older terms than these." in text_of(client.get(path))

    @pytest.mark.parametrize(
        ("wrong", "said"),
        [
            ({"percent": ""}, "Write how many per cent you give"),
            ({"percent": "101"}, "less than or equal to 100"),
            ({"percent": "0.001"}, "no more than 2 decimal places"),
            ({"gives": "amount"}, "Write an amount above zero"),
            ({"window_days": "0"}, "greater than or equal to 1"),
            ({"hosts": "localhost"}, "This is no public host name: localhost"),
            ({"budget": "much"}, "Write an amount above zero"),
        ],
    )
    def test_say_beside_the_field_what_is_wrong(
        self, path: str, seller: Account, customer: Customer, wrong: dict[str, str], said: str
    ) -> None:
        answer = send(customer(seller), path, **{**TERMS, **wrong})
        assert answer.status_code == 422
        assert said in text_of(answer)
        assert not ShareProgram.objects.exists()

    def test_end_after_a_question_that_says_how_many_codes_die(
        self, tea: Item, path: str, seller: Account, new_account: Any, customer: Customer
    ) -> None:
        give(tea)
        made(new_account(), tea), made(new_account(), tea)
        client = customer(seller)
        assert "2 codes that are out lead nowhere any more" in text_of(client.get(f"{path}/end"))
        send(client, f"{path}/end")
        assert ShareProgram.objects.get().ended_at is not None
        assert client.get(f"{path}/end")["Location"] == path
