"""Why this account: the path of every transfer, corrections included, and why no other rule was taken."""

from collections.abc import Callable
from typing import Any

import pytest

from accounts.models import Account
from billing.models import RuleSet
from core.ids import encode_key
from tests.billing.test_versions import activate, draft
from tests.conftest import Api
from tests.money_facts import account_id, book, pay, record, top_up

pytestmark = pytest.mark.django_db


def rule(name: str, fees: str, **match: str) -> dict[str, Any]:
    return {
        "name": name,
        "match": match,
        "transfers": [
            {"debit": "wallet:{payer}", "credit": "pending:{seller}", "amount": {"rest_of": "gross"}},
            {"debit": "wallet:{payer}", "credit": fees, "amount": "fee"},
        ],
    }


RULES = [
    rule("default", "platform:fees"),
    rule("store", "platform:fees:store", channel="store"),
    rule("bank", "platform:fees:bank", institution="ICBC"),
    rule("bank in the store", "platform:fees:both", channel="store", institution="ICBC"),
]


@pytest.fixture
def explained(operator: Account) -> Callable[[int], dict[str, Any]]:
    """Explain the first transfer of an event's journal."""

    def explain(event_id: int) -> dict[str, Any]:
        return Api(operator).get(f"/ledger/transfers/{encode_key('trf', event_id << 8)}/explain").json()

    return explain


@pytest.fixture
def ruled(new_account: Callable[..., Account]) -> RuleSet:
    return activate(draft(new_account(operator=True), **{"order.paid": RULES}), new_account(operator=True))


class TestExplaining:
    def sold(self, ruled: RuleSet, **parameters: str) -> int:
        payer = account_id()
        top_up(payer, 100)
        book()
        paid = pay(payer, account_id(), 100, 10, at=ruled.effective_from, **parameters)
        book()
        return paid.id

    def test_says_of_every_other_rule_why_it_was_not_taken(self, ruled: RuleSet, explained: Any) -> None:
        why = explained(self.sold(ruled, channel="store", institution="BOC"))

        assert why["path"] == ["order.paid", {"channel": "store"}, "store"]
        assert why["parameters"] == {"channel": "store", "institution": "BOC", "currency": "GBP"}
        assert {miss["rule"]: miss["why_not"] for miss in why["near_misses"]} == {
            "default": "less specific",
            "bank": "parameter institution is BOC",
            "bank in the store": "parameter institution is BOC",
        }
        assert why["rule_set"]["because"] == "in_force"
        assert (why["retried"], why["corrects"], why["batch"]["trigger"]) == (False, None, "manual")

    def test_calls_what_is_not_given_absent(self, ruled: RuleSet, explained: Any) -> None:
        why = explained(self.sold(ruled))

        assert {miss["rule"]: miss["why_not"] for miss in why["near_misses"]} == {
            "store": "parameter channel is absent",
            "bank": "parameter institution is absent",
            "bank in the store": "parameter channel is absent",
        }

    def test_says_that_the_version_is_that_of_a_retry(
        self, operator: Account, new_account: Any, explained: Any
    ) -> None:
        owner = account_id()
        parked = record("wallet.withdrawn", owner=owner, amount_minor=5, provider="local")
        book()
        later = activate(draft(new_account(operator=True)), new_account(operator=True))
        top_up(owner, 5)
        book()
        assert Api(operator).post(f"/billing/events/{parked.public_id}/retry").status_code == 200
        book()

        why = explained(parked.id)
        assert (why["retried"], why["rule_set"]["because"]) == (True, "retry")
        assert why["rule_set"]["version"] == later.version

    def test_says_that_the_version_is_that_of_what_is_taken_back(self, ruled: RuleSet, explained: Any) -> None:
        payer, seller = account_id(), account_id()
        top_up(payer, 100)
        book()
        pay(payer, seller, 100, 10, order="ord_1")  # Long before the version that is in force now.
        people = {"payer": payer, "buyer": payer, "seller": seller}
        refund = record(
            "order.refunded",
            subject="ord_1",
            undoes="order.paid:ord_1",
            net_minor=9,
            fee_minor=1,
            at=ruled.effective_from,
            **people,
        )
        book()

        why = explained(refund.id)
        assert (why["rule_set"]["version"], why["rule_set"]["because"], why["retried"]) == (1, "undone", False)

    @pytest.mark.parametrize("type_", ["journal.reversed", "journal.rebooked"])
    def test_leads_a_correction_back_to_what_it_corrects(self, operator: Account, explained: Any, type_: str) -> None:
        owner = account_id()
        first = top_up(owner, 100)
        book()
        version = RuleSet.objects.get()
        legs = [{"debit": f"wallet:{owner}", "credit": "clearing:local", "amount_minor": 100}]
        correction = record(
            type_,
            journal=encode_key("jrn", first.id),
            event=first.public_id,
            of=first.key,
            rule_set=version.public_id,
            rule="cash desk",
            legs=legs,
            reason="A slip of the pen.",
        )
        book()

        why = explained(correction.id)
        assert why["event"] == correction.public_id
        assert why["path"] == ["wallet.topped_up", {"provider": "local"}, "cash desk"]
        assert why["parameters"] == {"provider": "local", "currency": "GBP"}
        assert why["corrects"] == {
            "event": first.public_id,
            "journal": encode_key("jrn", first.id),
            "reason": "A slip of the pen.",
        }
        assert (why["rule_set"]["because"], why["near_misses"]) == (
            type_,
            [
                {"rule": "demo bank", "why_not": "parameter provider is local"},
                {"rule": "default", "why_not": "less specific"},
            ],
        )
        shown = Api(operator).get(f"/billing/events/{correction.public_id}").json()
        assert (shown["type"], shown["status"]) == (type_, "booked")
        journal = Api(operator).get(f"/ledger/journals/{encode_key('jrn', correction.id)}").json()
        assert journal["reverses"] == (encode_key("jrn", first.id) if type_ == "journal.reversed" else None)
