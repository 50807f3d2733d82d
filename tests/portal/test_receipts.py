"""What somebody sees who scans the QR code on a receipt: it is genuine, with today's figures, or it is not ours."""

import logging
import re
from html import unescape
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.test import Client

from accounts.models import Account
from orders.counter.receipts.codes import sign_receipt
from tests.orders.counter.conftest import customer as customer
from tests.orders.counter.conftest import store as store
from tests.orders.counter.conftest import till as till
from tests.orders.counter.till import Till, pay_code, tea
from tests.portal.conftest import text_of
from tests.qr_reader import read_qr


@pytest.fixture
def paid(till: Till, customer: Account) -> dict[str, Any]:
    return till.sell(tea(2), pay_code=pay_code(customer)).json()


@pytest.fixture
def path(paid: dict[str, Any]) -> str:
    """What the QR code on the paper holds, without our own host."""
    return urlsplit(paid["receipt"]).path


class TestAGenuineReceipt:
    """/receipts/<code>"""

    def test_says_so_to_anybody_with_what_the_paper_says(
        self, visitor: Client, path: str, paid: dict[str, Any], customer: Account
    ) -> None:
        page = visitor.get(path)

        said = text_of(page)
        assert page.status_code == 200
        assert "Genuine." in said
        assert "Corner" in said
        assert "Tea, loose 2 × 9.00 GBP 18.00 GBP" in said
        assert "Paid 18.00 GBP" in said
        assert customer.name not in said
        assert paid["trade_no"] not in page.content.decode()

    def test_says_what_has_been_given_back_since_it_was_printed(
        self, visitor: Client, path: str, paid: dict[str, Any], till: Till
    ) -> None:
        assert "given back" not in text_of(visitor.get(path)).lower()
        body = {"sequence": 99, "amount": 450, "reason": "Cold."}
        till.post(f"/terminal/trades/{paid['trade_no']}/refunds", body)

        said = text_of(visitor.get(path))
        assert "2 × 9.00 GBP 4.50 GBP given back 18.00 GBP" in said
        assert "UTC −4.50 GBP Remains 13.50 GBP" in said
        assert "Cold." not in said  # Why is between the store and the customer.

    def test_shows_the_code_that_opens_it(self, visitor: Client, path: str, paid: dict[str, Any]) -> None:
        picture = re.search(r'class="qr qr-small" src="([^"]+)"', visitor.get(path).content.decode())
        assert picture
        assert read_qr(unescape(picture[1])) == paid["receipt"]

    def test_is_there_as_a_pdf_and_for_printers(self, visitor: Client, path: str) -> None:
        links = re.findall(r'href="(/receipts/[^"]+)"', visitor.get(path).content.decode())
        pdf, *texts = [visitor.get(link) for link in links]

        assert pdf.content.startswith(b"%PDF")
        assert [max(map(len, text.content.decode().splitlines())) for text in texts] == [32, 42, 48]
        assert visitor.get(f"{path}.txt?width=wide").content == texts[1].content

    def test_tells_nobody_where_it_was_opened(
        self, visitor: Client, path: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        with caplog.at_level(logging.DEBUG):
            answers = [visitor.get(path + form) for form in ("", ".pdf", ".txt")]

        assert "receipts/<str:code>" in caplog.text  # The log was listened to.
        assert path.rpartition("/")[2] not in caplog.text
        for answer in answers:
            assert answer["Referrer-Policy"] == "no-referrer"
            assert answer["Cache-Control"] == "no-store"
            assert "script-src 'self'" in answer["Content-Security-Policy"]
        assert 'name="robots" content="noindex"' in answers[0].content.decode()


class TestAForgedReceipt:
    def test_and_a_cut_one_get_the_same_plain_page(self, visitor: Client, path: str) -> None:
        forged = path[:-1] + ("A" if path[-1] != "A" else "B")
        of_another_order = path[:12] + ("A" if path[12] != "A" else "B") + path[13:]

        pages = [visitor.get(wrong) for wrong in (forged, of_another_order, path[:-5], "/receipts/x", f"{forged}.pdf")]

        assert {page.status_code for page in pages} == {404}
        assert len({text_of(page) for page in pages}) == 1
        assert "This is no receipt of ours" in text_of(pages[0])

    def test_whose_code_is_ours_but_whose_trade_was_never_paid_is_none_either(
        self, visitor: Client, till: Till
    ) -> None:
        unpaid = till.sell().json()
        page = visitor.get(f"/receipts/{sign_receipt(unpaid['order'])}")
        assert page.status_code == 404
        assert "This is no receipt of ours" in text_of(page)
