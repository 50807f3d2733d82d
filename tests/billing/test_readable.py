"""Two versions side by side, and a document as somebody wrote it."""

import json
from copy import deepcopy
from typing import Any

from billing.models import RuleSet
from billing.readable import Change, compare_documents
from billing.services.reviewing import review_text

RULES: dict[str, Any] = {
    "name": "small",
    "types": {
        "parking.paid": [
            {
                "name": "default",
                "match": {},
                "transfers": [
                    {"debit": "cash:city", "credit": "wallet:{operator}", "amount": {"rest_of": "gross"}},
                    {"debit": "cash:city", "credit": "platform:fees", "amount": {"of": "gross", "bps": 60}},
                ],
            }
        ]
    },
}


class TestCompareDocuments:
    def test_a_document_does_not_differ_from_itself(self):
        assert compare_documents(RULES, deepcopy(RULES)) == []

    def test_a_changed_transfer_stands_between_what_stayed(self):
        new = deepcopy(RULES)
        new["types"]["parking.paid"][0]["transfers"][1]["amount"]["bps"] = 75

        assert compare_documents(RULES, new) == [
            Change(
                "parking.paid",
                "default",
                "changed",
                [
                    (" ", "if always"),
                    (" ", "cash:city → wallet:{operator}: the rest of gross"),
                    ("-", "cash:city → platform:fees: 0.6 % of gross"),
                    ("+", "cash:city → platform:fees: 0.75 % of gross"),
                ],
            )
        ]

    def test_rules_come_and_go_by_type_and_name(self):
        new = deepcopy(RULES)
        new["types"] = {"toll.paid": new["types"]["parking.paid"]}
        changes = compare_documents(RULES, new)
        assert [(change.type, change.what) for change in changes] == [
            ("parking.paid", "removed"),
            ("toll.paid", "added"),
        ]

    def test_other_limits_of_batches_are_a_change(self):
        new = RULES | {"batch": {"period_ms": 200}}
        change = compare_documents(RULES, new)[0]
        assert (change.type, change.rule, change.lines) == ("", "batches", [("+", "book after 200 ms")])

    def test_two_rules_of_one_name_are_told_apart(self):
        new = deepcopy(RULES)
        new["types"]["parking.paid"] *= 2
        assert [change.rule for change in compare_documents(RULES, new)] == ["default (rule 2)"]


class TestReviewText:
    def test_what_is_no_json_is_shown_where_it_breaks(self, db):
        review = review_text(text='{"name": "x",\n "types": {,}}')
        assert review.document is None
        assert [(problem.code, problem.line) for problem in review.problems] == [("not_readable", 2)]

    def test_a_name_that_stands_twice_is_not_readable(self, db):
        review = review_text(text='{"name": "x", "name": "y", "types": {}}')
        assert [problem.code for problem in review.problems] == ["not_readable"]

    def test_what_has_no_shape_cannot_be_kept(self, db):
        review = review_text(text='{"name": "x", "types": {"order.paid": [{"nam": 1}]}}')
        assert review.document is None
        assert {problem.code for problem in review.problems} == {"not_a_rule_set"}
        assert {problem.type for problem in review.problems} == {"order.paid"}

    def test_the_shipped_rules_are_sound_and_written_as_the_house_writes_them(self, db):
        first = review_text(text=json.dumps(RuleSet.objects.get().document))
        assert first.problems == []
        assert review_text(text=first.text).text == first.text
