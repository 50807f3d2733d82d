"""A seller's items and their pictures in the browser."""

import io
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image

from accounts.actor import Actor
from accounts.models import Account
from catalog.models import Item
from catalog.services import open_store, take_stock
from core import clock
from tests.portal.conftest import csrf_token, hidden_fields, main_of, send, text_of
from tests.shop import offer

Customer = Callable[[Account], Client]

PAGES = (
    "/sell",
    "/sell/items",
    "/sell/items/new",
    "/sell/stores",
    "/sell/stores/new",
    "/sell/orders",
    "/sell/refund-requests",
    "/sell/programs",
    "/sell/earnings",
    "/sell/statement",
    "/sell/earnings.csv",
)
TEA = {"title": "Tea", "kind": "goods", "price": "10.50", "currency": "GBP", "description": "", "category": "tea"}


def picture(name: str = "tea.png", size: tuple[int, int] = (300, 300)) -> SimpleUploadedFile:
    written = io.BytesIO()
    Image.new("RGB", size, "teal").save(written, "PNG")
    return SimpleUploadedFile(name, written.getvalue(), "image/png")


def shown(client: Client, path: str) -> str:
    """What stands on a page beside the shell's own words."""
    page = client.get(path)
    assert page.status_code == 200, (path, page.status_code)
    return " ".join(re.sub(r"<[^>]+>", " ", main_of(page)).split())


class TestWhoMaySell:
    def test_others_are_told_where_to_go(self, visitor: Client, buyer: Account, customer: Customer) -> None:
        bought = customer(buyer)
        for path in PAGES:
            assert visitor.get(path)["Location"] == f"/log-in?next={path.replace('/', '%2F')}", path
            refused = bought.get(path)
            assert refused.status_code == 403, path
            assert "This page is for sellers" in text_of(refused)

    def test_a_new_seller_is_told_on_every_page_what_to_do(self, seller: Account, customer: Customer) -> None:
        client = customer(seller)
        said = {path: shown(client, path) for path in PAGES[:-1]}
        assert "You have no money here yet." in said["/sell"]
        assert "You offer nothing yet" in said["/sell/items"]
        assert "You have no store yet" in said["/sell/stores"]
        assert "No orders yet" in said["/sell/orders"]
        assert "Nothing waits for your answer" in said["/sell/refund-requests"]
        assert "No item of yours has a program" in said["/sell/programs"]
        assert "Nothing was booked" in said["/sell/statement"]
        links = re.findall(r'href="(/sell[^"#]*)"', client.get("/sell").content.decode())
        assert {"/sell/orders", "/sell/items", "/sell/stores", "/sell/earnings", "/sell/statement"} <= set(links)


class TestOwnItems:
    """/sell/items"""

    def test_are_listed_by_state_and_found_by_words_in_few_statements(
        self, seller: Account, new_account: Any, customer: Customer, statements: Any
    ) -> None:
        offer(seller, title="Green tea")
        offer(new_account(side="seller"), title="Stranger's tea")
        client, seen = customer(seller), []
        for _ in range(2):
            with statements() as counted:
                client.get("/sell/items")
            seen.append(len(counted))
            offer(seller, title="Cup", stock=0)
            offer(seller, title="Old pot", status="draft")
        assert seen[0] == seen[1] <= 7, str(counted)

        said = shown(client, "/sell/items")
        assert "All 5 Draft 2 On sale 3 Sold out 2" in said
        assert "Stranger" not in said
        assert "Old pot" in shown(client, "/sell/items?state=draft")
        assert "Green tea" not in shown(client, "/sell/items?state=sold_out")
        assert "Cup" not in shown(client, "/sell/items?search=green")
        assert "Nothing matches “yeti”" in shown(client, "/sell/items?search=yeti")
        assert client.get("/sell/items?state=nonsense").status_code == 200

    def test_go_on_on_further_pages(self, seller: Account, customer: Customer, settings: Any) -> None:
        settings.SELLERS_ROWS_PER_PAGE = 1
        offer(seller, title="Older"), offer(seller, title="Newer")
        client = customer(seller)
        first = client.get("/sell/items?state=on_sale")
        assert "Older" not in main_of(first)
        following = re.search(r'rel="next" href="([^"]+)"', main_of(first))
        assert following
        assert "Older" in shown(client, f"/sell/items{following[1].replace('&amp;', '&')}")


class TestOfferingAnItem:
    """/sell/items/new"""

    def test_puts_it_on_sale_or_keeps_it_as_a_draft_once_however_often_it_is_pressed(
        self, seller: Account, customer: Customer
    ) -> None:
        client, path = customer(seller), "/sell/items/new"
        page = client.get(path)
        form = {**dict(hidden_fields(page)), **TEA, "publish": "on", "stock": "3"}

        there = {client.post(path, form)["Location"] for _ in range(2)}

        item = Item.objects.get()
        assert there == {f"/sell/items/{item.public_id}"}
        assert (item.price_minor, item.stock, item.status, item.seller) == (1050, 3, "on_sale", seller)
        send(client, path, **{**TEA, "key": "another"})
        assert Item.objects.latest("pk").status == "draft"

    @pytest.mark.parametrize(
        ("wrong", "said"),
        [
            ({"price": "cheap"}, "Write an amount above zero"),
            ({"price": "0"}, "Write an amount above zero"),
            ({"price": "1.234"}, "Write an amount above zero"),
            ({"title": ""}, "This field is required."),
            ({"stock": "-1"}, "greater than or equal to 0"),
            ({"store": "sto_other"}, "Select a valid choice"),
        ],
    )
    def test_says_beside_the_field_what_is_wrong_and_loses_nothing(
        self, seller: Account, customer: Customer, wrong: dict[str, str], said: str
    ) -> None:
        answer = send(customer(seller), "/sell/items/new", **{**TEA, "key": "k", "description": "Kept words", **wrong})
        assert answer.status_code == 422
        assert said in text_of(answer)
        assert "Kept words" in answer.content.decode()
        assert not Item.objects.exists()


class TestOneItem:
    """/sell/items/<id>"""

    @pytest.fixture
    def tea(self, seller: Account) -> Item:
        return offer(seller, stock=5)

    @pytest.fixture
    def path(self, tea: Item) -> str:
        return f"/sell/items/{tea.public_id}"

    def test_is_changed_without_putting_back_what_was_sold_meanwhile(
        self, tea: Item, path: str, seller: Account, customer: Customer
    ) -> None:
        client = customer(seller)
        page = client.get(path)
        sent = {**dict(re.findall(r'name="([\w-]+)" value="([^"]*)"', main_of(page))), "kind": "service"}
        take_stock(units_by_item={tea.pk: 2})

        client.post(path, {**sent, "title": "Green tea", "currency": "GBP", "store": "", "price": "12"})

        tea.refresh_from_db()
        assert (tea.title, tea.kind, tea.price_minor, tea.stock) == ("Green tea", "service", 1200, 3)
        page = client.get(path)
        client.post(path, {**sent, "csrfmiddlewaretoken": csrf_token(page), "currency": "GBP", "stock": "9"})
        tea.refresh_from_db()
        assert tea.stock == 9

    def test_only_open_stores_are_offered(self, path: str, seller: Account, customer: Customer, tea: Item) -> None:
        store = open_store(name="Corner", actor=Actor.own(seller), now=clock.now())
        client = customer(seller)
        assert "Corner" in shown(client, path)
        send(client, path, **TEA, store=store.public_id, stock="5")
        tea.refresh_from_db()
        assert tea.store == store

    def test_is_withdrawn_and_put_on_sale_again(
        self, tea: Item, path: str, seller: Account, customer: Customer
    ) -> None:
        client = customer(seller)
        for status, said in (("paused", "It is withdrawn"), ("on_sale", "It is on sale now"), ("removed", "removed")):
            page = client.get(path)
            client.post(f"{path}/status", {"csrfmiddlewaretoken": csrf_token(page), "status": status})
            tea.refresh_from_db()
            assert tea.status == status
            assert said in shown(client, path)

    def test_is_its_sellers_only(self, tea: Item, path: str, new_account: Any, customer: Customer) -> None:
        other = customer(new_account(side="seller"))
        token = csrf_token(other.get("/sell/items/new"))
        assert other.get(path).status_code == 404
        assert "This is not one of your items." in text_of(other.get(path))
        for what in ("", "/status", "/pictures", "/program", "/program/end"):
            sent = {"csrfmiddlewaretoken": token, **TEA, "status": "removed", "pictures": picture()}
            assert other.post(f"{path}{what}", sent).status_code in (404, 422), what
        tea.refresh_from_db()
        assert (tea.status, tea.price_minor, tea.cover) == ("on_sale", 1000, "")


class TestPicturesOfAnItem:
    """/sell/items/<id>/pictures"""

    @pytest.fixture(autouse=True)
    def media(self, settings: Any, tmp_path: Any) -> None:
        settings.MEDIA_ROOT = tmp_path

    @pytest.fixture
    def tea(self, seller: Account) -> Item:
        return offer(seller)

    def upload(self, client: Client, item: Item, *files: SimpleUploadedFile) -> Any:
        token = csrf_token(client.get(f"/sell/items/{item.public_id}"))
        return client.post(
            f"/sell/items/{item.public_id}/pictures", {"csrfmiddlewaretoken": token, "pictures": list(files)}
        )

    def test_are_added_several_at_once_described_moved_and_removed(
        self, tea: Item, seller: Account, customer: Customer, visitor: Client
    ) -> None:
        client, path = customer(seller), f"/sell/items/{tea.public_id}"
        assert self.upload(client, tea, picture(), picture("b.png")).status_code == 302
        assert "The pictures are there." in text_of(client.get(path))
        first, second = tea.pictures.order_by("place")

        send(client, f"{path}/pictures/{second.public_id}", alt="A pot of tea")
        page = client.get(path)
        client.post(f"{path}/pictures/{second.public_id}/move", {"csrfmiddlewaretoken": csrf_token(page), "place": "0"})

        tea.refresh_from_db()
        assert tea.cover == second.public_id
        for seen in ("/", f"/items/{tea.public_id}"):
            assert f"/pictures/{second.public_id}/" in visitor.get(seen).content.decode(), seen
        assert 'alt="A pot of tea"' in visitor.get(f"/items/{tea.public_id}").content.decode()

        remove = f"{path}/pictures/{first.public_id}/remove"
        assert "It is deleted for good." in shown(client, remove)
        send(client, remove)
        assert [one.public_id for one in tea.pictures.all()] == [second.public_id]
        assert client.get(remove).status_code == 404

    def test_what_is_no_picture_is_named_and_the_others_are_there(
        self, tea: Item, seller: Account, customer: Customer
    ) -> None:
        script = SimpleUploadedFile("evil.png", b"<script>alert(1)</script>", "image/png")
        answer = self.upload(customer(seller), tea, picture(), script, picture("dot.png", (5, 5)))
        said = text_of(answer)
        assert answer.status_code == 422
        assert "evil.png: This is no picture that we can read." in said
        assert "dot.png: The picture is too small" in said
        assert tea.pictures.count() == 1

    def test_may_be_larger_than_what_is_typed_and_nothing_else_may(
        self, tea: Item, seller: Account, customer: Customer, settings: Any
    ) -> None:
        settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 500
        client = customer(seller)
        assert self.upload(client, tea, picture(size=(900, 900))).status_code == 302
        assert client.post(f"/sell/items/{tea.public_id}", {"title": "x" * 600}).status_code == 413
        settings.LARGE_BODIES = dict.fromkeys(settings.LARGE_BODIES, 100)
        assert self.upload(client, tea, picture()).status_code == 413
