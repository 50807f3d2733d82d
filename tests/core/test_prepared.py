"""Prepared statements do what the ORM's would, and are planned once per connection."""

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from accounts.models import Account
from accounts.references import NAMED_BY
from core import clock
from core.models import AttemptCount, IdempotencyRecord
from core.prepared import Columns, Prepared, insert, insert_all, update
from orders.models import Checkout, Order, OrderLine
from tests.conftest import make_account

_WHO = Columns(Account, "a", *NAMED_BY)
_BY_NAME = Prepared(
    "tests_by_name",
    f"SELECT {_WHO} FROM accounts_account a WHERE a.name = %(name)s OR a.public_id = %(name)s",
)


def prepared_on_this_connection() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM pg_prepared_statements WHERE name LIKE 'tests_%'")
        return [name for (name,) in cursor.fetchall()]


@pytest.mark.django_db
class TestPrepared:
    def test_a_parameter_may_stand_twice_and_is_never_part_of_the_statement(self):
        account = make_account(name="Robert'); DROP TABLE students; --%(name)s")

        assert [row[1] for row in _BY_NAME.rows(name=account.name)] == [account.public_id]
        assert _BY_NAME.row(name=account.public_id) == (account.pk, account.public_id, account.name)
        assert _BY_NAME.row(name="nobody") is None

    def test_is_one_statement_of_the_request_also_the_first_time(self, statements):
        once = Prepared("tests_once", "SELECT 1")
        with statements() as seen:
            assert once.rows() == once.rows() == [(1,)]

        assert [query["sql"] for query in seen.captured_queries] == ["EXECUTE tests_once"] * 2
        assert prepared_on_this_connection().count("tests_once") == 1

    def test_outlives_the_rollback_of_what_it_was_prepared_in(self):
        lasting = Prepared("tests_lasting", "SELECT 1 / %(by)s::int")
        with pytest.raises(Exception, match="division by zero"), transaction.atomic():
            lasting.row(by=0)

        assert lasting.row(by=1) == (1,)

    def test_says_how_many_rows_it_wrote(self):
        rename = Prepared("tests_rename", "UPDATE accounts_account SET name = %(to)s WHERE name = %(of)s")
        make_account(name="Ann")
        make_account(name="Ann")

        assert (rename.run(of="Ann", to="Bea"), rename.run(of="Ann", to="Bea")) == (2, 0)

    def test_a_name_is_taken_once(self):
        with pytest.raises(ValueError, match="tests_by_name"):
            Prepared("tests_by_name", "SELECT 2")


class TestConnections:
    def test_a_new_connection_prepares_anew(self, committed_db):
        assert _BY_NAME.rows(name="nobody") == []
        connection.close()

        assert _BY_NAME.rows(name="nobody") == []
        assert prepared_on_this_connection() == ["tests_by_name"]


@pytest.mark.django_db
class TestColumns:
    def test_make_the_instance_that_a_queryset_would_have_made(self):
        everything = Columns(Account, "a")
        find = Prepared("tests_whole", f"SELECT {everything} FROM accounts_account a WHERE id = %(id)s")
        account = make_account()

        found = everything.take(iter(find.row(id=account.pk) or ()))

        assert vars(found) | {"_state": None} == vars(Account.objects.get(pk=account.pk)) | {"_state": None}
        assert not found._state.adding

    def test_what_was_not_asked_for_is_read_when_somebody_needs_it(self, statements):
        account = make_account()
        found = _WHO.take(iter(_BY_NAME.row(name=account.name) or ()))

        with statements() as seen:
            assert (found.pk, found.name) == (account.pk, account.name)
        assert not len(seen)
        assert found.username == account.username


@pytest.mark.django_db
class TestInsert:
    def test_writes_what_saving_would_and_brings_back_what_the_database_filled(self):
        mine = {"owner": "acc_1", "key": "k", "request_digest": "d"}
        insert(row := IdempotencyRecord(**mine))
        saved = IdempotencyRecord.objects.create(**mine | {"key": "l"})

        assert row.created_at <= saved.created_at
        assert vars(row) | {"_state": None} == vars(IdempotencyRecord.objects.get(pk=row.pk)) | {"_state": None}
        row.body = "changed"
        row.save()
        assert IdempotencyRecord.objects.get(pk=row.pk).body == "changed"

    def test_constraints_hold(self):
        at = clock.now()
        insert(AttemptCount(scope="tests", subject="one", window_ends_at=at))

        with pytest.raises(IntegrityError), transaction.atomic():
            insert(AttemptCount(scope="tests", subject="one", window_ends_at=at))

    @pytest.mark.parametrize("number", [0, 1, 3])
    def test_any_number_of_rows_is_one_statement(self, statements, number):
        rows = [AttemptCount(scope="tests", subject=f"{n}", window_ends_at=clock.now()) for n in range(number)]
        with statements() as seen:
            insert_all(rows)

        assert len(seen) == min(number, 1)
        assert sorted(AttemptCount.objects.values_list("pk", flat=True)) == sorted(row.pk for row in rows)

    def test_rows_that_are_made_together_are_one_statement_and_refer_to_each_other(self, statements):
        buyer, seller, at = make_account(), make_account(), clock.now()
        money = {"currency": "GBP", "total_minor": 5, "placed_at": at}
        checkout = Checkout(buyer=buyer, login_account=buyer, **money)
        order = Order(buyer=buyer, seller=seller, placed_by=buyer, fee_minor=0, **money)
        line = OrderLine(title="Tea", quantity=1, unit_minor=5, amount_minor=5, fee_minor=0)
        with statements() as seen:
            insert(checkout, order, line)

        assert len(seen) == 1
        assert (line.order, line.order.checkout) == (order, checkout)
        found = OrderLine.objects.select_related("order__checkout").get(pk=line.pk)
        assert (found.order, found.order.checkout, found.title) == (order, checkout, "Tea")


@pytest.mark.django_db
class TestUpdate:
    def test_writes_the_named_fields_of_one_row_and_nothing_else(self, statements):
        account, other = make_account(name="Ann"), make_account(name="Eve")
        account.name, account.username = "Bea", "not-written"
        with statements() as seen:
            update(account, "name")

        assert len(seen) == 1
        account.refresh_from_db()
        other.refresh_from_db()
        assert (account.name, other.name) == ("Bea", "Eve")
        assert account.username != "not-written"

    def test_of_a_row_that_is_gone_is_refused(self):
        account = make_account()
        Account.objects.filter(pk=account.pk).delete()

        with pytest.raises(DatabaseError, match="Account"):
            update(account, "name")
