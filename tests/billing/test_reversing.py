"""Reversal of any journal by an operator: with a reason, by a second person, once."""

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from accounts.actor import Actor
from billing.errors import (
    JournalAlreadyReversed,
    JournalNotReversible,
    JournalTakenBack,
    ReversalNotRequested,
    ReversalRequested,
    SecondPersonRequired,
)
from billing.models import JournalReversal
from billing.services import correcting, reversing
from billing.services.reversing import approve_reversal, request_reversal, withdraw_reversal
from events.models import EventRecord
from ledger.models import Journal
from tests.billing.history import NOW, activated, declare_parking, park, parking, since_ever
from tests.billing.test_repairing import findings, legs, meet_before, repair, unreversed_per_event
from tests.money_facts import AT, balance, book, record, top_up
from wallets.models import Debt, DebtRepayment


def journal_of(event_id: int) -> str:
    return Journal.objects.get(event_id=event_id).public_id


@pytest.fixture
def two(new_account):
    """Two operators: one asks, the other approves."""
    return Actor.own(new_account(operator=True)), Actor.own(new_account(operator=True))


def reverse(event_id: int, two: tuple[Actor, Actor]) -> Journal:
    """Ask and approve; return the journal that takes the event's back."""
    journal = journal_of(event_id)
    request_reversal(journal=journal, reason="Sent twice.", actor=two[0], now=NOW)
    wish = approve_reversal(journal=journal, actor=two[1], now=NOW)
    return Journal.objects.get(event_id=wish.event_id)


class TestReversal:
    """Every leg is booked the other way round, by a journal that names the first."""

    def test_the_money_is_where_it_was(self, seller, two):
        came = top_up(seller.public_id, 500)
        book()

        taken_back = reverse(came.id, two)

        assert balance(f"wallet:{seller.public_id}") == 0
        assert legs(taken_back) == [(f"wallet:{seller.public_id}", "clearing:local", 500)]
        assert (taken_back.reverses_id, taken_back.effective_at) == (came.id, NOW)
        assert EventRecord.objects.get(pk=taken_back.event_id).payload["reason"] == "Sent twice."
        assert findings() == []

    def test_nothing_happens_before_it_is_approved(self, seller, two):
        came = top_up(seller.public_id, 500)
        book()

        request_reversal(journal=journal_of(came.id), reason="x", actor=two[0], now=NOW)

        assert balance(f"wallet:{seller.public_id}") == 500

    def test_who_asked_may_not_approve(self, seller, two, settings):
        came = top_up(seller.public_id, 500)
        book()
        journal = journal_of(came.id)
        request_reversal(journal=journal, reason="x", actor=two[0], now=NOW)

        with pytest.raises(SecondPersonRequired):
            approve_reversal(journal=journal, actor=two[0], now=NOW)
        settings.JOURNAL_REVERSAL_SECOND_PERSON = False
        assert approve_reversal(journal=journal, actor=two[0], now=NOW).status == "reversed"

    def test_it_happens_once(self, seller, two):
        came = top_up(seller.public_id, 500)
        book()
        journal = journal_of(came.id)
        with pytest.raises(ReversalNotRequested):
            approve_reversal(journal=journal, actor=two[1], now=NOW)
        request_reversal(journal=journal, reason="x", actor=two[0], now=NOW)
        with pytest.raises(ReversalRequested):
            request_reversal(journal=journal, reason="y", actor=two[1], now=NOW)
        approve_reversal(journal=journal, actor=two[1], now=NOW)

        with pytest.raises(JournalAlreadyReversed):
            approve_reversal(journal=journal, actor=two[1], now=NOW)
        with pytest.raises(JournalAlreadyReversed):
            request_reversal(journal=journal, reason="x", actor=two[0], now=NOW)

    def test_a_wish_may_be_withdrawn_and_made_again(self, seller, two):
        came = top_up(seller.public_id, 500)
        book()
        journal = journal_of(came.id)
        request_reversal(journal=journal, reason="x", actor=two[0], now=NOW)

        assert withdraw_reversal(journal=journal, now=NOW).status == "withdrawn"
        with pytest.raises(ReversalNotRequested):
            approve_reversal(journal=journal, actor=two[1], now=NOW)
        request_reversal(journal=journal, reason="y", actor=two[0], now=NOW)
        assert approve_reversal(journal=journal, actor=two[1], now=NOW).reason == "y"

    def test_a_reversal_is_not_reversed(self, seller, two):
        came = top_up(seller.public_id, 500)
        book()
        taken_back = reverse(came.id, two)

        with pytest.raises(JournalNotReversible):
            request_reversal(journal=taken_back.public_id, reason="x", actor=two[0], now=NOW)

    def test_what_is_taken_back_in_part_waits_for_that(self, seller, two):
        from tests.billing.test_replaying import refund, sale

        payer, paid_seller, order = sale(gross=1000, fee=35)
        refund(payer, paid_seller, order, net=386, fee=14)
        paid = EventRecord.objects.get(key=f"order.paid:{order}")
        refunded = EventRecord.objects.get(type="order.refunded")

        with pytest.raises(JournalTakenBack):
            request_reversal(journal=journal_of(paid.pk), reason="x", actor=two[0], now=NOW)
        top_up(payer, 1)
        book()
        reverse(refunded.pk, two)
        reverse(paid.pk, two)

        assert (balance(f"wallet:{payer}"), balance(f"pending:{paid_seller}"), balance("platform:fees")) == (1001, 0, 0)

    def test_a_repaired_journal_may_be_reversed_and_is_not_repaired_again(self, seller, operator, two):
        declare_parking()
        since_ever(parking_paid=parking(100))
        paid = park(seller, 1000)
        version = activated(parking_paid=parking(250))
        repair(version, operator)
        from billing.models import Rebooking

        again = Rebooking.objects.get(stands_for_id=paid.id)
        with pytest.raises(JournalAlreadyReversed):
            request_reversal(journal=journal_of(paid.id), reason="x", actor=two[0], now=NOW)

        reverse(again.event_id, two)

        assert (balance("cash:city"), balance("platform:fees"), balance(f"wallet:{seller.public_id}")) == (0, 0, 0)
        third = activated(now=NOW + timedelta(days=1), parking_paid=parking(77))
        assert repair(third, operator) == {"events": 0, "repaired": 0, "skipped": []}
        assert paid.id not in unreversed_per_event()
        assert findings() == []


class TestDebts:
    """What a wallet cannot give is owed; what is owed no more comes back."""

    def test_a_spent_wallet_leaves_a_debt(self, seller, two):
        came = top_up(seller.public_id, 500)
        record("wallet.withdrawn", owner=seller.public_id, amount_minor=300)
        book()

        taken_back = reverse(came.id, two)

        wallet, debt = f"wallet:{seller.public_id}", f"debt:{seller.public_id}"
        assert legs(taken_back) == [(wallet, "clearing:local", 200), (debt, "clearing:local", 300)]
        owed = Debt.objects.get(owner=seller)
        assert (owed.owed_minor, owed.event_id, owed.currency) == (300, taken_back.event_id, "GBP")
        assert findings() == []

    def chargeback(self, seller) -> tuple[int, int]:
        """500 came and are charged back when 100 are left: 400 are owed."""
        from tests.wallets.shop import fill
        from wallets.services import reverse_top_up

        came = fill(seller, 500)
        book()
        record("wallet.withdrawn", owner=seller.public_id, amount_minor=400)
        book()
        reverse_top_up(public_id=came.public_id, reason="x", actor=Actor.own(seller), now=AT)
        book()
        return came.pk, EventRecord.objects.get(type="topup.reversed").pk

    def test_a_debt_that_was_wrong_is_settled(self, seller, two):
        _came, charged_back = self.chargeback(seller)
        assert balance(f"debt:{seller.public_id}") == -400

        reverse(charged_back, two)

        assert (balance(f"debt:{seller.public_id}"), balance(f"wallet:{seller.public_id}")) == (0, 100)
        assert Debt.objects.get(owner=seller).owed_minor == 0
        assert DebtRepayment.objects.get().kind == "correction"
        assert findings() == []

    def test_what_was_repaid_of_it_comes_back_to_the_wallet(self, seller, two):
        from core.money import Money
        from wallets.services import repay_debts

        _came, charged_back = self.chargeback(seller)
        top_up(seller.public_id, 150)
        book()
        repay_debts(owner=seller, amount=Money(150, "GBP"), actor=Actor.own(seller), now=AT)

        reverse(charged_back, two)
        book()

        assert (balance(f"debt:{seller.public_id}"), balance(f"wallet:{seller.public_id}")) == (0, 250)
        assert Debt.objects.get(owner=seller).owed_minor == 0
        assert findings() == []


class TestRaces:
    """Two who approve at the same moment reverse once."""

    @pytest.fixture
    def asked(self, committed_db, new_account):
        seller = new_account(side="seller")
        came = top_up(seller.public_id, 500)
        book()
        first, second, third = (Actor.own(new_account(operator=True)) for _ in range(3))
        request_reversal(journal=journal_of(came.id), reason="x", actor=first, now=NOW)
        return seller, came, second, third

    def approvals(self, asked) -> list[Any]:
        _seller, came, second, third = asked
        journal = journal_of(came.id)
        return [lambda who=who: approve_reversal(journal=journal, actor=who, now=NOW).status for who in (second, third)]

    def test_one_wins(self, asked, race):
        outcomes = race(*self.approvals(asked))

        assert "reversed" in outcomes
        assert [type(outcome) for outcome in outcomes].count(JournalAlreadyReversed) == 1
        assert balance(f"wallet:{asked[0].public_id}") == 0

    def test_control_without_the_lock_the_database_refuses_the_second(self, asked, race, monkeypatch):
        both = meet_before(monkeypatch, correcting, "record_facts")
        monkeypatch.setattr(reversing, "begin_correcting", lambda subjects: None)
        monkeypatch.setattr(correcting, "_lock_rooms", lambda families: Counter())

        outcomes = race(*self.approvals(asked))

        assert both() == 2
        assert "reversed" in outcomes
        assert not any(isinstance(outcome, JournalAlreadyReversed) for outcome in outcomes)
        assert Journal.objects.filter(reverses_id=asked[1].id).count() == 1


class TestOverHttp:
    """POST /ledger/journals/{id}/reverse and …/approve"""

    def test_two_operators_reverse_a_journal(self, seller, new_account, api):
        came = top_up(seller.public_id, 500)
        book()
        first, second = api(new_account(operator=True)), api(new_account(operator=True))
        path = f"/ledger/journals/{journal_of(came.id)}"

        asked = first.post(f"{path}/reverse", {"reason": "Sent twice."})
        refused = first.post(f"{path}/approve")
        approved = second.post(f"{path}/approve")
        again = second.post(f"{path}/approve")

        assert (asked.status_code, asked.json()["status"], asked.json()["reversal"]) == (202, "requested", None)
        assert (refused.status_code, refused.json()["code"]) == (409, "second_person_required")
        assert (approved.status_code, approved.json()["status"]) == (202, "reversed")
        assert (again.status_code, again.json()["code"]) == (409, "journal_already_reversed")
        reversal = first.get(f"/ledger/journals/{approved.json()['reversal']}").json()
        assert reversal["reverses"] == journal_of(came.id)
        original = first.get(path).json()
        assert original["reversed_by"] == reversal["id"]

    def test_it_is_explained(self, seller, two, operator, api):
        came = top_up(seller.public_id, 500)
        book()
        taken_back = reverse(came.id, two)
        journal = api(operator).get(f"/ledger/journals/{taken_back.public_id}").json()

        explained = api(operator).get(f"/ledger/transfers/{journal['transfers'][0]['id']}/explain").json()

        assert explained["path"][2] == "cash desk"

    def test_what_is_refused(self, seller, buyer, operator, api):
        came = top_up(seller.public_id, 500)
        book()
        path = f"/ledger/journals/{journal_of(came.id)}"

        assert api(buyer).post(f"{path}/reverse", {"reason": "x"}).status_code == 403
        assert api(operator).post("/ledger/journals/jrn_0000000000000/reverse", {"reason": "x"}).status_code == 404
        assert api(operator).post(f"{path}/reverse", {}).status_code == 422
        assert api(operator).post(f"{path}/approve").json()["code"] == "reversal_not_requested"
        assert JournalReversal.objects.count() == 0
