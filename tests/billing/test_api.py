"""Billing over HTTP: events from outside, service keys, types of one's own, rule sets, journals."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings

from accounts.models import Account
from tests.money_facts import book

SHIPPED = json.loads((Path(django_settings.BASE_DIR) / "billing" / "shipped_rules.json").read_text())
PARKING = {
    "type": "parking.paid",
    "parties": [{"name": "operator", "is": "account"}, {"name": "city", "is": "ledger"}],
    "amounts": [{"name": "gross"}],
    "parameters": ["zone"],
    "external": True,
}
PARKING_RULE = {
    "name": "cut by rate",
    "match": {},
    "transfers": [
        {"debit": "{city}", "credit": "wallet:{operator}", "amount": {"rest_of": "gross"}},
        {"debit": "{city}", "credit": "platform:fees", "amount": {"of": "gross", "bps": 60}},
    ],
}


@pytest.fixture
def office(api: Callable[..., Any], operator: Account) -> Any:
    return api(operator)


@pytest.fixture
def second(api: Callable[..., Any], new_account: Callable[..., Account]) -> Any:
    return api(new_account(operator=True))


def topped_up(owner: str, key: str = "psp-1", **changes: Any) -> dict[str, Any]:
    return {
        "type": "wallet.topped_up",
        "key": key,
        "parameters": {"institution": "ICBC", "provider": "psp"},
        "parties": {"owner": owner},
        "amounts": {"amount": 500},
        "currency": "CNY",
        "occurred_at": "2026-05-01T12:00:00Z",
    } | changes


def draft(office: Any, **types: Any) -> dict[str, Any]:
    document = SHIPPED | {"types": SHIPPED["types"] | {name.replace("__", "."): rules for name, rules in types.items()}}
    answer = office.post("/billing/rule-sets", document)
    assert answer.status_code == 201, answer.content
    return answer.json()


class TestExternalEvents:
    def test_are_recorded_booked_and_explained(self, office: Any, buyer: Account) -> None:
        answer = office.post("/billing/events", topped_up(buyer.public_id), key="k1")
        assert (answer.status_code, answer.json()["status"]) == (202, "pending")
        book()

        event = office.get(f"/billing/events/{answer.json()['id']}").json()
        journal = office.get(f"/ledger/journals/{event['journal']}").json()
        (transfer,) = journal["transfers"]
        explanation = office.get(f"/ledger/transfers/{transfer['id']}/explain").json()

        assert event["status"] == "booked"
        assert event["parameters"] == {"institution": "ICBC", "currency": "CNY", "provider": "psp"}
        assert (transfer["debit"], transfer["credit"]) == ("clearing:external", f"wallet:{buyer.public_id}")
        assert transfer["amount"] == 500
        assert explanation["path"] == ["wallet.topped_up", {}, "default"]
        assert explanation["near_misses"] == [
            {"rule": rule, "why_not": "parameter provider is psp"} for rule in ("cash desk", "demo bank")
        ]
        assert explanation["batch"]["trigger"] == "manual"

    def test_a_repeated_key_returns_the_first_and_never_another(self, office: Any, buyer: Account) -> None:
        first = office.post("/billing/events", topped_up(buyer.public_id), key="k1").json()
        again = office.post("/billing/events", topped_up(buyer.public_id), key="k2")
        other = office.post("/billing/events", topped_up(buyer.public_id, amounts={"amount": 501}), key="k3")

        assert (again.status_code, again.json()["id"]) == (202, first["id"])
        assert (other.status_code, other.json()["code"]) == (409, "event_key_reused")

    @pytest.mark.parametrize(
        ("changes", "status", "code"),
        [
            ({"type": "order.paid"}, 403, "event_type_internal"),
            ({"type": "never.heard"}, 422, "unknown_event_type"),
            ({"parameters": {"colour": "red"}}, 422, "unknown_parameter"),
            ({"parties": {"owner": "acc_unknown"}}, 422, "bad_party"),
            ({"parties": {}}, 422, "bad_party"),
            ({"amounts": {}}, 422, "bad_amounts"),
            ({"amounts": {"amount": 1, "tip": 1}}, 422, "bad_amounts"),
            ({"amounts": {"amount": -1}}, 422, "amount_invalid"),
            ({"amounts": {"amount": 1.5}}, 422, "amount_invalid"),
            ({"currency": "XXX"}, 422, "currency_invalid"),
            ({"parameters": {"currency": "GBP"}}, 422, "currency_invalid"),
            ({"occurred_at": "2999-01-01T00:00:00Z"}, 422, "occurred_in_future"),
            ({"colour": "red"}, 422, "unknown_field"),
            ({"amounts": {"amount": 2**53 - 1}}, 403, "second_person_required"),
        ],
    )
    def test_refuse_what_is_not_right(
        self, office: Any, buyer: Account, changes: dict[str, Any], status: int, code: str
    ) -> None:
        answer = office.post("/billing/events", topped_up(buyer.public_id, **changes), key="k1")

        assert (answer.status_code, answer.json()["code"]) == (status, code)

    def test_stand_for_themselves_where_no_subject_is_named(self, office: Any, buyer: Account) -> None:
        alone = office.post("/billing/events", topped_up(buyer.public_id), key="k1").json()["id"]
        named = office.post("/billing/events", topped_up(buyer.public_id, key="b", subject="S-77"), key="k2").json()[
            "id"
        ]

        assert office.get(f"/billing/events/{alone}").json()["subject"] == alone
        assert office.get(f"/billing/events/{named}").json()["subject"] == "S-77"

    def test_may_repeat_the_currency_among_the_parameters(self, office: Any, buyer: Account) -> None:
        body = topped_up(buyer.public_id, parameters={"currency": "CNY"})

        assert office.post("/billing/events", body, key="k1").status_code == 202

    def test_need_an_operator_and_a_key(self, office: Any, api: Any, buyer: Account) -> None:
        body = topped_up(buyer.public_id)

        assert api().post("/billing/events", body, key="k").status_code == 401
        assert api(buyer).post("/billing/events", body, key="k").status_code == 403
        assert office.post("/billing/events", body).json()["code"] == "idempotency_key_required"

    def test_an_unposted_one_says_why_and_is_retried(self, office: Any, buyer: Account) -> None:
        body = topped_up(buyer.public_id, type="wallet.withdrawn", key="out")
        event_id = office.post("/billing/events", body, key="k1").json()["id"]
        book()

        parked = office.get("/billing/events", {"status": "unposted"}).json()["results"]
        assert [(event["id"], event["reason"]) for event in parked] == [(event_id, "insufficient_cover")]
        office.post("/billing/events", topped_up(buyer.public_id), key="k2")
        book()
        assert office.post(f"/billing/events/{event_id}/retry").status_code == 200
        book()

        assert office.get(f"/billing/events/{event_id}").json()["status"] == "booked"
        assert office.post(f"/billing/events/{event_id}/retry").json()["status"] == "booked"


class TestServiceKeys:
    def send(self, api: Any, key: str, body: dict[str, Any], attempt: str) -> Any:
        return api().post("/billing/events", body, key=attempt, authorization=f"Service {key}")

    def test_send_their_types_up_to_the_daily_limit(self, office: Any, api: Any, buyer: Account) -> None:
        limit = {"amount": 900, "currency": "CNY"}
        made = office.post("/service-keys", {"name": "PSP", "types": ["wallet.topped_up"], "daily_limit": limit}).json()
        owner = buyer.public_id

        first = self.send(api, made["key"], topped_up(owner), "a")
        second = self.send(api, made["key"], topped_up(owner, key="psp-2"), "b")
        foreign = self.send(api, made["key"], topped_up(owner, key="psp-3", currency="GBP"), "c")
        other_type = self.send(api, made["key"], topped_up(owner, type="wallet.withdrawn", key="psp-4"), "d")

        assert first.status_code == 202
        assert (second.status_code, second.json()["code"]) == (409, "daily_limit_exceeded")
        assert foreign.json()["code"] == "daily_limit_exceeded"
        assert (other_type.status_code, other_type.json()["code"]) == (403, "event_type_internal")

    def test_stop_at_once_when_revoked_and_read_nothing(self, office: Any, api: Any, buyer: Account) -> None:
        made = office.post("/service-keys", {"name": "PSP", "types": ["wallet.topped_up"]}).json()
        assert "key" not in office.get("/service-keys").json()["results"][0]
        assert api().get("/billing/events", authorization=f"Service {made['key']}").status_code == 403

        assert office.delete(f"/service-keys/{made['id']}").status_code == 204
        assert self.send(api, made["key"], topped_up(buyer.public_id), "a").status_code == 401

    def test_are_known_callers_of_the_wrong_kind_elsewhere(self, office: Any, api: Any) -> None:
        made = office.post("/service-keys", {"name": "PSP", "types": ["wallet.topped_up"]}).json()
        for path in ("/wallet", "/service-keys", "/account", "/items"):
            assert api().get(path, authorization=f"Service {made['key']}").status_code == 403, path
        assert api().get("/wallet", authorization="Service nobody").status_code == 401

    def test_are_for_external_types_only(self, office: Any) -> None:
        answer = office.post("/service-keys", {"name": "PSP", "types": ["order.paid"]})

        assert (answer.status_code, answer.json()["code"]) == (403, "event_type_internal")


class TestRuleSets:
    def test_an_own_type_is_declared_ruled_and_booked(self, office: Any, second: Any, seller: Account) -> None:
        assert office.post("/billing/event-types", PARKING).status_code == 201
        assert office.post("/billing/event-types", PARKING).json()["code"] == "type_exists"
        drafted = draft(office, parking__paid=[PARKING_RULE])
        checked = second.post(f"/billing/rule-sets/{drafted['id']}/check").json()
        assert (checked["ok"], checked["problems"]) == (True, [])
        activated = second.post(f"/billing/rule-sets/{drafted['id']}/activate", {})
        assert (activated.status_code, activated.json()["status"]) == (200, "active")

        moment = activated.json()["effective_from"]
        body = {
            "type": "parking.paid",
            "key": "p1",
            "parties": {"operator": seller.public_id, "city": "cash:city"},
            "amounts": {"gross": 10_000},
            "currency": "CNY",
            "occurred_at": moment,
        }
        event_id = office.post("/billing/events", body, key="k1").json()["id"]
        book()

        event = office.get(f"/billing/events/{event_id}").json()
        journal = office.get(f"/ledger/journals/{event['journal']}").json()
        assert [transfer["amount"] for transfer in journal["transfers"]] == [9940, 60]
        assert journal["rule_set"] == drafted["id"]

    def test_what_happened_before_the_activation_is_booked_by_the_old_version(
        self, office: Any, second: Any, buyer: Account
    ) -> None:
        shipped = office.get("/billing/rule-sets").json()["results"][-1]
        drafted = draft(office)
        second.post(f"/billing/rule-sets/{drafted['id']}/activate", {})

        event_id = office.post("/billing/events", topped_up(buyer.public_id), key="k1").json()["id"]
        book()

        event = office.get(f"/billing/events/{event_id}").json()
        assert office.get(f"/ledger/journals/{event['journal']}").json()["rule_set"] == shipped["id"]
        assert office.get(f"/billing/rule-sets/{shipped['id']}").json()["status"] == "retired"

    def test_an_event_without_a_rule_is_booked_by_the_version_at_its_retry(
        self, office: Any, second: Any, seller: Account
    ) -> None:
        office.post("/billing/event-types", PARKING)
        body = {
            "type": "parking.paid",
            "key": "p1",
            "parties": {"operator": seller.public_id, "city": "cash:city"},
            "amounts": {"gross": 10_000},
            "currency": "CNY",
            "occurred_at": "2026-05-01T12:00:00Z",
        }
        event_id = office.post("/billing/events", body, key="k1").json()["id"]
        book()
        assert office.get(f"/billing/events/{event_id}").json()["reason"] == "no_rule"

        drafted = draft(office, parking__paid=[PARKING_RULE])
        second.post(f"/billing/rule-sets/{drafted['id']}/activate", {})
        office.post(f"/billing/events/{event_id}/retry")
        book()

        event = office.get(f"/billing/events/{event_id}").json()
        journal = office.get(f"/ledger/journals/{event['journal']}").json()
        assert journal["rule_set"] == drafted["id"]
        assert office.get(f"/ledger/transfers/{journal['transfers'][0]['id']}/explain").json()["retried"] is True

    def test_activation_needs_a_second_person_a_sound_draft_and_no_past(self, office: Any, second: Any) -> None:
        drafted = draft(office)
        path = f"/billing/rule-sets/{drafted['id']}/activate"
        unsound = draft(office, order__paid=[])

        assert office.post(path, {}).json()["code"] == "second_person_required"
        assert second.post(path, {"effective_from": "2020-01-01T00:00:00Z"}).json()["code"] == "effective_in_past"
        refused = second.post(f"/billing/rule-sets/{unsound['id']}/activate", {})
        assert (refused.status_code, refused.json()["code"]) == (409, "rule_set_not_sound")
        assert refused.json()["problems"][0]["code"] == "uncovered"
        assert second.post(path, {}).status_code == 200
        assert second.post(path, {}).json()["code"] == "rule_set_not_draft"

    def test_an_active_version_cannot_be_changed_in_the_database(self, office: Any) -> None:
        from django.db import IntegrityError, transaction

        from billing.models import RuleSet

        with pytest.raises(IntegrityError, match="activated"), transaction.atomic():
            RuleSet.objects.filter(version=1).update(document={})
        with pytest.raises(IntegrityError, match="activated"), transaction.atomic():
            RuleSet.objects.filter(version=1).delete()

    @pytest.mark.parametrize(
        "document",
        [
            {},
            {"name": "x", "types": []},
            {"name": "x", "types": {"order.paid": [{"name": "a"}]}},
            {"name": "x", "types": {}, "colour": 1},
            {"name": "x", "types": {"order.paid": [{"name": "a", "match": {}, "transfers": []}]}},
            {
                "name": "x",
                "types": {
                    "order.paid": [
                        {
                            "name": "a",
                            "match": {"channel": 1},
                            "transfers": [{"debit": "a", "credit": "b", "amount": {"of": "gross", "bps": 0}}],
                        }
                    ]
                },
            },
        ],
    )
    def test_a_document_of_another_shape_is_refused(self, office: Any, document: Any) -> None:
        answer = office.post("/billing/rule-sets", document)

        assert answer.status_code == 422
        assert answer.json()["errors"]


class TestBook:
    def test_balances_trial_balance_and_batches(self, office: Any, buyer: Account) -> None:
        office.post("/billing/events", topped_up(buyer.public_id), key="k1")
        office.post("/billing/events", topped_up(buyer.public_id, key="psp-2", currency="JPY"), key="k2")
        book()
        code = f"wallet:{buyer.public_id}"

        assert office.get(f"/ledger/accounts/{code}").json()["code"] == "currency_required"
        found = office.get(f"/ledger/accounts/{code}", {"currency": "CNY"}).json()
        assert (found["balance"], found["credits"], found["held"], found["as_of"]) == (500, 500, 0, None)
        before = office.get(f"/ledger/accounts/{code}", {"currency": "CNY", "as_of": "2026-04-30T00:00:00Z"}).json()
        assert (before["balance"], before["as_of"]) == (0, "2026-04-30T00:00:00Z")
        assert [a["code"] for a in office.get("/ledger/accounts", {"prefix": "wallet:"}).json()["results"]] == [
            code
        ] * 2

        trial = office.get("/ledger/trial-balance").json()
        assert [(c["currency"], c["difference"]) for c in trial["currencies"]] == [("CNY", 0), ("JPY", 0)]
        assert trial["frontier"]
        csv = b"".join(office.get("/ledger/trial-balance", accept="text/csv").streaming_content).decode()
        assert csv.splitlines()[0] == "currency,code,debits,credits,balance,held"
        (batch,) = office.get("/billing/batches").json()["results"]
        assert (batch["events"], batch["transfers"], batch["trigger"]) == (2, 2, "manual")

    def test_an_accounts_transfers_carry_the_running_balance_page_by_page_and_as_csv(
        self, office: Any, buyer: Account
    ) -> None:
        for number, minor in enumerate((5, 7, 11)):
            body = topped_up(buyer.public_id, key=f"psp-{number}", amounts={"amount": minor})
            office.post("/billing/events", body, key=f"k{number}")
            if number != 1:
                book()
        path = f"/ledger/accounts/wallet:{buyer.public_id}/transfers"

        first = office.get(path, {"limit": 2}).json()
        second = office.get(path, {"limit": 2, "cursor": first["next"]}).json()
        rows = first["results"] + second["results"]

        assert [(row["amount"], row["balance_after"]) for row in rows] == [(11, 23), (7, 12), (5, 5)]
        assert second["next"] is None
        assert office.get("/ledger/accounts/clearing:external/transfers").json()["results"][0]["amount"] == -11
        csv = b"".join(office.get(path, accept="text/csv").streaming_content).decode().splitlines()
        assert len(csv) == 4
        assert office.get(path, {"cursor": first["next"] + "x"}).json()["code"] == "cursor_invalid"
        assert office.get("/ledger/accounts/wallet:nobody/transfers").status_code == 404

    def test_is_for_operators(self, api: Any, buyer: Account) -> None:
        for path in ("/ledger/accounts", "/ledger/trial-balance", "/billing/batches", "/billing/events"):
            assert api(buyer).get(path).status_code == 403
            assert api().get(path).status_code == 401

    @pytest.mark.parametrize(
        "path",
        ["/ledger/journals/jrn_0", "/ledger/transfers/trf_X/explain", "/billing/events/evt_", "/ledger/accounts/none"],
    )
    def test_what_is_not_there_is_404(self, office: Any, path: str) -> None:
        assert office.get(path).status_code == 404
