"""A draft over history: what it would have booked, to the cent, and nothing of it in the book."""

from datetime import timedelta

import pytest

from accounts.actor import Actor
from billing.models import RuleSet
from billing.services.replaying import request_replay
from core.jobs import run_next_job
from core.models import Job
from ledger.models import Journal, Transfer
from tests.billing.history import (
    SINCE,
    UNTIL,
    declare_parking,
    document,
    done,
    draft,
    park,
    parking,
    since_ever,
)
from tests.money_facts import AT, account_id, balance, book, pay, record, top_up


def fees_elsewhere(to: str = "platform:fees:new") -> list[dict]:
    """Rules of `order.paid` whose fee goes to another account."""
    return [
        {
            "name": "default",
            "match": {},
            "transfers": [
                {"debit": "wallet:{payer}", "credit": "pending:{seller}", "amount": {"rest_of": "gross"}},
                {"debit": "wallet:{payer}", "credit": to, "amount": "fee"},
            ],
        }
    ]


def refunds_from_elsewhere(of: str = "platform:fees:new") -> list[dict]:
    return [
        {
            "name": "default",
            "match": {},
            "transfers": [
                {"debit": "pending:{seller}", "credit": "wallet:{payer}", "amount": "net"},
                {"debit": of, "credit": "wallet:{payer}", "amount": "fee"},
            ],
        }
    ]


def sale(*, gross: int = 1000, fee: int = 35, at=AT) -> tuple[str, str, str]:
    payer, seller, order = account_id(), account_id(), f"ord_{account_id()[4:]}"
    top_up(payer, gross, at=at)
    book()
    pay(payer, seller, gross, fee, order=order, at=at)
    book()
    return payer, seller, order


def refund(payer: str, seller: str, order: str, *, net: int, fee: int, at=AT) -> None:
    people = {"payer": payer, "buyer": payer, "seller": seller}
    undoes = f"order.paid:{order}"
    record("order.refunded", subject=order, undoes=undoes, net_minor=net, fee_minor=fee, at=at, **people)
    book()


@pytest.fixture
def replay(operator):
    """`replay(version)` → the job's result."""

    def run(version: RuleSet, since=SINCE, until=UNTIL):
        return done(request_replay(rule_set=version, since=since, until=until, actor=Actor.own(operator)))

    return run


def differences(result) -> dict[str, int]:
    return {account["code"]: account["difference"] for account in result["accounts"]}


class TestReplay:
    """The result is the difference that the draft would have made."""

    def test_the_same_rules_make_no_difference(self, replay):
        sale()

        result = replay(draft())

        assert (result["events"], result["changed"], result["accounts"]) == (2, 0, [])

    def test_it_says_what_each_account_would_have(self, replay):
        sale(gross=1000, fee=35), sale(gross=200, fee=7)

        result = replay(draft(order_paid=fees_elsewhere(), order_refunded=refunds_from_elsewhere()))

        assert (result["events"], result["changed"]) == (4, 2)
        assert result["accounts"] == [
            {"code": "platform:fees", "currency": "GBP", "before": 42, "after": 0, "difference": -42},
            {"code": "platform:fees:new", "currency": "GBP", "before": 0, "after": 42, "difference": 42},
        ]

    def test_it_writes_nothing_to_the_book(self, replay):
        sale()
        before = (Journal.objects.count(), Transfer.objects.count(), balance("platform:fees"))

        replay(draft(order_paid=fees_elsewhere()))

        assert (Journal.objects.count(), Transfer.objects.count(), balance("platform:fees")) == before

    def test_what_takes_back_follows_what_it_takes_back(self, replay):
        payer, seller, order = sale(gross=1000, fee=35)
        refund(payer, seller, order, net=386, fee=14)

        result = replay(draft(order_paid=fees_elsewhere(), order_refunded=refunds_from_elsewhere()))

        assert differences(result) == {"platform:fees": -21, "platform:fees:new": 21}

    def test_also_when_it_happened_after_the_period(self, replay):
        payer, seller, order = sale(gross=1000, fee=35)
        refund(payer, seller, order, net=386, fee=14, at=UNTIL + timedelta(days=3))

        result = replay(draft(order_paid=fees_elsewhere(), order_refunded=refunds_from_elsewhere()))

        assert differences(result) == {"platform:fees": -21, "platform:fees:new": 21}

    def test_what_takes_back_an_older_event_stays_as_it_was(self, replay):
        payer, seller, order = sale(gross=1000, fee=35, at=SINCE - timedelta(days=3))
        refund(payer, seller, order, net=386, fee=14)

        result = replay(draft(order_paid=fees_elsewhere(), order_refunded=refunds_from_elsewhere()))

        assert (result["events"], result["changed"]) == (1, 0)

    def test_only_the_period_counts(self, replay):
        sale(at=SINCE - timedelta(seconds=1)), sale(at=SINCE), sale(at=UNTIL)

        assert replay(draft())["events"] == 2

    def test_what_could_not_be_booked_is_counted_with_its_reason(self, replay):
        sale()
        unsound = document()
        unsound["types"] = {"order.paid": fees_elsewhere()}
        from billing.services.rule_sets import draft_rule_set
        from tests.conftest import make_account

        result = replay(draft_rule_set(document=unsound, actor=Actor.own(make_account(operator=True))))

        assert result["refused"] == [{"reason": "no_rule", "count": 1}]
        assert result["changed"] == 2

    def test_what_waits_is_counted_apart(self, replay):
        top_up(account_id(), 100)

        result = replay(draft())

        assert (result["events"], result["waiting"]) == (0, 1)

    def test_shares_are_cut_anew(self, replay, seller):
        declare_parking()
        since_ever(parking_paid=parking(100))
        park(seller, 999)

        result = replay(draft(parking_paid=parking(250)))

        assert differences(result) == {"platform:fees": 15, f"wallet:{seller.public_id}": -15}

    def test_one_that_is_broken_off_goes_on_and_finds_the_same(self, replay, operator, settings, monkeypatch):
        settings.REPLAY_EVENTS_AT_ONCE, settings.REPLAY_RANGES_PER_CHECKPOINT = 2, 2
        for _ in range(4):
            sale()
        version = draft(order_paid=fees_elsewhere())
        whole = replay(version)
        job = request_replay(rule_set=version, since=SINCE, until=UNTIL, actor=Actor.own(operator))
        answers = iter([False, False, False, True])

        run_next_job(stopping=lambda: next(answers))
        assert Job.objects.get(pk=job.pk).checkpoint["found"]["events"] > 0
        assert done(job) == whole

    def test_it_shows_how_far_it_is(self, operator, settings):
        settings.REPLAY_EVENTS_AT_ONCE = 1
        for _ in range(2):
            sale()
        job = request_replay(rule_set=draft(), since=SINCE, until=UNTIL, actor=Actor.own(operator))
        answers = iter([False, False, True])

        run_next_job(stopping=lambda: next(answers))

        assert 0 < Job.objects.get(pk=job.pk).progress < 100

    def test_a_long_list_ends_with_what_differs_least(self, replay, settings):
        settings.REPLAY_ACCOUNTS_LISTED_MAX = 1
        sale()

        result = replay(draft(order_paid=fees_elsewhere()))

        assert (len(result["accounts"]), result["accounts_left_out"]) == (1, 1)


class TestOverHttp:
    """POST /billing/rule-sets/{id}/replay"""

    def ask(self, caller, version, **body):
        wanted = {"since": SINCE.isoformat(), "until": UNTIL.isoformat(), **body}
        return caller.post(f"/billing/rule-sets/{version.public_id}/replay", wanted)

    def test_it_answers_with_a_job(self, operator, api):
        sale()
        answer = self.ask(api(operator), draft(order_paid=fees_elsewhere()))

        assert answer.status_code == 202
        assert (answer.json()["status"], answer.json()["progress"]) == ("queued", 0)
        assert answer["Location"] == f"/api/v1/jobs/{answer.json()['id']}"
        run_next_job()
        job = api(operator).get(answer["Location"].removeprefix("/api/v1")).json()
        assert (job["status"], job["result"]["changed"]) == ("done", 1)

    def test_a_period_ends_after_it_begins(self, operator, api):
        answer = self.ask(api(operator), draft(), until=SINCE.isoformat())

        assert (answer.status_code, answer.json()["code"]) == (422, "period_invalid")

    def test_only_operators_may(self, buyer, operator, api):
        version = draft()

        assert self.ask(api(buyer), version).status_code == 403
        assert api(operator).post("/billing/rule-sets/rls_NONE/replay", {}).status_code == 404
        assert api(operator).post(f"/billing/rule-sets/{version.public_id}/replay", {}).status_code == 422
