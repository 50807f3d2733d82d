"""Where an order's money went, by whom and why: the proof's own figures, to the cent, for each who may look."""

from collections import Counter
from typing import Any

import pytest

from accounts.models import Account
from core.errors import NotFound
from proofs.where_it_went import BACK, FEE, PAYER, SALE, WhereItWent, where_it_went
from tests.conftest import Api
from tests.proofs.full_sale import FullSale, full_sale
from tests.proofs.world import book, paid_order

pytestmark = pytest.mark.django_db


@pytest.fixture
def sale(database: None) -> FullSale:
    made = full_sale(refunded_minor=33_33)
    book()
    return made


def look(sale: FullSale, viewer: Account) -> WhereItWent:
    return where_it_went(sale.order.public_id, visible_to=viewer)


def part(story: WhereItWent, name: str) -> Any:
    (found,) = (part for part in story.parts if part.party == name)
    return found


class TestWhereItWent:
    """A picture, a list and the proof say the same."""

    @pytest.mark.parametrize("who", ["buyer", "seller", "operator"])
    def test_everybody_sees_the_proofs_own_figures(self, sale: FullSale, operator: Account, who: str) -> None:
        viewer = operator if who == "operator" else getattr(sale, who)
        proof = Api(viewer).get(f"/orders/{sale.order.public_id}/money").json()

        story = look(sale, viewer)

        shown: Counter[str] = Counter()
        for one in story.parts:
            shown[one.party] += one.amount_minor
        proved: Counter[str] = Counter()
        for share in proof["shares"]:
            proved[share["party"]] += share["amount"]
        assert shown == proved
        assert sum(shown.values()) + proof["refunded"] == proof["paid"] == 100_00
        assert proof["balanced"]
        assert proof["booked"]

    @pytest.mark.parametrize("who", ["buyer", "seller", "operator"])
    def test_what_flows_in_flows_out_and_ends_with_somebody(self, sale: FullSale, operator: Account, who: str) -> None:
        viewer = operator if who == "operator" else getattr(sale, who)
        story = look(sale, viewer)
        into: Counter[str] = Counter()
        out: Counter[str] = Counter()
        for flow in story.flows:
            into[flow.target] += flow.minor
            out[flow.source] += flow.minor
            assert flow.part is None or story.parts[flow.part].amount_minor == flow.minor

        assert out[PAYER] == 100_00
        assert into[BACK] == 33_33
        for between in {SALE, FEE} & set(into):
            assert into[between] == out[between]
        assert {SALE, FEE} <= set(into) or viewer == sale.buyer
        ends = {one.target for one in story.flows} - {SALE, FEE}
        assert sum(into[end] for end in ends) == 100_00

    def test_operators_read_why_of_everybody_and_by_which_rule(self, sale: FullSale, operator: Account) -> None:
        story = look(sale, operator)

        agents = [one for one in story.parts if one.party == "agent"]
        assert {one.name for one in agents} == {agent.name for agent in sale.world.agents.values()}
        for one in story.parts:
            if one.party not in ("platform",):
                assert sum(reason.amount_minor for reason in one.reasons) == one.amount_minor, one
        assert {reason.why[:13] for one in agents for reason in one.reasons} == {"Agent of ZZ:N"}
        assert [reason.why for reason in part(story, "platform").reasons] == [
            "Nobody's part, agent of level 1: vacant."
        ]
        (brought,) = part(story, "share_charge").reasons
        assert (brought.won.share.sharer, brought.won_by) == (sale.sharer, "last_touch")
        assert {step.rule.rule for step in story.steps if step.rule} == {"default"}
        assert all(step.transfers for step in story.steps)

    def test_a_seller_reads_who_brought_the_customer_and_nothing_of_the_agents(self, sale: FullSale) -> None:
        story = look(sale, sale.seller)

        assert [one.party for one in story.parts if one.account] == ["seller", "share_charge"]
        assert part(story, "share_charge").name == "Sam Sharer"
        assert part(story, "seller").reasons
        assert part(story, "others").reasons == ()
        assert all(step.rule is None for step in story.steps)

    def test_a_buyer_reads_its_own_part_and_no_names(self, sale: FullSale) -> None:
        story = look(sale, sale.buyer)

        assert [one.party for one in story.parts if one.account] == ["cashback"]
        (cashback,) = part(story, "cashback").reasons
        assert cashback.why.startswith("Cashback for the buyer: 10 % of the pool")
        assert part(story, "share_charge").reasons == ()
        assert {flow.source for flow in story.flows} == {PAYER}

    def test_nobody_else_may_look(self, sale: FullSale) -> None:
        for other in (sale.sharer, sale.world.agents[3], sale.world.brought_buyer):
            with pytest.raises(NotFound):
                look(sale, other)

    def test_what_is_not_booked_yet_is_said(self, rich_buyer: Account, seller: Account) -> None:
        order = paid_order(rich_buyer, seller)

        story = where_it_went(order.public_id, visible_to=seller)

        assert not story.money.booked
        assert [(step.event.type, list(step.transfers)) for step in story.steps] == [("order.paid", [])]
        assert sum(one.amount_minor for one in story.parts) == 1000
