"""Documents of a rule set: what has another shape is refused when it is sent, with the path of each fault."""

import copy
from typing import Any

import pytest

from accounts.models import Account
from billing import booking
from billing.models import EventType
from events.services import Fact, record_facts
from ledger.models import LEGS_MAX
from tests.billing.test_versions import activate, draft
from tests.conftest import Api, make_account
from tests.money_facts import account_id, book

pytestmark = pytest.mark.django_db

LINE = {"debit": "cash:a", "credit": "cash:b", "amount": "gross"}
RULE = {"name": "default", "match": {}, "transfers": [LINE]}
ON_TYPE = "types.order.paid"


def document(*rules: Any, **fields: Any) -> dict[str, Any]:
    return {"name": "drawn up", "types": {"order.paid": list(rules)}} | fields


def rule(**changes: Any) -> dict[str, Any]:
    return copy.deepcopy(RULE) | changes


def line(**changes: Any) -> dict[str, Any]:
    return rule(transfers=[LINE, LINE | changes])


MALFORMED: list[tuple[Any, str]] = [
    ({"types": {}}, "name"),
    ({"name": "x"}, "types"),
    (document(name=7), "name"),
    (document(name="n" * 81), "name"),
    (document(colour=1), "colour"),
    (document(types=[]), "types"),
    (document(types={"order.paid": {}}), "types.order.paid"),
    (document(7), f"{ON_TYPE}.0"),
    (document(RULE, {"name": "a", "transfers": [LINE]}), f"{ON_TYPE}.1.match"),
    (document(rule(name="")), f"{ON_TYPE}.0.name"),
    (document(rule(match=[])), f"{ON_TYPE}.0.match"),
    (document(rule(match={"channel": 1})), f"{ON_TYPE}.0.match.channel"),
    (document(rule(match={"channel": None})), f"{ON_TYPE}.0.match.channel"),
    (document(rule(match={"channel": ""})), f"{ON_TYPE}.0.match.channel"),
    (document(rule(match={"channel": "c" * 121})), f"{ON_TYPE}.0.match.channel"),
    (document(rule(transfers=[])), f"{ON_TYPE}.0.transfers"),
    (document(rule(transfers=[LINE] * (LEGS_MAX + 1))), f"{ON_TYPE}.0.transfers"),
    (document(rule(transfers=["a"])), f"{ON_TYPE}.0.transfers.0"),
    (document(line(debit=7)), f"{ON_TYPE}.0.transfers.1.debit"),
    (document(line(credit="c" * 81)), f"{ON_TYPE}.0.transfers.1.credit"),
    (document(line(currency="GBP")), f"{ON_TYPE}.0.transfers.1.currency"),
    *[
        (document(line(amount=amount)), f"{ON_TYPE}.0.transfers.1.amount")
        for amount in (
            7,
            None,
            [],
            {},
            {"rest_of": 1},
            {"rest_of": "gross", "bps": 1},
            {"of": "gross"},
            {"of": "gross", "bps": 0},
            {"of": "gross", "bps": 10_001},
            {"of": "gross", "bps": 1.5},
            {"of": "gross", "bps": True},
            {"of": "gross", "bps": "60"},
        )
    ],
    (document(batch={"period_ms": 0}), "batch.period_ms"),
    (document(batch={"max_accounts": "1"}), "batch.max_accounts"),
    (document(batch={"max_transfers": 100_001}), "batch.max_transfers"),
    (document(batch={"max_events": 1}), "batch.max_events"),
    (document(*[rule(name=str(n)) for n in range(201)]), "types.order.paid"),
]


class TestAMalformedDocument:
    def test_is_refused_with_the_path_of_its_fault(self, operator: Account) -> None:
        office = Api(operator)
        for malformed, path in MALFORMED:
            answer = office.post("/billing/rule-sets", malformed)
            assert answer.status_code == 422, path
            assert {error["field"].removesuffix(".0") for error in answer.json()["errors"]} == {path.removesuffix(".0")}

        assert office.get("/billing/rule-sets").json()["results"][0]["version"] == 1


class TestADocument:
    def test_is_kept_as_it_was_understood(self, operator: Account) -> None:
        """Blanks at the ends go, as they do in events: a value with one could never match."""
        sent = document(rule(match={"channel": " store "}), RULE, batch={"period_ms": 100})
        office = Api(operator)
        drafted = office.post("/billing/rule-sets", sent).json()

        sent["types"]["order.paid"][0]["match"]["channel"] = "store"
        assert drafted["document"] == sent
        assert office.get(f"/billing/rule-sets/{drafted['id']}").json()["document"] == sent

    def test_of_any_text_is_checked_and_shown_on_its_lines(self, operator: Account) -> None:
        office = Api(operator)
        strange = "zwölf\u2028☃\u202e\U0001f600"
        sent = document(
            rule(name=strange, match={strange: strange}), types={strange: [rule(name=strange)], "order.paid": []}
        )
        drafted = office.post("/billing/rule-sets", sent).json()
        checked = office.post(f"/billing/rule-sets/{drafted['id']}/check").json()

        lines = checked["text"].splitlines()
        (dead,) = [problem for problem in checked["problems"] if problem["code"] == "dead"]
        assert (dead["type"], dead["path"]) == (strange, f"types.{strange}")
        assert "zwölf" in lines[dead["line"] - 1]

    def test_that_does_not_pass_is_refused_with_the_same_problems(self, operator: Account) -> None:
        office, second = Api(operator), Api(make_account(operator=True))
        drafted = office.post("/billing/rule-sets", document(rule(match={"colour": "red"}))).json()
        checked = office.post(f"/billing/rule-sets/{drafted['id']}/check").json()
        refused = second.post(f"/billing/rule-sets/{drafted['id']}/activate", {})

        assert (refused.status_code, refused.json()["code"]) == (409, "rule_set_not_sound")
        assert refused.json()["problems"] == checked["problems"]
        assert {"path", "line"} <= set(checked["problems"][0])


class TestTheLongestRule:
    def test_books_as_many_transfers_as_a_journal_has(self, operator: Account) -> None:
        parts = [f"part_{n}" for n in range(LEGS_MAX - 1)]
        EventType.objects.create(
            type="thing.cut",
            parties=[{"name": "owner", "is": "account"}],
            amounts=[{"name": "gross"}, *[{"name": part, "part_of": "gross"} for part in parts]],
            parameters=["institution", "channel", "currency"],
            external=True,
        )
        transfers = [LINE | {"amount": {"rest_of": "gross"}}]
        transfers += [LINE | {"credit": f"cash:{part}", "amount": part} for part in parts]
        version = activate(draft(operator, **{"thing.cut": [rule(transfers=transfers)]}), make_account(operator=True))
        payload = {"owner": account_id(), "currency": "GBP", "gross_minor": 10 * LEGS_MAX}
        payload |= {f"{part}_minor": 10 for part in parts}
        assert version.effective_from is not None
        (event,) = record_facts(
            [Fact("thing.cut", "t", "t", payload, version.effective_from)], also_heard_by=[booking.BILLING]
        )
        book()

        shown = Api(operator).get(f"/billing/events/{event.public_id}").json()
        journal = Api(operator).get(f"/ledger/journals/{shown['journal']}").json()
        assert [transfer["amount"] for transfer in journal["transfers"]] == [10] * LEGS_MAX
