"""What somebody has of others' sales, and where an order's money went, as pages say it: the API's sums, to the cent."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from accounts.models import Account
from core import clock
from core.languages import say_money
from core.money import Money
from distribution.models import Area
from distribution.services import appoint_agent
from sharing.models import WonLine
from tests.conftest import Api, make_account
from tests.distribution.areas import SQUARES
from tests.distribution.areas import load as load_areas
from tests.distribution.money import place_store
from tests.distribution.people import came, clerk
from tests.portal.conftest import text_of
from tests.proofs.full_sale import FullSale, full_sale
from tests.proofs.world import book, paid_order
from tests.sharing.money import complete, refund, sold
from tests.wallets.shop import fill
from wallets.models import Debt, Earning

Customer = Callable[[Account], Client]


@pytest.fixture
def sale(database: None) -> FullSale:
    made = full_sale(refunded_minor=33_33)
    book()
    return made


def gbp(minor: int) -> str:
    return say_money(Money(minor, "GBP")).replace("\N{NO-BREAK SPACE}", " ")


def drawn(page: Any, chart: str) -> dict[str, Any]:
    """What a chart is drawn from."""
    found = re.search(rf'<script id="{chart}" type="application/json">(.*?)</script>', page.content.decode(), re.DOTALL)
    assert found, text_of(page)
    return json.loads(found[1])


class TestWhereTheMoneyWent:
    """/orders/<id>/money"""

    @pytest.mark.parametrize("who", ["buyer", "seller", "operator"])
    def test_says_what_the_proof_says_in_words_and_as_a_picture(
        self, sale: FullSale, operator: Account, customer: Customer, browser: Callable[[Account], Client], who: str
    ) -> None:
        viewer = operator if who == "operator" else getattr(sale, who)
        proof = Api(viewer).get(f"/orders/{sale.order.public_id}/money").json()
        client = browser(viewer) if who == "operator" else customer(viewer)

        page = client.get(f"/orders/{sale.order.public_id}/money")

        said = text_of(page)
        for share in proof["shares"]:
            assert gbp(share["amount"]) in said
        assert f"Given back to whoever paid {gbp(33_33)}" in said
        assert f"Together, which is what was paid {gbp(100_00)}" in said
        assert "Adds up to the cent" in said
        flows = drawn(page, "money-flow")["series"][0]["links"]
        titles = {flow["source"] for flow in flows}
        ends = [flow for flow in flows if flow["target"] not in titles]
        assert sum(flow["value"] for flow in ends) == proof["paid"] == 100_00
        there = page.content.decode()
        assert all(f'id="{flow["url"].removeprefix("#")}"' in there for flow in ends)

    def test_names_others_only_as_the_proof_does(self, sale: FullSale, customer: Customer) -> None:
        path = f"/orders/{sale.order.public_id}/money"
        others = [sale.world.brought_buyer, sale.world.brought_them, *sale.world.agents.values()]

        bought, sold_ = text_of(customer(sale.buyer).get(path)), text_of(customer(sale.seller).get(path))

        assert sale.sharer.name in sold_
        assert sale.sharer.name not in bought
        assert "Cashback for the buyer" in bought
        assert not [one.name for one in others if one.name in bought + sold_]

    def test_operators_read_the_whole_with_its_rules(self, sale: FullSale, browser: Any, operator: Account) -> None:
        page = browser(operator).get(f"/orders/{sale.order.public_id}/money")

        said = text_of(page)
        assert all(agent.name in said for agent in sale.world.agents.values())
        assert "Nobody's part, agent of level 1: vacant." in said
        assert "by the rule marketplace v1: default" in said
        assert "/explain/trf_" in page.content.decode()

    def test_is_nobody_elses(self, sale: FullSale, customer: Customer, visitor: Client) -> None:
        path = f"/orders/{sale.order.public_id}/money"
        for other in (sale.sharer, sale.world.agents[3], make_account()):
            assert customer(other).get(path).status_code == 404
        assert visitor.get(path)["Location"] == f"/log-in?next={path.replace('/', '%2F')}"

    def test_is_a_press_away_from_the_order(self, sale: FullSale, customer: Customer) -> None:
        order = sale.order.public_id
        for who, path in ((sale.buyer, f"/orders/{order}"), (sale.seller, f"/sell/orders/{order}")):
            assert f'href="/orders/{order}/money"' in customer(who).get(path).content.decode()

    def test_says_what_is_on_its_way(self, buyer: Account, seller: Account, customer: Customer) -> None:
        fill(buyer, 10_00)
        book()
        order = paid_order(buyer, seller)

        said = text_of(customer(seller).get(f"/orders/{order.public_id}/money"))

        assert "In the book Not all yet" in said
        assert "Some of this is on its way into the book" in said
        assert "being booked" in said

    def test_takes_as_many_statements_for_many_parts_as_for_few(
        self, sale: FullSale, customer: Customer, statements: Any
    ) -> None:
        client, path = customer(sale.seller), f"/orders/{sale.order.public_id}/money"
        for minor in (10, 20, 30):
            refund(sale.order, minor)
        book()
        with statements() as seen:
            client.get(path)
        assert len(seen) <= 22, str(seen)


class TestEarnings:
    """/earnings, for any role"""

    def shown(self, page: Any) -> dict[str, str]:
        said = re.findall(r"<dt>([^<]+)</dt>\s*<dd>(?:<a[^>]*>)?([^<]+)", page.content.decode())
        return dict(said)

    def test_sums_are_those_of_the_list_of_the_api(self, sale: FullSale, customer: Customer) -> None:
        complete(sale.order)
        for who in (sale.seller, sale.sharer, sale.buyer, sale.world.agents[3], sale.world.brought_buyer):
            rows = Api(who).get("/earnings").json()["results"]
            shown = self.shown(customer(who).get("/earnings"))
            for state, title in (("pending", "On its way"), ("released", "Paid out")):
                assert shown[title] == say_money(
                    Money(sum(row["amount"] for row in rows if row["status"] == state), "GBP")
                )
            gone = sum(row["original"] - row["amount"] for row in rows)
            assert shown["Taken back"] == say_money(Money(gone, "GBP"))

    def test_says_when_what_is_pending_comes(self, sale: FullSale, customer: Customer) -> None:
        client = customer(sale.seller)
        assert "Once the orders are completed" in text_of(client.get("/earnings"))

        complete(sale.order)

        page = client.get("/earnings")
        said = text_of(page)
        earning = Earning.objects.get(order=sale.order.public_id, kind="sale")
        assert "Once the orders are completed" not in said
        assert f'<time datetime="{earning.releases_at:%Y-%m-%d}">' in page.content.decode()
        assert "The sale, less the platform" in said

    def test_says_why_something_is_held(self, sale: FullSale, customer: Customer) -> None:
        found = WonLine.objects.get(order=sale.order.public_id)
        now = clock.now()
        WonLine.objects.filter(pk=found.pk).update(
            held_at=now, held_until=now, hold_reasons=[{"guard": "burst", "orders": 99, "within_seconds": 600}]
        )
        said = text_of(customer(sale.sharer).get("/earnings"))
        assert "One code brought more orders within minutes than is usual." in said

    def test_says_what_is_owed(self, sale: FullSale, customer: Customer) -> None:
        Debt.objects.create(
            owner=sale.seller, currency="GBP", amount_minor=500, repaid_minor=120, subject="ord_x", event_id=1,
            opened_at=clock.now(),
        )  # fmt: skip
        assert self.shown(customer(sale.seller).get("/earnings"))["You owe"] == say_money(Money(380, "GBP"))

    def test_who_has_nothing_is_told_what_to_do(self, buyer: Account, customer: Customer) -> None:
        assert "You have not earned anything yet" in text_of(customer(buyer).get("/earnings"))

    def test_goes_on_behind_the_first_rows_in_as_many_statements(
        self, sale: FullSale, customer: Customer, statements: Any, settings: Any
    ) -> None:
        client = customer(sale.sharer)
        with statements() as few:
            client.get("/earnings")
        share = WonLine.objects.get(order=sale.order.public_id).share
        for _ in range(3):
            sold(share)
        settings.EARNINGS_PER_PAGE = 2
        with statements() as many:
            page = client.get("/earnings")
        assert len(many) == len(few) <= 14, str(many)
        following = re.search(r'rel="next" href="([^"]+)"', page.content.decode())
        assert following
        older = client.get(following[1].replace("&amp;", "&"))
        assert sale.order.public_id in text_of(older)
        assert sale.order.public_id not in text_of(page)

    @pytest.mark.parametrize("query", ["after=x", "currency=XXX", "role=king", "status=%00", "after=" + "A" * 500])
    def test_a_broken_address_is_no_hindrance(self, sale: FullSale, customer: Customer, query: str) -> None:
        assert customer(sale.seller).get(f"/earnings?{query}").status_code in (200, 400)


class TestAgent:
    """/agent"""

    def test_shows_areas_stores_vacancies_and_why_of_each_part(
        self, sale: FullSale, customer: Customer, statements: Any
    ) -> None:
        agent = sale.world.agents[3]
        client = customer(agent)

        with statements() as seen:
            page = client.get("/agent")

        assert len(seen) <= 20, str(seen)
        said = text_of(page)
        (part,) = Api(agent).get("/distribution/allocations").json()["results"]
        assert "Area N11" in said
        assert "Corner" in said
        assert part["why"] in said
        assert gbp(part["amount"]) in said
        months = drawn(page, "month-chart")["series"]
        assert sum(sum(one["data"]) for one in months) == part["amount"]

    def test_names_the_vacant_areas_beside_and_not_those_with_an_agent(
        self, sale: FullSale, customer: Customer
    ) -> None:
        areas = sale.world.areas
        for code in ("N12", "N13"):
            areas[code] = type(areas["N11"]).objects.create(
                scheme_id="ZZ", code=code, name=f"Area {code}", level=3, level_name="district", parent=areas["N1"]
            )
        appoint_agent(area=areas["N13"], account=make_account(), from_at=None, actor=clerk(), now=clock.now())
        place_store(make_account(side="seller"), areas["N12"], clock.now())

        said = text_of(customer(sale.world.agents[3]).get("/agent"))

        assert "Area N12 1 store" in said
        assert "Area N13" not in said

    def test_draws_its_border_those_beside_it_and_the_stores_within(
        self, customer: Customer, tmp_path: Path, seller: Account
    ) -> None:
        load_areas(tmp_path, shapes={**SQUARES, "12": (0, 0.5, 1, 1)})
        agent, west = make_account(), Area.objects.get(code="11")
        appoint_agent(area=west, account=agent, from_at=None, actor=clerk(), now=clock.now())
        store = place_store(seller, west, clock.now())
        store.latitude, store.longitude = 0.25, 0.5
        store.save(update_fields=["latitude", "longitude"])

        page = customer(agent).get("/agent").content.decode()

        drawn_as = re.findall(r'<path class="map-(\w+)" fill-rule="evenodd" d="(M[^"]+Z)"', page)
        assert [kind for kind, _path in drawn_as].count("own") == 1
        assert [kind for kind, _path in drawn_as].count("vacant") == 1
        own = next(path for kind, path in drawn_as if kind == "own")
        points = [tuple(map(float, pair.split())) for pair in own.strip("MZ").split("L")]
        dot = re.search(r'map-dot-store"><circle cx="([\d.]+)" cy="([\d.]+)"', page)
        assert dot
        for axis in (0, 1):
            sides = [point[axis] for point in points]
            assert min(sides) < float(dot[axis + 1]) < max(sides)
            assert float(dot[axis + 1]) == pytest.approx((min(sides) + max(sides)) / 2, abs=2)

    def test_a_store_more_asks_no_more(self, sale: FullSale, customer: Customer, statements: Any) -> None:
        client = customer(sale.world.agents[2])
        client.get("/agent")  # The first look reads the borders, once for the process.
        with statements() as few:
            client.get("/agent")
        for _ in range(3):
            place_store(make_account(side="seller"), sale.world.areas["N11"], clock.now())
        with statements() as many:
            client.get("/agent")
        assert len(many) == len(few), str(many)

    def test_who_is_no_agent_is_told_how_one_becomes_one(self, buyer: Account, customer: Customer) -> None:
        assert "You look after no area" in text_of(customer(buyer).get("/agent"))


class TestNetwork:
    """/network"""

    def test_shows_who_came_what_levels_brought_and_the_code(self, sale: FullSale, customer: Customer) -> None:
        first = sale.world.brought_buyer
        rows = Api(first).get("/distribution/allocations").json()["results"]

        page = customer(first).get("/network")

        said = text_of(page)
        assert sale.buyer.name in said
        assert gbp(sum(row["amount"] for row in rows if row["role"] == "referrer")) in said
        assert first.referral_code in said
        assert f"/register?referral_code={first.referral_code}" in said
        assert sale.order.public_id not in said
        assert f"You came through {sale.world.brought_them.name}." in said

    def test_leads_from_one_to_the_next_as_far_as_one_is_paid(self, sale: FullSale, customer: Customer) -> None:
        second, first, buyer = sale.world.brought_them, sale.world.brought_buyer, sale.buyer
        came(clock.now(), through=buyer)
        client = customer(second)
        assert "1 came through them" in text_of(client.get("/network"))

        branch = client.get(f"/network/{first.public_id}", headers={"HX-Request": "true"})
        whole = client.get(f"/network/{first.public_id}")

        assert buyer.name in text_of(branch)
        assert "<html" not in branch.content.decode()
        assert buyer.name in text_of(whole)
        assert "came through them" not in text_of(branch)  # On the last level nobody is told how many follow.
        assert client.get(f"/network/{buyer.public_id}").status_code == 404
        assert client.get(f"/network/{sale.sharer.public_id}").status_code == 404

    def test_many_are_shown_page_by_page_in_as_many_statements(
        self, sale: FullSale, customer: Customer, statements: Any, settings: Any
    ) -> None:
        first, client = sale.world.brought_buyer, customer(sale.world.brought_buyer)
        with statements() as few:
            client.get("/network")
        brought = [came(clock.now(), through=first) for _ in range(3)]
        settings.PEOPLE_PER_PAGE = 2
        with statements() as many:
            page = client.get("/network")
        assert len(many) == len(few) <= 14, str(many)
        assert brought[0].name not in text_of(page)
        following = re.search(r'rel="next" href="([^"]+)"', page.content.decode())
        assert following
        assert brought[0].name in text_of(client.get(following[1]))

    def test_who_has_brought_nobody_is_shown_how(self, buyer: Account, customer: Customer) -> None:
        assert "Nobody yet Show your code" in text_of(customer(buyer).get("/network"))
