from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from catalog.models import FeeSchedule
from catalog.selectors import fee_table_in_force
from core import clock
from core.money import BPS_WHOLE
from tests.shop import offer, place

RULES = [{"match": {}, "rate_bps": 300}, {"match": {"channel": "store"}, "rate_bps": 100}]


@pytest.fixture
def second(new_account) -> Any:
    """Another operator."""
    return new_account(operator=True)


def draft(api: Any, operator: Any, **fields: Any) -> str:
    created = api(operator).post("/fee-schedules", {"name": "mine", "rules": RULES, **fields})
    assert created.status_code == 201, created.content
    return created.json()["id"]


def activate(api: Any, operator: Any, schedule: str, **fields: Any) -> Any:
    return api(operator).post(f"/fee-schedules/{schedule}/activate", fields)


class TestTheShippedSchedule:
    def test_is_in_force_since_ever_above_zero_and_at_most_ten_per_cent(self, db):
        table = fee_table_in_force(datetime(1970, 1, 1, tzinfo=UTC))

        assert [0 < rule.rate_bps <= BPS_WHOLE // 10 for rule in table.rules] == [True]

    def test_charges_the_first_sale(self, buyer, item):
        order = place(buyer, item).orders[0]

        assert order.fee_minor == 50


class TestDrafting:
    def test_is_for_operators(self, api, seller, buyer):
        for account in (seller, buyer):
            assert api(account).get("/fee-schedules").status_code == 403
            assert api(account).post("/fee-schedules", {"name": "x", "rules": RULES}).status_code == 403

    def test_makes_the_next_version_that_charges_nobody(self, api, operator, buyer, item):
        schedule = api(operator).get(f"/fee-schedules/{draft(api, operator)}").json()

        assert (schedule["status"], schedule["version"], schedule["rules"]) == ("draft", 2, RULES)
        assert place(buyer, item).orders[0].fee_minor == 50
        assert [s["status"] for s in api(operator).get("/fee-schedules").json()["results"]] == ["draft", "active"]

    @pytest.mark.parametrize(
        ("rules", "code"),
        [
            ([], "min_length"),
            ([{"match": {}, "rate_bps": 10_001}], "max_value"),
            ([{"match": {}, "rate_bps": -1}], "min_value"),
            ([{"match": {}}], "required"),
            ([{"match": {"colour": "red"}, "rate_bps": 1}], "unknown_field"),
            ([{"match": {"channel": "moon"}, "rate_bps": 1}], "invalid_choice"),
            ([{"match": {}, "rate_bps": 1, "fixed": {"amount": 0, "currency": "GBP"}}], "amount_invalid"),
            ([{"match": {"seller": "acc_none"}, "rate_bps": 1}], "seller_unknown"),
        ],
    )
    def test_refuses_what_no_schedule_is(self, api, operator, rules: list, code: str):
        refused = api(operator).post("/fee-schedules", {"name": "x", "rules": rules})

        assert (refused.status_code, refused.json()["code"]) == (422, code)


class TestActivating:
    def test_needs_a_second_operator(self, api, operator, second):
        schedule = draft(api, operator)

        assert activate(api, operator, schedule).json()["code"] == "second_person_required"
        activated = activate(api, second, schedule)
        assert activated.status_code == 200
        assert activated.json()["activated_by"]["id"] == second.public_id

    def test_one_operator_is_enough_where_the_shop_has_only_one(self, api, operator, settings):
        settings.FEE_SCHEDULE_SECOND_PERSON = False

        assert activate(api, operator, draft(api, operator)).json()["status"] == "active"

    def test_charges_from_then_on_by_line_and_channel(self, api, operator, second, buyer, item):
        before = place(buyer, item).orders[0]
        activate(api, second, draft(api, operator))

        assert place(buyer, (item, 2)).orders[0].fee_minor == 60
        assert before.fee_minor == 50
        assert [s["status"] for s in api(operator).get("/fee-schedules").json()["results"]] == ["active", "retired"]

    def test_takes_effect_when_it_says(self, api, operator, second, buyer, item):
        tomorrow = clock.now() + timedelta(days=1)
        activate(api, second, draft(api, operator, effective_from=tomorrow.isoformat()))

        assert place(buyer, item).orders[0].fee_minor == 50
        assert place(buyer, item, now=tomorrow).orders[0].fee_minor == 30

    def test_never_reaches_back(self, api, operator, second):
        schedule = draft(api, operator, effective_from="2001-01-01T00:00:00Z")
        refused = activate(api, second, schedule, effective_from="2001-01-01T00:00:00Z")

        assert (refused.status_code, refused.json()["code"]) == (422, "effective_in_past")
        assert activate(api, second, schedule).json()["effective_from"] > "2001-01-02"

    def test_happens_once(self, api, operator, second):
        schedule = draft(api, operator)
        activate(api, second, schedule)

        assert activate(api, second, schedule).json()["code"] == "fee_schedule_not_draft"
        assert activate(api, second, "fee_none").status_code == 404

    def test_refuses_rules_that_leave_anything_to_luck(self, api, operator, second, seller):
        rules = [*RULES, {"match": {"seller": seller.public_id}, "rate_bps": 7}]
        refused = activate(api, second, draft(api, operator, rules=rules))

        assert (refused.status_code, refused.json()["code"]) == (409, "fee_schedule_not_sound")
        assert [problem["code"] for problem in refused.json()["problems"]] == ["ambiguous"]

    def test_two_at_one_moment_are_refused(self, api, operator, second):
        moment = (clock.now() + timedelta(days=1)).isoformat()
        assert activate(api, second, draft(api, operator), effective_from=moment).status_code == 200

        refused = activate(api, second, draft(api, operator), effective_from=moment)

        assert refused.json()["code"] == "effective_from_taken"


class TestAnActiveSchedule:
    def test_is_never_written_again(self, db):
        active = FeeSchedule.objects.filter(status="active")
        for change in (lambda: active.update(name="x"), active.delete):
            with pytest.raises(IntegrityError, match="written once"), transaction.atomic():
                change()

    def test_is_compiled_once_and_asked_for_with_one_cheap_statement(self, db, statements):
        now = clock.now()
        fee_table_in_force(now)

        with statements() as seen:
            fee_table_in_force(now)

        assert len(seen) == 1, str(seen)
        assert "rules" not in str(seen)


def test_a_rule_for_one_seller_charges_only_its_items(api, operator, second, buyer, seller, new_account):
    rules = [*RULES, {"match": {"seller": seller.public_id, "channel": "online"}, "rate_bps": 1000}]
    activate(api, second, draft(api, operator, rules=rules))
    other = new_account(side="seller")

    placed = place(buyer, offer(seller), offer(other))

    assert [order.fee_minor for order in placed.orders] == [100, 30]
