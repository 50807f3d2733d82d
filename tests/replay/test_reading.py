"""Reading a history: lines become invoices in the order of time, or are refused with a reason."""

import gzip
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from replay.reading import Assumptions, Customer, NotAHistory, read_history
from tests.replay.histories import ASSUMED, HEADING, NOW, cancellation, read, sale, write
from tests.sample_data import sample_file


class TestALine:
    """What cannot be a sale is refused with the number of its line in the file, and the others go on."""

    @pytest.mark.parametrize(
        ("line", "reason"),
        [
            ("1,TEA", "unreadable"),
            ("1,TEA,Te\0a,1,2025-01-01,10.00,7,France", "unreadable"),
            (",TEA,Tea,1,2025-01-01,10.00,7,France", "invoice_missing"),
            ("1,,Tea,1,2025-01-01,10.00,7,France", "stock_code_missing"),
            ("1,TEA,Tea,1,,10.00,7,France", "date_invalid"),
            ("1,TEA,Tea,1,01/12/2025,10.00,7,France", "date_invalid"),
            ("1,TEA,Tea,1,2026-05-02,10.00,7,France", "date_invalid"),
            ("1,TEA,Tea,1,0001-01-01T00:00+23:00,10.00,7,France", "date_invalid"),
            ("1,TEA,Tea,one,2025-01-01,10.00,7,France", "quantity_invalid"),
            ("1,TEA,Tea,1.5,2025-01-01,10.00,7,France", "quantity_invalid"),
            ("1,TEA,Tea,0,2025-01-01,10.00,7,France", "quantity_not_positive"),
            ("1,TEA,Tea,-3,2025-01-01,10.00,7,France", "quantity_not_positive"),
            ("C1,TEA,Tea,3,2025-01-01,10.00,7,France", "quantity_not_negative"),
            ("1,TEA,Tea,1,2025-01-01,dear,7,France", "price_invalid"),
            ("1,TEA,Tea,1,2025-01-01,NaN,7,France", "price_invalid"),
            ("1,TEA,Tea,1,2025-01-01,0,7,France", "price_not_positive"),
            ("1,TEA,Tea,1,2025-01-01,-1.00,7,France", "price_not_positive"),
            ("1,TEA,Tea,1,2025-01-01,0.001,7,France", "price_not_whole"),
            ("1,TEA,Tea,1,2025-01-01,1E+400,7,France", "amount_too_large"),
            ("1,TEA,Tea,3000000000,2025-01-01,10.00,7,France", "amount_too_large"),
            ("1,TEA,Tea,2,2025-01-01,90071992547409.91,7,France", "amount_too_large"),
        ],
    )
    def test_that_cannot_be_a_sale_is_refused(self, tmp_path: Path, line: str, reason: str) -> None:
        history = read(tmp_path, sale("8", "2025-01-01"), line, sale("9", "2025-01-02"))

        assert [(refused.line, refused.reason) for refused in history.refused] == [(3, reason)]
        assert [invoice.number for invoice in history.invoices] == ["8", "9"]

    def test_that_is_no_utf_8_is_refused(self, tmp_path: Path) -> None:
        path = write(tmp_path / "history.csv", sale("8", "2025-01-01"), sale("9", "2025-01-02"))
        path.write_bytes(path.read_bytes().replace(b"8,TEA,Tea", b"8,TEA,T\xe9\xe0"))

        history = read_history(path, assumed=ASSUMED, now=NOW)

        assert [(refused.line, refused.reason) for refused in history.refused] == [(2, "unreadable")]
        assert [invoice.number for invoice in history.invoices] == ["9"]

    def test_may_span_several_lines_of_the_file(self, tmp_path: Path) -> None:
        history = read(
            tmp_path, '1,TEA,"Tea\nof Assam",1,2025-01-01,10.00,7,France', sale("2", "2025-01-01", price="0")
        )

        assert history.invoices[0].lines[0].title == "Tea\nof Assam"
        assert history.refused[0].line == 4

    def test_without_a_description_is_called_by_its_stock_code(self, tmp_path: Path) -> None:
        history = read(tmp_path, "1,TEA,,1,2025-01-01,10.00,7,France")

        assert history.invoices[0].lines[0].title == "TEA"

    @pytest.mark.parametrize(("currency", "price", "minor"), [("JPY", "480", 480), ("KWD", "12.750", 12_750)])
    def test_is_counted_in_the_minor_units_of_its_currency(
        self, tmp_path: Path, currency: str, price: str, minor: int
    ) -> None:
        history = read(tmp_path, f"1,TEA,Tea,1,2025-01-01,{price},7,France,{currency}", heading=f"{HEADING},currency")

        assert history.invoices[0].currency == currency
        assert history.invoices[0].total_minor == minor

    @pytest.mark.parametrize("currency", ["XXX", "pounds"])
    def test_in_no_currency_is_refused(self, tmp_path: Path, currency: str) -> None:
        history = read(tmp_path, f"1,TEA,Tea,1,2025-01-01,1,7,France,{currency}", heading=f"{HEADING},currency")

        assert [refused.reason for refused in history.refused] == ["currency_invalid"]


class TestAnInvoice:
    """Lines of one number and seller are one invoice: of one customer, at one moment, in one currency."""

    def test_takes_its_lines_from_wherever_they_stand(self, tmp_path: Path) -> None:
        history = read(tmp_path, sale("1", "2025-01-01"), sale("2", "2025-01-01"), sale("1", "2025-01-01", code="MILK"))

        assert {i.number: [line.stock_code for line in i.lines] for i in history.invoices} == {
            "1": ["TEA", "MILK"],
            "2": ["TEA"],
        }

    def test_happened_when_its_first_line_says(self, tmp_path: Path) -> None:
        history = read(tmp_path, sale("1", "2025-01-01 10:00:00"), sale("1", "2025-01-01 10:01:00", code="MILK"))

        assert history.invoices[0].at == datetime(2025, 1, 1, 10, tzinfo=UTC)

    def test_happened_in_the_time_zone_that_is_assumed(self, tmp_path: Path) -> None:
        assumed = Assumptions("Shop", "GBP", ZoneInfo("Asia/Tokyo"))

        history = read(tmp_path, sale("1", "2025-01-01 10:00:00"), assumed=assumed)

        assert history.invoices[0].at == datetime(2025, 1, 1, 1, tzinfo=UTC)

    def test_is_of_one_customer_and_currency(self, tmp_path: Path) -> None:
        history = read(
            tmp_path,
            sale("1", "2025-01-01") + ",GBP",
            sale("1", "2025-01-01", customer="8") + ",GBP",
            sale("1", "2025-01-01") + ",EUR",
            heading=f"{HEADING},currency",
        )

        assert [(refused.line, refused.reason) for refused in history.refused] == [
            (3, "customer_differs"),
            (4, "currency_differs"),
        ]

    def test_without_a_customer_is_of_the_walk_in_customers_of_its_country(self, tmp_path: Path) -> None:
        history = read(tmp_path, sale("1", "2025-01-01", customer=""))

        assert history.invoices[0].customer == Customer("", "France")
        assert history.invoices[0].customer.name == "Walk-in customers, France"

    def test_of_two_sellers_is_two(self, tmp_path: Path) -> None:
        history = read(
            tmp_path,
            sale("1", "2025-01-01") + ",North",
            sale("1", "2025-01-01") + ",South",
            heading=f"{HEADING},seller",
        )

        assert [invoice.key for invoice in history.invoices] == [("North", "1"), ("South", "1")]

    def test_never_grows_beyond_what_can_be_paid(self, tmp_path: Path) -> None:
        history = read(
            tmp_path, sale("1", "2025-01-01", price="90071992547409.91"), sale("1", "2025-01-01", price="0.01")
        )

        assert history.invoices[0].total_minor == 2**53 - 1
        assert [(refused.line, refused.reason) for refused in history.refused] == [(3, "amount_too_large")]


class TestAHistory:
    """A file of invoices in any order comes back in the order of time."""

    def test_is_in_the_order_of_time_and_then_of_the_file(self, tmp_path: Path) -> None:
        history = read(
            tmp_path, sale("3", "2025-01-03"), sale("2", "2025-01-01"), sale("1", "2025-01-01"), sale("0", "2025-01-02")
        )

        assert [invoice.number for invoice in history.invoices] == ["2", "1", "0", "3"]

    def test_knows_cancellations_by_their_number(self, tmp_path: Path) -> None:
        history = read(tmp_path, sale("1", "2025-01-01", quantity=5), cancellation("2", "2025-01-02", quantity=3))

        assert [(invoice.is_cancellation, invoice.lines[0].quantity) for invoice in history.invoices] == [
            (False, 5),
            (True, 3),
        ]

    def test_counts_invoices_that_have_nothing_to_sell(self, tmp_path: Path) -> None:
        history = read(tmp_path, sale("1", "2025-01-01", price="0"), sale("2", "2025-01-01"))

        assert history.invoices_read == 2
        assert len(history.invoices) == 1

    def test_may_be_gzipped_with_columns_in_any_order_and_more_of_them(self, tmp_path: Path) -> None:
        path = tmp_path / "history.csv.gz"
        text = "\ufeffUnitPrice,shelf, Stock Code,invoice_no,QUANTITY,InvoiceDate\n2.50,A4,TEA,1,2,2025-01-01\n"
        path.write_bytes(gzip.compress(text.encode()))

        history = read_history(path, assumed=ASSUMED, now=NOW)

        assert history.invoices[0].total_minor == 500

    @pytest.mark.parametrize("text", ["", "invoice_no,quantity\n"])
    def test_needs_its_columns(self, tmp_path: Path, text: str) -> None:
        path = tmp_path / "history.csv"
        path.write_text(text)

        with pytest.raises(NotAHistory, match=r"missing: .*unit_price"):
            read_history(path, assumed=ASSUMED, now=NOW)

    def test_of_a_real_year_is_read_to_the_penny(self) -> None:
        history = read_history(sample_file("orders/online_retail.csv.gz"), assumed=ASSUMED, now=NOW)

        sales = [invoice for invoice in history.invoices if not invoice.is_cancellation]
        assert history.invoices_read == 12_468
        assert (len(sales), sum(sale.total_minor for sale in sales)) == (9_422, 470_038_211)
        assert [(r.line, r.detail) for r in history.refused if r.reason == "price_not_whole"] == [
            (157_197, "0.001 GBP is not a whole number of minor units.")
        ]
