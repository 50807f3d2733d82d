"""Any sequence of refunds ends at zero for every party, and never books a negative step."""

from dataclasses import dataclass, field
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.actor import Actor
from core import clock
from core.registry import proof_lines
from orders.book_check import check_orders
from orders.models import OrderLine
from orders.refund_plan import plan_refund, spread
from orders.services import WantedRefundLine, refund_order
from tests.conftest import make_account
from tests.shop import offer, paid_order
from wallets.models import Earning

lines_ = st.lists(
    st.integers(1, 10**9).flatmap(lambda amount: st.tuples(st.just(amount), st.integers(0, amount))),
    min_size=1,
    max_size=6,
)


@dataclass
class Sale:
    """An order's lines without a database, and what everybody has got back of them."""

    lines: list[OrderLine]
    seller_minor: int = 0
    platform_minor: int = 0
    steps: list[int] = field(default_factory=list)

    @classmethod
    def of(cls, amounts: list[tuple[int, int]]) -> "Sale":
        return cls([OrderLine(id=n, amount_minor=a, fee_minor=f, unit_minor=a) for n, (a, f) in enumerate(amounts, 1)])

    @property
    def left_minor(self) -> int:
        return sum(line.refundable_minor for line in self.lines)

    def refund(self, amount_by_line: dict[int, int]) -> None:
        for step in plan_refund(amount_by_line, self.lines):
            self.steps += [step.net_minor, step.fee_minor]
            self.seller_minor += step.net_minor
            self.platform_minor += step.fee_minor
            step.line.refunded_minor += step.amount_minor


class TestAnySequenceOfRefunds:
    @given(amounts=lines_, data=st.data())
    @settings(max_examples=400, deadline=None)
    def test_ends_at_zero_for_every_party(self, amounts: list[tuple[int, int]], data: st.DataObject):
        sale = Sale.of(amounts)
        for _ in range(data.draw(st.integers(0, 8))):
            if not sale.left_minor:
                break
            self.some_refund(sale, data)
        if sale.left_minor:
            sale.refund(spread(sale.left_minor, sale.lines))

        assert min(sale.steps) >= 0
        assert sale.seller_minor == sum(amount - fee for amount, fee in amounts)
        assert sale.platform_minor == sum(fee for _amount, fee in amounts)
        assert sale.left_minor == 0

    def some_refund(self, sale: Sale, data: st.DataObject) -> None:
        if data.draw(st.booleans()):
            return sale.refund(spread(data.draw(st.integers(1, sale.left_minor)), sale.lines))
        line = data.draw(st.sampled_from([line for line in sale.lines if line.refundable_minor]))
        return sale.refund({line.id: data.draw(st.integers(1, line.refundable_minor))})

    @given(amounts=lines_, data=st.data())
    @settings(max_examples=300, deadline=None)
    def test_does_not_depend_on_the_steps_in_which_a_line_is_refunded(
        self, amounts: list[tuple[int, int]], data: st.DataObject
    ):
        """One penny at a time or all at once: of a line, everybody has given back the same."""
        at_once, in_steps = Sale.of(amounts[:1]), Sale.of(amounts[:1])
        total = data.draw(st.integers(1, amounts[0][0]))
        parts = sorted(data.draw(st.lists(st.integers(0, total), max_size=5)))

        at_once.refund({1: total})
        for before, after in zip([0, *parts], [*parts, total], strict=True):
            if after > before:
                in_steps.refund({1: after - before})

        assert (at_once.seller_minor, at_once.platform_minor) == (in_steps.seller_minor, in_steps.platform_minor)


class TestSpreading:
    @given(amounts=lines_, data=st.data())
    def test_sums_to_the_amount_and_exceeds_no_line(self, amounts: list[tuple[int, int]], data: st.DataObject):
        sale = Sale.of(amounts)
        wanted = data.draw(st.integers(1, sale.left_minor))

        parts = spread(wanted, sale.lines)

        assert sum(parts.values()) == wanted
        assert all(0 < parts[line.id] <= line.amount_minor for line in sale.lines if line.id in parts)


class TestThroughTheServices:
    @given(
        prices=st.lists(st.tuples(st.integers(1, 10_000), st.integers(1, 3)), min_size=1, max_size=3), data=st.data()
    )
    @settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    def test_paid_is_what_the_parties_have_and_what_is_refunded_at_every_step(
        self, db: Any, prices: list[tuple[int, int]], data: st.DataObject
    ):
        buyer, seller = make_account(side="buyer"), make_account(side="seller")
        order = paid_order(buyer, *[(offer(seller, price_minor=minor), quantity) for minor, quantity in prices])

        while order.refundable_minor:
            self.refund_some(order, seller, data)
            order.refresh_from_db()
            lines = list(proof_lines(order.public_id))
            assert sum(line.amount_minor for line in lines) + order.refunded_minor == order.paid_minor
            assert all(0 <= line.amount_minor <= line.original_minor for line in lines)
            assert list(check_orders()) == []

        assert Earning.objects.filter(order=order.public_id, status="pending").count() == 0
        assert all(line.amount_minor == 0 for line in proof_lines(order.public_id))

    def refund_some(self, order: Any, seller: Any, data: st.DataObject) -> None:
        how: dict[str, Any] = {"reason": "x", "actor": Actor.own(seller), "now": clock.now()}
        most = order.refundable_minor
        least = max(most // 3, 1)  # So that a handful of refunds gets there.
        line = data.draw(st.sampled_from([line for line in order.lines.order_by("id") if line.refundable_minor]))
        if data.draw(st.booleans()):
            refund_order(order=order.public_id, amount_minor=data.draw(st.integers(least, most)), **how)
        else:
            amount = data.draw(st.integers(max(line.refundable_minor // 2, 1), line.refundable_minor))
            refund_order(order=order.public_id, lines=[WantedRefundLine(line.public_id, amount, True)], **how)
