"""Receipts of paid trades: what they say, in which forms, and how they prove themselves."""

import re
import zlib
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import Account
from catalog.models import Store
from orders.counter.receipts.codes import read_code, sign_receipt
from orders.counter.receipts.texts import columns_of, spread, wrap
from orders.models import Order
from tests.orders.counter.test_trades import refusal_of
from tests.orders.counter.till import Till, make_till, pay_code, tea
from tests.qr_reader import read_qr, read_qr_in_pdf, text_of_pdf

TEXT = {"accept": "text/plain"}
PDF = {"accept": "application/pdf"}
NAMES = ["东方茶叶商店", "Чайная лавка", "متجر الشاي", "चाय की दुकान", "ร้านน้ำชา", "한국 찻집", "Τσάι"]


@pytest.fixture
def paid(till: Till, customer: Account) -> dict[str, Any]:
    """A paid trade of two lines, 19.50 GBP."""
    trade = till.sell(tea(2), {"description": "Cup", "quantity": 1, "unit_amount": 150}, pay_code=pay_code(customer))
    assert trade.json()["status"] == "paid"
    return trade.json()


def receipt(till: Till, trade: dict[str, Any], query: Any = None, **headers: str) -> Any:
    return till.get(f"/terminal/trades/{trade['trade_no']}/receipt", query, **headers)


def give_back(till: Till, trade: dict[str, Any], amount: int) -> None:
    body = {"sequence": next(till.sequences), "amount": amount, "reason": "Cold."}
    assert till.post(f"/terminal/trades/{trade['trade_no']}/refunds", body).status_code == 201


class TestWhatAReceiptSays:
    """GET /terminal/trades/<trade_no>/receipt, GET /trades/<trade_no>/receipt"""

    def test_it_says_what_paper_says_and_not_who_bought(
        self, till: Till, paid: dict[str, Any], customer: Account, seller: Account
    ):
        said = receipt(till, paid).json()

        assert said == {
            "number": f"{paid['trade_no'][-8:-4]}-{paid['trade_no'][-4:]}",
            "url": paid["receipt"],
            "qr_svg": said["qr_svg"],
            "store_name": "Corner",
            "address": "",
            "seller_name": seller.name,
            "terminal_name": "Till 1",
            "sequence": 1,
            "lines": [
                {"id": line["id"], "title": title, "quantity": n, "unit_amount": one, "amount": all_, "refunded": 0}
                for line, (title, n, one, all_) in zip(
                    paid["lines"], [("Tea, loose", 2, 900, 1800), ("Cup", 1, 150, 150)], strict=True
                )
            ],
            "amount": 1950,
            "currency": "GBP",
            "refunded": 0,
            "refunds": [],
            "paid_at": paid["paid_at"],
        }
        forms = [receipt(till, paid, **accept).content for accept in ({}, TEXT)]
        for form in [*map(bytes.decode, forms), text_of_pdf(receipt(till, paid, **PDF).content)]:
            assert customer.name not in form
            assert customer.public_id not in form
            assert paid["trade_no"] not in form

    def test_the_customer_gets_the_same(self, till: Till, paid: dict[str, Any], customer: Account, api: Any):
        own = api(customer).get(f"/trades/{paid['trade_no']}/receipt")
        assert own.json() == receipt(till, paid).json()

    def test_it_is_nobody_elses(
        self, paid: dict[str, Any], other_store: Store, new_account: Any, seller: Account, api: Any
    ):
        path = f"/trades/{paid['trade_no']}/receipt"
        assert refusal_of(api(new_account()).get(path)) == (404, "not_found")
        assert refusal_of(api(seller).get(path)) == (403, "forbidden")
        assert refusal_of(api().get(path)) == (401, "not_authenticated")
        assert refusal_of(receipt(make_till(other_store), paid)) == (404, "not_found")

    def test_what_is_not_paid_has_none(self, till: Till):
        unpaid = till.sell().json()
        assert unpaid["receipt"] is None
        for accept in ({}, TEXT, PDF):
            assert refusal_of(receipt(till, unpaid, **accept)) == (409, "trade_not_paid")

    def test_a_refund_changes_it_in_every_form(self, till: Till, paid: dict[str, Any]):
        give_back(till, paid, 650)
        give_back(till, paid, 1)

        said = receipt(till, paid).json()
        assert said["refunded"] == 651
        assert [refund["amount"] for refund in said["refunds"]] == [650, 1]
        assert sum(line["refunded"] for line in said["lines"]) == 651
        for form in (receipt(till, paid, **TEXT).content.decode(), text_of_pdf(receipt(till, paid, **PDF).content)):
            words = form.replace("−", "-").split()
            assert {"19.50", "-6.50", "-0.01", "12.99"} <= set(words)


class TestTheTextForPrinters:
    def test_it_is_as_wide_as_the_printer_and_no_wider(self, till: Till, paid: dict[str, Any]):
        assert receipt(till, paid, {"width": "32"}, **TEXT).content.decode() == (
            "             Corner\n"
            f"{('Sold by ' + paid['seller']['name']).center(32).rstrip()}\n"
            f"{'-' * 32}\n"
            f"{paid['paid_at'][:10]} {paid['paid_at'][11:16]} UTC   {paid['trade_no'][-8:-4]}-{paid['trade_no'][-4:]}\n"
            "Till 1                        #1\n"
            f"{'-' * 32}\n"
            "Tea, loose\n"
            "  2 x 9.00                 18.00\n"
            "Cup\n"
            "  1 x 1.50                  1.50\n"
            f"{'-' * 32}\n"
            "PAID GBP                   19.50\n"
            f"{'-' * 32}\n"
            "Genuine? Scan the code, or open\n"
        ) + "".join(f"{paid['receipt'][i : i + 32]}\n" for i in range(0, len(paid["receipt"]), 32))

    @pytest.mark.parametrize("width", [32, 42, 48])
    def test_chinese_characters_take_two_columns(self, till: Till, customer: Account, store: Store, width: int):
        Store.objects.filter(pk=store.pk).update(
            name="东方茶叶商店", address="上海市黄浦区南京东路一百二十三号四楼五室"
        )
        line = {"description": "西湖龙井茶叶特级明前手工炒制礼盒装二百五十克", "quantity": 3, "unit_amount": 900}
        trade = till.sell(line, pay_code=pay_code(customer)).json()

        lines = receipt(till, trade, {"width": width}, **TEXT).content.decode().splitlines()

        widths = [sum(2 if ord(character) > 0x2E7F else 1 for character in line) for line in lines]
        assert max(widths) == width
        assert lines[0] == " " * ((width - 12) // 2) + "东方茶叶商店"
        assert "".join(lines[1:3]).replace(" ", "").startswith("上海市黄浦区南京东路一百二十三号四楼五室"[:16])

    @pytest.mark.parametrize("width", ["31", "forty", "-1", ""])
    def test_other_widths_are_refused(self, till: Till, paid: dict[str, Any], width: str):
        assert refusal_of(receipt(till, paid, {"width": width}, **TEXT)) == (422, "invalid_choice")

    def test_a_title_commands_no_printer(self, till: Till, customer: Account):
        line = {"description": "Tea\x1b@\x1dV\u202e eert", "quantity": 1, "unit_amount": 900}
        trade = till.sell(line, pay_code=pay_code(customer)).json()

        printed = receipt(till, trade, **TEXT).content.decode()

        assert "Tea @ V eert\n" in printed
        assert all(character == "\n" or character.isprintable() for character in printed)

    @given(
        st.text(max_size=60), st.text(alphabet="0123456789.", min_size=1, max_size=20), st.sampled_from([32, 42, 48])
    )
    def test_no_line_is_ever_too_wide(self, left: str, right: str, width: int):
        assert all(columns_of(line) <= width for line in spread(left, right, width))
        assert "".join(wrap(left, width)).replace(" ", "") == "".join(wrap(left, 10_000)).replace(" ", "")


class TestThePDF:
    @pytest.mark.parametrize("name", NAMES)
    def test_names_in_any_script_have_their_glyphs_in_it(self, till: Till, customer: Account, store: Store, name: str):
        Store.objects.filter(pk=store.pk).update(name=name)
        answer = receipt(till, till.sell(pay_code=pay_code(customer)).json(), **PDF)

        assert answer["Content-Type"] == "application/pdf"
        assert glyphs_missing(answer.content) == 0

    def test_a_character_that_no_font_has_would_be_noticed(self, till: Till, customer: Account, store: Store):
        Store.objects.filter(pk=store.pk).update(name="\U000e1234\U000e1235")
        assert glyphs_missing(receipt(till, till.sell(pay_code=pay_code(customer)).json(), **PDF).content) > 0

    def test_what_sellers_write_is_text_and_not_typst(self, till: Till, customer: Account):
        line = {"description": '#read("receipt.typ") *x* $1$ \\ "', "quantity": 1, "unit_amount": 900}
        trade = till.sell(line, pay_code=pay_code(customer)).json()
        assert '#read("receipt.typ") *x* $1$ \\ "' in text_of_pdf(receipt(till, trade, **PDF).content)

    def test_many_lines_take_several_pages(self, till: Till, customer: Account):
        lines = [{"description": f"Thing {n}", "quantity": 1, "unit_amount": 1} for n in range(200)]
        trade = till.sell(*lines, pay_code=pay_code(customer)).json()
        said = text_of_pdf(receipt(till, trade, **PDF).content)
        assert all(f"Thing {n}" in said for n in range(200))


STREAM = re.compile(rb"stream\r?\n(.*?)\r?\nendstream", re.DOTALL)
SHOWN = re.compile(rb"\(((?:\\.|[^\\)])*)\)", re.DOTALL)
ESCAPED = re.compile(rb"\\([0-7]{3}|.)", re.DOTALL)
PLAIN = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f"}


def glyphs_missing(pdf: bytes) -> int:
    """How many characters are drawn with the first glyph of a font: the empty box for what it does not have."""
    return sum(glyph == b"\0\0" for page in pages_of(pdf) for text in shown_on(page) for glyph in pairs_of(text))


def pages_of(pdf: bytes) -> Iterator[bytes]:
    """The streams that draw text."""
    for packed in STREAM.findall(pdf):
        with suppress(zlib.error):
            stream = zlib.decompress(packed)
            if b" Tm" in stream:
                yield stream


def shown_on(page: bytes) -> Iterator[bytes]:
    for text in SHOWN.findall(page):
        yield ESCAPED.sub(lambda m: bytes([int(m[1], 8)]) if len(m[1]) == 3 else PLAIN.get(m[1], m[1]), text)


def pairs_of(text: bytes) -> Iterator[bytes]:
    """Glyphs are numbers of two bytes."""
    yield from (text[place : place + 2] for place in range(0, len(text), 2))


class TestTheCode:
    """What the QR code on a receipt holds."""

    def test_another_library_reads_the_receipts_address_off_screen_and_paper(self, till: Till, paid: dict[str, Any]):
        assert read_qr(receipt(till, paid).json()["qr_svg"]) == paid["receipt"]
        assert read_qr_in_pdf(receipt(till, paid, **PDF).content) == paid["receipt"]

    def test_it_opens_the_receipt_and_nothing_else_does(self, paid: dict[str, Any], client: Client):
        address = paid["receipt"].partition("/receipts/")[2]
        order = Order.objects.get().public_id
        assert read_code(address) == order
        for place, character in enumerate(address):
            forged = address[:place] + ("A" if character != "A" else "B") + address[place + 1 :]
            assert read_code(forged) is None
        for cut in (address[:-1], address + "A", address.lower(), address[:26], "", f"{address}\n"):
            assert read_code(cut) is None

    def test_it_outlives_a_change_of_the_secret_as_long_as_that_is_remembered(self, settings: Any):
        old, settings.SECRET_KEY = sign_receipt("ord_" + "0" * 26), "the next one"
        assert read_code(old) is None
        settings.SECRET_KEY_FALLBACKS = ["only for tests"]
        assert read_code(old) == "ord_" + "0" * 26
        assert sign_receipt("ord_" + "0" * 26) != old
