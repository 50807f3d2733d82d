"""Batches book the same as one by one, once, and only what is covered."""

from datetime import timedelta
from importlib import import_module
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import QuerySet

from billing import booking
from billing.versions import timeline
from events.consumers import get_consumer
from events.delivery import heads, retry_parked
from events.models import Delivery
from ledger import posting
from ledger.errors import InsufficientFunds
from ledger.models import LEG_BITS, Batch, Hold, Journal, LedgerAccount, Movement, MovementLegs, Transfer
from tests.money_facts import AT, account_id, balance, book, limits, pay, record, top_up


def waiting() -> QuerySet[Delivery]:
    """What billing has yet to book."""
    return Delivery.objects.filter(consumer=booking.BILLING)


def cut(**settings: int) -> booking.Cut:
    found = heads(get_consumer(booking.BILLING), 1000)
    return booking.cut_batch(found, timeline(), limits(**settings))


@pytest.mark.django_db
class TestTheRoad:
    """A hold, an event, a rule, a batch: and the book is balanced."""

    def test_a_payment_moves_the_money_and_releases_its_hold(self) -> None:
        payer, seller = account_id(), account_id()
        top_up(payer, 5000)
        book()
        pay(payer, seller, 3000, fee=90)

        book()

        assert balance(f"wallet:{payer}") == 2000
        assert balance(f"pending:{seller}") == 2910
        assert balance("platform:fees") == 90
        assert balance("clearing:local") == -5000
        assert not Hold.objects.exists()
        assert not LedgerAccount.objects.exclude(held_minor=0).exists()

    def test_a_zero_fee_writes_no_transfer(self) -> None:
        payer, seller = account_id(), account_id()
        top_up(payer, 100)
        book()
        paid = pay(payer, seller, 100)
        book()

        assert Transfer.objects.filter(id__gte=paid.id << 8, id__lt=(paid.id + 1) << 8).count() == 1

    def test_a_refund_goes_back_the_way_it_came(self) -> None:
        payer, seller = account_id(), account_id()
        top_up(payer, 1000)
        book()
        paid = pay(payer, seller, 1000, fee=30, order="ord_1")
        refund = {"payer": payer, "buyer": payer, "seller": seller, "net_minor": 970, "fee_minor": 30}
        record("order.refunded", subject="ord_1", undoes=paid.key, **refund)

        book()

        assert (balance(f"wallet:{payer}"), balance(f"pending:{seller}"), balance("platform:fees")) == (1000, 0, 0)

    def test_what_undoes_an_event_that_is_not_booked_is_parked(self) -> None:
        record("withdrawal.failed", owner=account_id(), amount_minor=5, undoes="wallet.withdrawn:nowhere")

        book()

        assert waiting().get().error_code == "no_rule"

    def test_currencies_do_not_mix(self) -> None:
        owner = account_id()
        top_up(owner, 100)
        top_up(owner, 7, currency="JPY")

        book()

        assert (balance(f"wallet:{owner}"), balance(f"wallet:{owner}", "JPY")) == (100, 7)

    def test_a_hold_is_refused_when_less_is_available(self) -> None:
        payer = account_id()
        top_up(payer, 100)
        book()
        pay(payer, account_id(), 60)

        with pytest.raises(InsufficientFunds):
            pay(payer, account_id(), 60)


@pytest.mark.django_db
class TestUncovered:
    """A debit without a hold must fit at the batch's lock; else its event is left out and parked."""

    def test_parks_what_is_short_and_books_the_rest(self) -> None:
        rich, poor = account_id(), account_id()
        top_up(rich, 100)
        record("wallet.withdrawn", owner=poor, amount_minor=50, key="short")
        record("wallet.withdrawn", owner=rich, amount_minor=50)

        book()

        assert balance(f"wallet:{rich}") == 50
        assert waiting().get().error_code == "insufficient_cover"

    def test_walks_the_journals_in_order_as_one_by_one_would(self) -> None:
        owner = account_id()
        record("wallet.withdrawn", owner=owner, amount_minor=50, key="too early")
        top_up(owner, 50)

        book()

        assert waiting().get().error_code == "insufficient_cover"
        assert balance(f"wallet:{owner}") == 50

    def test_a_retry_books_it_once_the_money_is_there(self) -> None:
        owner = account_id()
        early = record("wallet.withdrawn", owner=owner, amount_minor=50)
        book()
        top_up(owner, 80)
        book()

        assert retry_parked(booking.BILLING, early.id)
        book()

        assert balance(f"wallet:{owner}") == 30

    def test_never_takes_what_another_payment_holds(self) -> None:
        owner = account_id()
        top_up(owner, 100)
        book()
        record("wallet.withdrawn", owner=owner, amount_minor=50, key="unheld")
        pay(owner, account_id(), 80)

        book()

        assert waiting().get().error_code == "insufficient_cover"
        assert balance(f"wallet:{owner}") == 20

    def test_a_debt_is_never_repaid_beyond_what_is_owed(self) -> None:
        owner = account_id()
        record("debt.written_off", owner=owner, amount_minor=10)

        book()

        assert waiting().get().error_code == "insufficient_cover"


@pytest.mark.django_db
class TestParking:
    """Only what its own data makes impossible is parked, and nothing else waits for it."""

    def test_no_rule(self) -> None:
        with transaction.atomic():
            record("order.paid", payer=account_id(), buyer="x", seller="y", gross_minor=1, fee_minor=2)
        owner = account_id()
        top_up(owner, 1)

        book()

        assert waiting().get().error_code == "amounts_disagree"
        assert balance(f"wallet:{owner}") == 1

    def test_money_to_where_it_is(self) -> None:
        record("order.refunded", payer="x", seller="y", buyer="x", net_minor=1, fee_minor=0, undoes="order.paid:none")
        book()

        assert waiting().get().parked_at is not None

    def test_a_constraint_is_found_by_halving(self) -> None:
        owner, endless = account_id(), "x" * 200
        top_up(endless, 5)
        top_up(owner, 5)
        top_up(owner, 6)

        book()

        assert balance(f"wallet:{owner}") == 11
        assert waiting().get().error_code == "DataError"


@pytest.mark.django_db
class TestCut:
    """A batch is cut by a count before it exceeds it, or by the period."""

    def test_by_transfers(self) -> None:
        for _ in range(5):
            top_up(account_id(), 1)

        found = cut(max_transfers=3)

        assert (len(found.drafts), found.trigger) == (3, booking.TRANSFERS)

    def test_by_accounts(self) -> None:
        for _ in range(5):
            top_up(account_id(), 1)

        found = cut(max_accounts=4)

        assert (len(found.drafts), found.accounts, found.trigger) == (3, 4, booking.ACCOUNTS)

    def test_an_event_that_alone_exceeds_a_count_is_booked_alone(self) -> None:
        for _ in range(2):
            top_up(account_id(), 1)

        found = cut(max_accounts=1)

        assert (len(found.drafts), found.trigger) == (1, booking.ACCOUNTS)

    def test_not_at_all_below_the_counts(self) -> None:
        top_up(account_id(), 1)

        assert cut().trigger is None

    def test_waits_for_the_rest_of_the_period(self) -> None:
        top_up(account_id(), 1)

        wait_seconds = booking.book_due()

        assert wait_seconds is not None
        assert 0 < wait_seconds <= 0.5
        assert not Batch.objects.exists()

    def test_nothing_waits_for_nothing(self) -> None:
        assert booking.book_due() is None


@pytest.mark.django_db
class TestTheBook:
    """Rows are written once; a batch takes the same number of statements whatever its size."""

    @pytest.mark.parametrize(
        "table", ["ledger_batch", "ledger_journal", "ledger_transfer", "ledger_movement", "ledger_movementlegs"]
    )
    @pytest.mark.parametrize("statement", ["DELETE FROM {}", "TRUNCATE {}", "UPDATE {} SET batch_id = 0"])
    def test_refuses_to_be_changed(self, table: str, statement: str) -> None:
        top_up(account_id(), 1)
        book()
        statement = statement.replace("batch_id", "id") if table == "ledger_batch" else statement

        with pytest.raises(IntegrityError, match="written once"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement.format(table))

    def test_statements_do_not_grow_with_the_batch(self, statements: Any) -> None:
        counts = []
        for size in (3, 300):
            payer, seller = account_id(), account_id()
            top_up(payer, 10_000)
            book()
            for _ in range(size):
                pay(payer, seller, 10, fee=1)
            with statements() as seen:
                booking.book_batch(trigger=booking.MANUAL)
            counts.append(len(seen))

        assert counts[0] == counts[1] <= 18, str(seen)

    def test_movements_carry_the_running_totals(self) -> None:
        owner = account_id()
        for minor in (5, 7, 9):
            top_up(owner, minor, at=AT + timedelta(days=minor))
            book()

        wallet = LedgerAccount.objects.get(code=f"wallet:{owner}")
        movements = Movement.objects.filter(account_id=wallet.pk).order_by("id")
        assert [m.credits_after_minor for m in movements] == [5, 12, 21]
        assert wallet.credits_minor == 21

    def test_movements_list_their_transfers_oldest_first(self) -> None:
        """Whatever the order of their times, in which a batch writes them."""
        owner = account_id()
        topped_up = [top_up(owner, minor, at=AT - timedelta(days=minor)) for minor in (5, 7, 9)]
        book()

        wallet = LedgerAccount.objects.get(code=f"wallet:{owner}")
        (legs,) = MovementLegs.objects.filter(account_id=wallet.pk)
        assert legs.transfer_ids == [event.id << LEG_BITS for event in topped_up]

    def test_a_batch_that_lists_none_is_put_back_and_booked_by_another_worker(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """As a worker of the release before would book it."""
        topped_up = top_up(account_id(), 5)
        with monkeypatch.context() as old:
            old.setattr(posting, "_legs", lambda changes, batch_id: iter(()))
            assert booking.book_batch(trigger=booking.MANUAL) is False
        put_back = waiting().get()
        assert (put_back.event_id, put_back.parked_at, put_back.attempts) == (topped_up.id, None, 1)

        waiting().update(not_before=None)
        book()
        assert Journal.objects.filter(event_id=topped_up.id).exists()

    def test_a_book_from_before_the_lists_is_given_them(self) -> None:
        payer, seller = account_id(), account_id()
        top_up(payer, 1000)
        book()
        pay(payer, seller, 300, fee=9)
        book()
        booked = list(MovementLegs.objects.order_by("pk").values_list())
        fill = import_module("ledger.migrations.0007_legs_of_movements").FILL

        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE ledger_movementlegs DISABLE TRIGGER USER")
            cursor.execute("DELETE FROM ledger_movementlegs")
            cursor.execute(fill)

        assert booked
        assert list(MovementLegs.objects.order_by("pk").values_list()) == booked

    def test_an_event_has_one_journal(self) -> None:
        topped_up = top_up(account_id(), 5)
        book()

        with pytest.raises(IntegrityError), transaction.atomic():
            Journal.objects.create(event_id=topped_up.id, batch_id=1, rule_set_id=1, rule="again", effective_at=AT)


class TestTwoWorkers:
    """Several workers on the same queue: everything once, no deadlock."""

    def test_racing_workers_book_everything_once(self, committed_db: Any, race: Any) -> None:
        owners = [account_id() for _ in range(6)]
        for owner in owners:
            top_up(owner, 1000)
        book()
        for number in range(60):
            pay(owners[number % 6], owners[(number * 5 + 1) % 6], 10, fee=1)
            if number % 3 == 0:
                top_up(owners[number % 6], 3)

        for _round in range(20):
            outcomes = race(*[lambda: booking.book_batch(trigger=booking.MANUAL)] * 4)
            assert not [found for found in outcomes if isinstance(found, Exception)]
            if not waiting().exists():
                break

        assert balance("platform:fees") == 60
        assert balance("clearing:local") == -6 * 1000 - 20 * 3
        assert Journal.objects.count() == 6 + 60 + 20
        assert not LedgerAccount.objects.exclude(held_minor=0).exists()
