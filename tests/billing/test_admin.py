"""An accountant's pages: rules are written, checked, compared, put in force, tried and repaired without a developer."""

import json
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from accounts.actor import Actor
from accounts.models import Account
from billing.document_text import write_document
from billing.models import EventType, JournalReversal, RuleSet, ServiceKey
from billing.services.rule_sets import activate_rule_set, draft_rule_set
from billing.services.service_keys import find_service_key
from core import clock
from core.ids import encode_key
from core.jobs import run_next_job
from core.models import Job
from core.money import read_major
from events.models import Delivery
from ledger.models import Batch, Journal, Transfer
from tests.conftest import Statements
from tests.money_facts import account_id, balance, book, record, top_up

RULES = "/admin/billing/ruleset/"


@pytest.fixture
def pages(operator: Account, browser: Callable[[Account], Client]) -> Client:
    return browser(operator)


@pytest.fixture
def second(new_account: Any) -> Account:
    return new_account(operator=True)


@pytest.fixture
def shipped(db: None) -> RuleSet:
    return RuleSet.objects.get()


@pytest.fixture
def other_fees(shipped: RuleSet, operator: Account) -> RuleSet:
    """A sound draft of the operator's that books top-ups against another account."""
    document = deepcopy(shipped.document)
    for rule in document["types"]["wallet.topped_up"]:
        rule["transfers"][0]["debit"] = "clearing:elsewhere"
    return draft_rule_set(document=document, actor=Actor.own(operator))


def text_of(answer: Any) -> str:
    assert answer.status_code == 200, answer
    return answer.content.decode()


class TestWriting:
    def test_it_starts_from_the_version_in_force(self, pages, shipped):
        assert shipped.document["name"] in text_of(pages.get(f"{RULES}write/"))

    def test_a_check_shows_each_problem_with_line_and_rule_and_keeps_nothing(self, pages, shipped):
        faulty = deepcopy(shipped.document)
        faulty["types"]["debt.repaid"][0]["transfers"][0]["amount"] = "nothing"

        page = text_of(pages.post(f"{RULES}write/", {"text": json.dumps(faulty), "check": ""}))

        assert "unknown_amount" in page
        assert "debt.repaid, rule “default”" in page
        lines = write_document(faulty).text.splitlines()
        line = next(place for place, words in enumerate(lines, 1) if '"amount": "nothing"' in words)
        assert f'data-line="{line}"' in page
        assert RuleSet.objects.count() == 1

    def test_a_file_is_kept_as_the_next_version(self, pages, shipped, operator):
        file = SimpleUploadedFile("rules.json", json.dumps(shipped.document).encode())

        page = text_of(pages.post(f"{RULES}write/", {"file": file, "keep": ""}, follow=True))

        draft = RuleSet.objects.get(version=2)
        assert (draft.status, draft.created_by, draft.document) == ("draft", operator, shipped.document)
        assert "Kept as marketplace v2, a draft. It is sound." in page

    def test_what_is_no_rule_set_is_not_kept(self, pages, shipped):
        page = text_of(pages.post(f"{RULES}write/", {"text": '{"types": 5', "keep": ""}))
        assert "This is no rule set yet" in page
        assert RuleSet.objects.count() == 1

    def test_hostile_text_is_shown_as_text(self, pages, shipped):
        page = text_of(pages.post(f"{RULES}write/", {"text": '{"name": "</textarea><script>", "types": {}}'}))
        assert "<script>" not in page.replace("<script src", "")


class TestActivating:
    def test_it_shows_what_will_change(self, pages, other_fees):
        page = text_of(pages.get(f"{RULES}{other_fees.pk}/activate/"))
        assert "clearing:elsewhere → wallet:{owner}: amount" in page
        assert "You wrote this version" in page

    def test_who_wrote_it_is_refused_in_plain_words(self, pages, other_fees):
        page = text_of(pages.post(f"{RULES}{other_fees.pk}/activate/", {}))
        assert "Another operator than the one who made it must do that." in page
        other_fees.refresh_from_db()
        assert other_fees.status == "draft"

    def test_a_second_person_puts_it_in_force(self, browser, second, other_fees):
        page = text_of(browser(second).post(f"{RULES}{other_fees.pk}/activate/", {}, follow=True))
        other_fees.refresh_from_db()
        assert (other_fees.status, other_fees.activated_by) == ("active", second)
        assert "is in force from" in page

    def test_a_past_moment_is_refused(self, browser, second, other_fees):
        page = text_of(
            browser(second).post(f"{RULES}{other_fees.pk}/activate/", {"effective_from": "2020-01-01T00:00"})
        )
        assert "the past is corrected by repair" in page

    def test_looking_changes_nothing(self, browser, second, other_fees):
        browser(second).get(f"{RULES}{other_fees.pk}/activate/")
        other_fees.refresh_from_db()
        assert other_fees.status == "draft"


class TestComparing:
    def test_the_newest_is_compared_with_the_one_in_force(self, pages, other_fees):
        page = text_of(pages.get(f"{RULES}compare/"))
        assert "wallet.topped_up" in page
        assert "clearing:elsewhere" in page

    @pytest.mark.parametrize("asked", ["99", "x", "9" * 40])
    def test_a_version_that_is_none_is_no_fault_of_the_server(self, pages, other_fees, asked):
        assert pages.get(f"{RULES}compare/", {"old": asked}).status_code in (200, 404)


class TestLookingBack:
    @pytest.fixture
    def period(self, db: None) -> dict[str, str]:
        return {"since": "2026-01-01T00:00", "until": "2026-12-31T00:00"}

    def test_a_replay_shows_the_difference_per_account(self, pages, other_fees, period):
        top_up(account_id(), 1234)
        book()

        pages.post(f"{RULES}{other_fees.pk}/replay/", period)
        run_next_job()

        page = text_of(pages.get(f"/admin/core/job/{Job.objects.get().pk}/change/"))
        assert "1 of 1 events would be booked otherwise." in page
        assert "clearing:elsewhere" in page
        assert "-12.34" in page

    def test_a_period_that_ends_before_it_begins_is_refused(self, pages, other_fees):
        sent = {"since": "2026-02-01T00:00", "until": "2026-01-01T00:00"}
        text_of(pages.post(f"{RULES}{other_fees.pk}/replay/", sent))
        assert not Job.objects.exists()

    def test_a_repair_needs_a_reason_and_an_activated_version(self, pages, other_fees, period):
        text_of(pages.post(f"{RULES}{other_fees.pk}/repair/", period))
        page = text_of(pages.post(f"{RULES}{other_fees.pk}/repair/", {**period, "reason": "Wrong account."}))
        assert not Job.objects.exists()
        assert "activated" in page

    def test_a_repair_is_asked_for_and_done(self, browser, second, other_fees, period):
        owner = account_id()
        top_up(owner, 1234)
        book()
        activate_rule_set(rule_set_id=other_fees.pk, effective_from=None, actor=Actor.own(second), now=clock.now())
        pages = browser(second)

        pages.post(f"{RULES}{other_fees.pk}/repair/", {**period, "reason": "Wrong account."})
        run_next_job()

        page = text_of(pages.get(f"/admin/core/job/{Job.objects.get().pk}/change/"))
        assert "1 of 1 events were taken back and booked again." in page
        assert balance("clearing:elsewhere") == -1234


class TestUnpostedEvents:
    LIST = "/admin/billing/unpostedevent/"

    @pytest.fixture
    def unposted(self, db: None) -> Delivery:
        record("debt.repaid", owner=account_id(), amount_minor=5)
        book()
        return Delivery.objects.get()

    def test_they_stand_with_reason_and_age(self, pages, unposted):
        page = text_of(pages.get(self.LIST))
        assert "insufficient_cover" in page
        assert encode_key("evt", unposted.event_id) in page

    def test_each_says_what_to_do_and_which_rule_takes_it(self, pages, unposted):
        page = text_of(pages.get(f"{self.LIST}{unposted.pk}/change/"))
        assert "top it up or wait for its money" in page
        assert "this one books it" in page
        assert "0.05" in page

    def test_many_are_tried_again_at_once(self, pages, unposted):
        pages.post(self.LIST, {"action": "try_again", "_selected_action": [unposted.pk], "index": "0"})
        unposted.refresh_from_db()
        assert unposted.parked_at is None

    def test_other_consumers_deliveries_are_not_among_them(self, pages, unposted):
        Delivery.objects.update(consumer="elsewhere")
        assert list(pages.get(self.LIST).context["cl"].result_list) == []

    def test_their_number_costs_no_statements(self, pages, unposted, statements):
        with statements() as few:
            pages.get(self.LIST)
        for _ in range(3):
            record("debt.repaid", owner=account_id(), amount_minor=5)
        book()
        with statements() as many:
            pages.get(self.LIST)
        assert len(many) == len(few), str(many)


class TestOutside:
    def test_a_type_is_declared_by_a_form(self, pages, db):
        answer = pages.post(
            "/admin/billing/eventtype/declare/",
            {
                "type": "parking.paid",
                "parameters": "zone, garage",
                "external": "on",
                **formset("parties", {"name": "operator", "is_": "account"}),
                **formset("amounts", {"name": "gross"}, {"name": "fee", "part_of": "gross"}),
            },
            follow=True,
        )
        assert "parking.paid is declared" in text_of(answer)
        declared = EventType.objects.get()
        assert declared.parameters == ["institution", "channel", "currency", "zone", "garage"]
        assert declared.amounts == [{"name": "gross"}, {"name": "fee", "part_of": "gross"}]

    def test_a_contradiction_is_refused_in_plain_words(self, pages, db):
        sent = {"type": "parking.paid", **formset("parties"), **formset("amounts", {"name": "fee", "part_of": "gross"})}
        assert "fee is a part of what is no whole." in text_of(pages.post("/admin/billing/eventtype/declare/", sent))

    def test_a_key_is_shown_once(self, pages, db):
        sent = {"name": "city", "types": ["wallet.topped_up"], "limit": "250.00", "currency": "gbp"}
        answer = pages.post("/admin/billing/servicekey/make/", sent)

        key = text_of(answer).split('<code id="key">')[1].split("<")[0]
        row = ServiceKey.objects.get()
        assert find_service_key(key) == row
        assert (row.daily_limit_minor, row.daily_limit_currency) == (25_000, "GBP")
        assert "no-store" in answer["Cache-Control"]
        assert key not in text_of(pages.get(f"/admin/billing/servicekey/{row.pk}/change/"))

    @pytest.mark.parametrize("limit", ["a lot", "1.234", "-5", "0", "٣"])
    def test_a_limit_that_is_no_amount_makes_no_key(self, pages, db, limit):
        sent = {"name": "city", "types": ["wallet.topped_up"], "limit": limit, "currency": "GBP"}
        assert "This is no amount in this currency." in text_of(pages.post("/admin/billing/servicekey/make/", sent))
        assert not ServiceKey.objects.exists()

    def test_amounts_are_read_exactly(self):
        assert [read_major(w, "GBP") for w in ("12", "12.3", "12.34", "0.05", ".5", "")] == [
            1200,
            1230,
            1234,
            5,
            None,
            None,
        ]
        assert read_major("1500", "JPY") == 1500
        assert read_major("1.5", "JPY") is None
        assert read_major("1.234", "KWD") == 1234


class TestReversals:
    WISHES = "/admin/billing/journalreversal/"

    @pytest.fixture
    def journal(self, db: None) -> Journal:
        top_up(account_id(), 1000)
        book()
        return Journal.objects.get()

    @pytest.fixture
    def wish(self, pages: Client, journal: Journal) -> JournalReversal:
        pages.post(f"{self.WISHES}ask/", {"journal": journal.public_id, "reason": "Booked twice."})
        return JournalReversal.objects.get()

    def test_a_journals_page_leads_to_asking(self, pages, journal):
        page = text_of(pages.get(f"/admin/ledger/journal/{journal.pk}/change/"))
        assert f"{self.WISHES}ask/?journal={journal.public_id}" in page

    def test_who_asked_may_not_approve(self, pages, wish):
        page = text_of(pages.post(f"{self.WISHES}{wish.pk}/approve/", follow=True))
        assert "Another operator than the one who made it must do that." in page

    def test_a_second_person_approves_and_it_is_booked(self, browser, second, wish, journal):
        page = text_of(browser(second).post(f"{self.WISHES}{wish.pk}/approve/", follow=True))
        assert "The journal is taken back" in page
        assert Journal.objects.filter(reverses_id=journal.pk).exists()

    def test_it_is_withdrawn(self, pages, wish):
        pages.post(f"{self.WISHES}{wish.pk}/withdraw/")
        wish.refresh_from_db()
        assert wish.status == "withdrawn"

    def test_looking_approves_nothing(self, browser, second, wish):
        assert browser(second).get(f"{self.WISHES}{wish.pk}/approve/").status_code == 405


class TestReadingTheBook:
    @pytest.fixture
    def transfer(self, db: None) -> Transfer:
        top_up(account_id(), 1000)
        book()
        return Transfer.objects.get()

    def test_a_batch_leads_to_the_explanation_of_a_transfer(self, pages, transfer):
        batch = Batch.objects.get()
        assert f"q={batch.public_id}" in text_of(pages.get(f"/admin/ledger/batch/{batch.pk}/change/"))
        journal = text_of(pages.get(f"/admin/ledger/journal/{transfer.journal_id}/change/"))
        assert f"{RULES}explain/{transfer.public_id}/" in journal

        page = text_of(pages.get(f"{RULES}explain/{transfer.public_id}/"))

        assert "cash desk" in page
        assert "less specific" in page
        assert "10.00" in page

    def test_an_unknown_transfer_is_not_found(self, pages, db):
        assert pages.get(f"{RULES}explain/trf_none/").status_code == 404

    def test_coverage_leads_to_what_is_unposted(self, pages, db):
        record("debt.repaid", owner=account_id(), amount_minor=5)
        book()
        page = text_of(pages.get(f"{RULES}coverage/"))
        assert "/admin/billing/unpostedevent/?type=debt.repaid" in page
        assert "insufficient_cover (1)" in page


class TestWhoMay:
    PAGES = ("write/", "compare/", "coverage/", "{0}/activate/", "{0}/replay/", "{0}/repair/", "explain/trf_x/")

    def test_an_operator_without_the_right_sees_none_of_it(self, browser, new_account, shipped):
        clerk = browser(new_account(operator=True, is_superuser=False))
        for page in self.PAGES:
            assert clerk.get(RULES + page.format(shipped.pk)).status_code == 403, page

    def test_buyers_and_strangers_are_sent_to_the_log_in(self, browser, buyer, shipped):
        for client in (browser(buyer), Client()):
            for page in self.PAGES:
                answer = client.get(RULES + page.format(shipped.pk))
                assert answer.status_code == 302, page
                assert "/login/" in answer["Location"]

    def test_the_browser_is_told_to_load_nothing_from_elsewhere(self, pages, shipped):
        assert "default-src 'self'" in pages.get(f"{RULES}write/")["Content-Security-Policy"]

    def test_a_form_of_another_site_is_refused(self, operator, browser, other_fees):
        pages = browser(operator)
        pages.handler.enforce_csrf_checks = True
        assert pages.post(f"{RULES}{other_fees.pk}/activate/", {}).status_code == 403


class TestStatements:
    """What a page asks the database does not grow with what there is."""

    @pytest.mark.parametrize(
        ("page", "most"), [("write/", 8), ("compare/", 8), ("{0}/change/", 7), ("{0}/activate/", 9), ("coverage/", 13)]
    )
    def test_pages_of_the_rules_take_few(self, pages, other_fees, statements, page, most):
        path = RULES + page.format(other_fees.pk)
        pages.get(path)
        with statements() as seen:
            text_of(pages.get(path))
        assert without_the_sidebar(seen) <= most, str(seen)


def without_the_sidebar(seen: Statements) -> int:
    """Its badges count what waits, on every page."""
    return sum("COUNT(*)" not in query["sql"] for query in seen.captured_queries)


def formset(prefix: str, *rows: dict[str, str]) -> dict[str, str]:
    sent = {f"{prefix}-TOTAL_FORMS": str(len(rows)), f"{prefix}-INITIAL_FORMS": "0"}
    for place, row in enumerate(rows):
        sent |= {f"{prefix}-{place}-{name}": value for name, value in row.items()}
    return sent
