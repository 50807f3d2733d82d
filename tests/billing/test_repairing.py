"""Repair by rule: taken back and booked again, linked, once, whatever breaks off or runs beside it."""

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from accounts.actor import Actor
from billing.models import Rebooking, RuleSet
from billing.selectors import codes_of, transfers_of
from billing.services import correcting, repairing
from billing.services.repairing import request_repair
from core.jobs import run_next_job
from core.models import Job
from core.registry import book_checks
from events.models import Delivery, EventRecord
from ledger.models import Batch, Journal, LedgerAccount
from tests.billing.history import NOW, SINCE, UNTIL, activated, declare_parking, done, draft, park, parking, since_ever
from tests.billing.test_replaying import fees_elsewhere, refund, refunds_from_elsewhere, sale
from tests.money_facts import AT, balance, book, record, top_up
from wallets.models import Debt


def repair(version: RuleSet, operator: Any, since=SINCE, until=UNTIL) -> Any:
    return done(ask(version, operator, since, until))


def ask(version: RuleSet, operator: Any, since=SINCE, until=UNTIL) -> Job:
    return request_repair(
        rule_set=version, since=since, until=until, reason="The fee was wrong.", actor=Actor.own(operator)
    )


def legs(journal: Journal) -> list[tuple[str, str, int]]:
    transfers = transfers_of([journal.event_id])
    codes = codes_of(transfers)
    return [(codes[t.debit_id], codes[t.credit_id], t.amount_minor) for t in transfers]


def unreversed_per_event() -> Counter[int]:
    """How many journals that are not taken back stand for each event."""
    stands_for = dict(Rebooking.objects.values_list("event_id", "stands_for_id"))
    taken_back = set(Journal.objects.exclude(reverses_id=None).values_list("reverses_id", flat=True))
    standing = Journal.objects.filter(reverses_id=None).exclude(event_id__in=taken_back)
    return Counter(stands_for.get(event_id, event_id) for event_id in standing.values_list("event_id", flat=True))


def the_book() -> dict[str, int]:
    return {
        f"{account.code} {account.currency}": account.balance_minor
        for account in LedgerAccount.objects.all()
        if account.balance_minor
    }


def findings() -> list[Any]:
    """What the checks of the books find; events of made-up wallets have no rows of wallets behind them."""
    return [finding for check in book_checks() if "seal" not in check.name for finding in check.run()]


@pytest.fixture
def parked(seller):
    """Two events of a declared type, booked with a cut of 1 %; the version with 2.5 % is in force later."""
    declare_parking()
    since_ever(parking_paid=parking(100))
    first, second = park(seller, 1000), park(seller, 500, at=AT + timedelta(days=1))
    return first, second, activated(parking_paid=parking(250))


class TestRepair:
    """What the version would have booked otherwise is taken back and booked again."""

    def test_the_accounts_are_as_if_the_version_had_been_in_force(self, parked, operator, seller):
        result = repair(parked[2], operator)

        assert result == {"events": 2, "repaired": 2, "skipped": []}
        assert balance("platform:fees") == 25 + 13
        assert balance(f"wallet:{seller.public_id}") == 975 + 487
        assert findings() == []

    def test_the_journals_name_each_other(self, parked, operator, seller):
        first, _second, version = parked
        repair(version, operator)

        taken_back = Journal.objects.get(reverses_id=first.id)
        again = Journal.objects.get(event_id=Rebooking.objects.get(stands_for_id=first.id).event_id)
        wallet = f"wallet:{seller.public_id}"
        assert legs(taken_back) == [(wallet, "cash:city", 990), ("platform:fees", "cash:city", 10)]
        assert legs(again) == [("cash:city", wallet, 975), ("cash:city", "platform:fees", 25)]
        assert again.rule_set_id == version.pk
        assert (again.effective_at, taken_back.effective_at) == (AT, AT)
        reversed_ = EventRecord.objects.get(pk=taken_back.event_id)
        assert reversed_.payload["journal"] == Journal.objects.get(pk=first.id).public_id
        assert (reversed_.payload["reason"], reversed_.payload["job"][:4]) == ("The fee was wrong.", "job_")

    def test_once_more_changes_nothing(self, parked, operator):
        repair(parked[2], operator)
        before, journals = the_book(), Journal.objects.count()

        assert repair(parked[2], operator) == {"events": 2, "repaired": 0, "skipped": []}
        assert (the_book(), Journal.objects.count()) == (before, journals)

    def test_another_version_may_repair_what_was_repaired(self, parked, operator):
        repair(parked[2], operator)
        third = activated(now=NOW + timedelta(days=1), parking_paid=parking(50))

        assert repair(third, operator)["repaired"] == 2
        assert balance("platform:fees") == 5 + 3
        assert set(unreversed_per_event().values()) == {1}
        assert findings() == []

    def test_only_the_period_is_repaired(self, parked, operator):
        assert repair(parked[2], operator, until=AT + timedelta(hours=1))["repaired"] == 1
        assert balance("platform:fees") == 25 + 5

    def test_what_would_be_the_same_stays(self, parked, operator):
        record_before = Journal.objects.count()
        assert repair(activated(now=NOW + timedelta(days=1), parking_paid=parking(100)), operator)["repaired"] == 0
        assert Journal.objects.count() == record_before

    def test_a_batch_says_that_it_was_made_by_hand(self, parked, operator):
        repair(parked[2], operator)

        batch = Batch.objects.latest("id")
        assert (batch.trigger, batch.events_count) == ("manual", 4)
        assert not Delivery.objects.filter(consumer="billing").exists()


class TestWallets:
    """A wallet gives the difference, as far as it goes; the rest is owed."""

    def spend(self, seller, minor: int) -> None:
        record("wallet.withdrawn", owner=seller.public_id, amount_minor=minor)
        book()

    def test_only_the_difference_is_taken(self, parked, operator, seller):
        self.spend(seller, 1485 - 23)

        repair(parked[2], operator)

        assert balance(f"wallet:{seller.public_id}") == 0
        assert Debt.objects.count() == 0

    def test_what_is_not_there_is_owed(self, parked, operator, seller):
        self.spend(seller, 1485 - 10)

        repair(parked[2], operator)

        assert balance(f"wallet:{seller.public_id}") == 0
        assert balance(f"debt:{seller.public_id}") == -13
        owed = Debt.objects.filter(owner=seller)
        assert sum(debt.owed_minor for debt in owed) == 13
        assert balance("platform:fees") == 25 + 13
        assert findings() == []
        assert repair(parked[2], operator)["repaired"] == 0

    def test_what_is_held_is_not_there(self, parked, operator, seller):
        from core.money import Money
        from ledger.holds import place_hold

        record("wallet.withdrawn", owner=seller.public_id, amount_minor=5)
        book()
        place_hold(code=f"wallet:{seller.public_id}", amount=Money(1480, "GBP"), key="wdr_X")

        repair(parked[2], operator)

        assert balance(f"debt:{seller.public_id}") == -23
        assert balance(f"wallet:{seller.public_id}") == 1480

    def test_money_may_go_from_one_wallet_to_another_and_be_gone_there(self, parked, operator, seller):
        """From the platform to the wallet: nothing is short, whatever the order of the journals."""
        self.spend(seller, 1485)
        assert repair(activated(now=NOW + timedelta(days=1), parking_paid=parking(10)), operator)["repaired"] == 2
        assert balance(f"wallet:{seller.public_id}") == 9 + 4  # 0.1 % of 1000 and of 500, the half unit to the rest.


class TestFollowers:
    """What takes back a repaired event is repaired with it, and booked by its version from then on."""

    @pytest.fixture
    def version(self, db):
        return lambda: activated(order_paid=fees_elsewhere(), order_refunded=refunds_from_elsewhere())

    def test_a_refund_follows_its_payment(self, operator, version):
        payer, seller, order = sale(gross=1000, fee=35)
        refund(payer, seller, order, net=386, fee=14, at=UNTIL + timedelta(days=2))

        assert repair(version(), operator)["repaired"] == 2
        assert (balance("platform:fees"), balance("platform:fees:new")) == (0, 21)

    def test_a_later_refund_is_booked_by_the_version_that_booked_last(self, operator, version):
        payer, seller, order = sale(gross=1000, fee=35)
        repair(version(), operator)

        refund(payer, seller, order, net=386, fee=14, at=UNTIL + timedelta(days=2))

        assert (balance("platform:fees"), balance("platform:fees:new")) == (0, 21)
        assert balance(f"wallet:{payer}") == 400

    def test_a_refund_alone_takes_its_payment_with_it(self, operator):
        payer, seller, order = sale(gross=1000, fee=35)
        refund(payer, seller, order, net=386, fee=14)
        by = activated(order_refunded=refunds_from_elsewhere("platform:losses"))

        assert repair(by, operator)["repaired"] == 2
        assert (balance("platform:fees"), balance("platform:losses")) == (35, -14)
        refund(payer, seller, order, net=386, fee=14)
        assert balance("platform:losses") == -28

    def test_while_a_refund_waits_the_payment_is_left_alone(self, operator, version):
        payer, seller, order = sale(gross=1000, fee=35)
        people = {"payer": payer, "buyer": payer, "seller": seller}
        record("order.refunded", subject=order, undoes=f"order.paid:{order}", net_minor=386, fee_minor=14, **people)
        by = version()

        assert repair(by, operator)["skipped"] == [{"reason": "waiting", "count": 1}]
        book()
        assert repair(by, operator)["repaired"] == 2
        assert balance("platform:fees:new") == 21

    def test_one_outside_the_period_keeps_its_version(self, operator, version):
        payer, seller, order = sale(gross=1000, fee=35, at=SINCE - timedelta(days=1))
        refund(payer, seller, order, net=386, fee=14)

        assert repair(version(), operator)["repaired"] == 0

    def test_what_the_version_cannot_book_is_left_with_its_reason(self, parked, operator, seller):
        same = [
            {
                "name": "default",
                "match": {},
                "transfers": [{"debit": "wallet:{owner}", "credit": "wallet:{owner}", "amount": "amount"}],
            }
        ]
        top_up(seller.public_id, 5)
        book()
        broken = RuleSet.objects.create(
            name="broken",
            version=99,
            status="active",
            effective_from=NOW + timedelta(days=9),
            activated_at=NOW + timedelta(days=9),
            document={"name": "broken", "types": {"wallet.topped_up": same, "parking.paid": parking(100)}},
        )

        result = repair(broken, operator)

        assert result == {"events": 3, "repaired": 0, "skipped": [{"reason": "same_account", "count": 1}]}


class TestBreakingOff:
    """It may end anywhere: what is done is right, and the rest is done by whoever goes on."""

    @pytest.fixture
    def many(self, committed_db, new_account):
        """Ten booked events in committed rows, and the version that repairs them."""
        owner = new_account(side="seller")
        declare_parking()
        since_ever(parking_paid=parking(100))
        for number in range(10):
            park(owner, 1000 + number)
        return owner, activated(parking_paid=parking(250))

    @pytest.fixture
    def small_steps(self, settings):
        settings.REPAIR_EVENTS_AT_ONCE = 3

    @pytest.mark.parametrize("where", ["_note_places", "_post", "_follow_debts", "finish"])
    def test_killed_inside_a_step_it_goes_on_and_ends_the_same(
        self, many, small_steps, new_account, monkeypatch, where
    ):
        _owner, version = many
        calls = iter(range(100))
        real = getattr(correcting, where)

        def dies_at_the_second(*args: Any, **kwargs: Any) -> Any:
            if next(calls) == 1:
                raise KeyboardInterrupt
            return real(*args, **kwargs)

        monkeypatch.setattr(correcting, where, dies_at_the_second)
        job = ask(version, new_account(operator=True))
        with pytest.raises(KeyboardInterrupt):
            run_next_job()
        assert set(unreversed_per_event().values()) == {1}
        assert findings() == []
        Job.objects.update(heartbeat_at="2020-01-01T00:00Z")

        assert done(job) == {"events": 10, "repaired": 10, "skipped": []}
        assert balance("platform:fees") == sum(round_up_quarter(1000 + number) for number in range(10))
        assert set(unreversed_per_event().values()) == {1}
        assert findings() == []

    def test_cancelled_in_the_middle_it_leaves_a_right_book(self, many, small_steps, new_account):
        from core.jobs import cancel_job

        _owner, version = many
        job = ask(version, new_account(operator=True))
        steps = iter(range(100))

        def cancel_at_the_third() -> bool:
            if next(steps) == 2:
                cancel_job(job_id=job.pk)
            return False

        run_next_job(stopping=cancel_at_the_third)

        assert Job.objects.get(pk=job.pk).status == "cancelled"
        assert 0 < Rebooking.objects.count() < 10
        assert findings() == []
        assert repair(version, new_account(operator=True))["events"] == 10
        assert Rebooking.objects.count() == 10

    def test_two_at_once_repair_once(self, many, small_steps, new_account, race):
        _owner, version = many
        jobs = [ask(version, new_account(operator=True)) for _ in range(2)]

        assert race(run_next_job, run_next_job) == [True, True]

        results = [Job.objects.get(pk=job.pk) for job in jobs]
        assert [job.status for job in results] == ["done", "done"]
        assert sum(job.result["repaired"] for job in results) == 10
        assert set(unreversed_per_event().values()) == {1}
        assert findings() == []

    def test_control_without_the_lock_the_second_one_breaks_off(self, many, new_account, race, monkeypatch):
        """What the lock spares: both take the same journals back, and the database refuses one of them."""
        _owner, version = many
        for _ in range(2):
            ask(version, new_account(operator=True))
        both = meet_before(monkeypatch, correcting, "record_facts")
        monkeypatch.setattr(repairing, "begin_correcting", lambda subjects: None)
        monkeypatch.setattr(correcting, "_lock_rooms", lambda families: Counter())

        race(run_next_job, run_next_job)

        assert both() == 2
        assert sorted(Job.objects.values_list("status", flat=True)) == ["done", "failed"]
        assert set(unreversed_per_event().values()) == {1}


def meet_before(monkeypatch: pytest.MonkeyPatch, module: Any, name: str) -> Any:
    """Let two threads wait for each other before they call something; returns how many came."""
    import threading

    barrier, came, real = threading.Barrier(2), [], getattr(module, name)

    def together(*args: Any, **kwargs: Any) -> Any:
        came.append(1)
        if len(came) <= 2:
            barrier.wait(timeout=20)
        return real(*args, **kwargs)

    monkeypatch.setattr(module, name, together)
    return lambda: len(came)


def round_up_quarter(gross: int) -> int:
    """2.5 % as `split` cuts it: the larger remainder gets the unit."""
    from core.money import split

    return split(gross, {0: 9750, 1: 250})[1]


class TestOverHttp:
    """POST /billing/rule-sets/{id}/repair"""

    def test_it_answers_with_a_job_and_the_job_with_what_was_done(self, parked, operator, api):
        body = {"since": SINCE.isoformat(), "until": UNTIL.isoformat(), "reason": "Wrong fee."}

        answer = api(operator).post(f"/billing/rule-sets/{parked[2].public_id}/repair", body)

        assert answer.status_code == 202
        run_next_job()
        job = api(operator).get(f"/jobs/{answer.json()['id']}").json()
        assert job["result"] == {"events": 2, "repaired": 2, "skipped": []}

    def test_a_draft_repairs_nothing(self, parked, operator, api):
        body = {"since": SINCE.isoformat(), "until": UNTIL.isoformat(), "reason": "Wrong fee."}

        answer = api(operator).post(f"/billing/rule-sets/{draft().public_id}/repair", body)

        assert (answer.status_code, answer.json()["code"]) == (409, "rule_set_not_activated")

    def test_it_wants_a_reason(self, parked, operator, api):
        body = {"since": SINCE.isoformat(), "until": UNTIL.isoformat()}

        answer = api(operator).post(f"/billing/rule-sets/{parked[2].public_id}/repair", body)

        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "reason")


def test_the_number_of_statements_does_not_depend_on_the_number_of_events(parked, operator, seller, statements):
    job = ask(parked[2], operator)
    with statements() as few:
        run_next_job()
    assert Job.objects.get(pk=job.pk).result["repaired"] == 2
    for number in range(20):
        park(seller, 700 + number)
    job = ask(activated(now=NOW + timedelta(days=1), parking_paid=parking(77)), operator)
    with statements() as many:
        run_next_job()
    assert Job.objects.get(pk=job.pk).result["repaired"] == 22
    assert len(many) <= len(few), f"{few}\n\n{many}"
    assert connection.in_atomic_block
