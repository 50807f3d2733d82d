"""What `verify_books` says of commissions: nothing where all is right, and what is wrong by name."""

from collections.abc import Iterator

import pytest

from core.registry import Finding, book_checks
from distribution.models import AllocatedLine, Allocation
from tests.distribution.money import World, plan, world
from tests.distribution.test_allocating import PRICE, refund, sell
from tests.money_facts import book
from wallets.models import Earning

ROOMS = ("distribution", "wallets", "orders")


@pytest.fixture
def behind(db: None) -> World:
    plan(vacancy="escrow")
    return world(agents=(1, 2))


def findings() -> Iterator[Finding]:
    for check in book_checks():
        if check.name.startswith(ROOMS):
            yield from check.run()


class TestTheChecks:
    """Rows, ledger and what waits are compared with each other."""

    @pytest.mark.parametrize("booked", [True, False])
    def test_find_nothing_where_all_is_right(self, behind: World, booked: bool) -> None:
        for minor in (1, PRICE // 3, PRICE):
            order = sell(behind)
            refund(order, minor)
            if booked:
                book()
        assert list(findings()) == []

    def test_find_an_allocation_that_was_made_larger(self, behind: World) -> None:
        sell(behind)
        Allocation.objects.filter(role="cashback").update(original_minor=9_999)
        assert {found.check for found in findings()} == {"allocated lines", "commissions"}

    def test_find_an_earning_that_was_made_smaller(self, behind: World) -> None:
        sell(behind)
        book()
        Earning.objects.filter(role="referrer").update(original_minor=1)
        assert "commissions" in {found.check for found in findings()}

    def test_find_what_vanished_from_escrow(self, behind: World) -> None:
        sell(behind)
        book()
        Allocation.objects.exclude(escrow="").update(escrow="escrow:elsewhere")
        assert [found.check for found in findings()] == ["escrow", "escrow"]

    def test_find_a_refund_that_one_line_has_not_seen(self, behind: World) -> None:
        order = sell(behind)
        refund(order, PRICE // 2)
        book()
        AllocatedLine.objects.update(gone_minor=0)
        assert "allocated lines" in {found.check for found in findings()}
