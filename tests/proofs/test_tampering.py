"""
Whoever can write to the tables behind the triggers is found out, whichever column of whichever row it was.

The columns come from the models, so that a new one cannot be forgotten.
"""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.db.models import Field, Model

from billing.models import RuleSet
from core.registry import Finding, book_checks
from events.models import EventRecord
from ledger import seal_checks
from ledger.models import Batch, Hold, Journal, LedgerAccount, Movement, Seal, Transfer
from ledger.row_names import row_name
from ledger.seal_checks import check_head
from ledger.seals import head_seal, seal_due
from tests.conftest import make_account
from tests.money_facts import AT, account_id, book, pay, top_up

BOOK: list[type[Model]] = [EventRecord, LedgerAccount, Hold, Batch, Journal, Transfer, Movement, Seal, RuleSet]
COLUMNS = [
    pytest.param(model, field, id=f"{model._meta.db_table}.{field.column}")
    for model in BOOK
    for field in model._meta.concrete_fields
]
LEADS_ELSEWHERE = {"batch_id", "account_id", "rule_set_id"}  # Other rows then belong to the batch, too.
SWAPPED = [
    (EventRecord, "payload"),
    (EventRecord, "recorded_at"),
    (LedgerAccount, "code"),
    (LedgerAccount, "credits_minor"),
    (Hold, "amount_minor"),
    (Batch, "opened_at"),
    (Journal, "effective_at"),
    (Journal, "rule_set_id"),
    (Transfer, "amount_minor"),
    (Transfer, "debit_id"),
    (Movement, "debits_minor"),
    (Movement, "effective_min"),
    (Seal, "digest"),
    (Seal, "rows"),
    (RuleSet, "document"),
]


@pytest.fixture(scope="class")
def sealed_books(class_committed_db: Any) -> None:
    """Sales by two versions of the rules, in three currencies' worth of batches; one more sale waits."""
    make_account(operator=True)
    payer, seller = account_id(), account_id()
    top_up(payer, 1000)
    top_up(payer, 700, currency="JPY")
    book()
    pay(payer, seller, 300, fee=9)
    pay(payer, seller, 100, fee=3, currency="JPY")
    book()
    follow_up_rules()
    pay(payer, seller, 200, fee=6, at=AT + timedelta(days=20))
    top_up(payer, 77, at=AT + timedelta(days=21))
    book()
    seal_due()
    pay(payer, seller, 50, at=AT + timedelta(days=22))
    pay(payer, seller, 60, currency="JPY", at=AT + timedelta(days=22))


def follow_up_rules() -> None:
    first = RuleSet.objects.get(version=1)
    since = AT + timedelta(days=10)
    RuleSet.objects.create(
        name="second",
        version=2,
        document=first.document | {"name": "second"},
        status=RuleSet.Status.ACTIVE,
        effective_from=since,
        activated_at=since,
    )
    RuleSet.objects.filter(pk=first.pk).update(status=RuleSet.Status.RETIRED)


@pytest.fixture
def behind_the_triggers(sealed_books: None) -> Iterator[None]:
    """Whoever owns the tables may do this, and needs no superuser; all of it is rolled back."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            for model in BOOK:
                cursor.execute(f"ALTER TABLE {model._meta.db_table} DISABLE TRIGGER USER")
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        yield
        transaction.set_rollback(True)


def findings() -> list[Finding]:
    return [finding for check in book_checks() for finding in check.run()]


def found_names() -> set[str]:
    return {finding.subject for finding in findings()}


def another_value(field: Field) -> str:
    """SQL for a value of the field's own kind that is not the one that stands there."""
    column, kind = field.column, field.get_internal_type()
    if field.is_relation:
        related = field.related_model._meta.db_table  # type: ignore[union-attr]
        return f"(SELECT max(o.id) FROM {related} o WHERE o.id IS DISTINCT FROM r.{column})"
    if kind == "DateTimeField":
        return f"COALESCE({column} + interval '1 hour 1 second', now())"
    if kind == "BooleanField":
        return f"NOT {column}"
    if kind == "JSONField":
        return f"""{column} || '{{"changed": 1}}'"""
    if kind == "BinaryField":
        return f"set_byte({column}, 0, get_byte({column}, 0) # 1)"
    if kind == "CharField":
        last = f"CASE right({column}, 1) WHEN 'X' THEN 'Y' ELSE 'X' END"
        return f"left({column}, greatest(length({column}) - 1, 0)) || {last}"
    return f"COALESCE({column} + 1, 1)"


def names_of(model: type[Model], key: Any) -> set[str]:
    """What a finding may call a row: by its key, or by what people know it by."""
    table = model._meta.db_table
    names = {row_name(table, key)}
    row = model._default_manager.filter(pk=key).first()
    if isinstance(row, LedgerAccount):
        names.add(row_name(table, str(row)))
    if isinstance(row, RuleSet):
        names.add(row_name(table, row.public_id))
    return names


def keys(model: type[Model]) -> list[Any]:
    return list(model._default_manager.order_by("pk").values_list("pk", flat=True))


def first_that_passes(candidates: list[Any], change: Callable[[Any], Any]) -> Any:
    """The first row that the database's constraints let be changed so, and what the change gave."""
    for candidate in candidates:
        try:
            with transaction.atomic():
                return candidate, change(candidate)
        except IntegrityError:
            continue
    return pytest.fail("The constraints refuse it for every row.")


def execute(statement: str, *parameters: Any) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchone()[0] if cursor.description else cursor.rowcount


class TestSoundBooks:
    def test_nothing_is_found(self, sealed_books: None) -> None:
        assert findings() == []

    def test_the_triggers_refuse_the_owner_too(self, sealed_books: None) -> None:
        for model in (EventRecord, Batch, Journal, Transfer, Movement, Seal, RuleSet):
            with pytest.raises(DatabaseError, match="refused"), transaction.atomic():
                execute(f"DELETE FROM {model._meta.db_table}")


class TestTampering:
    """The row itself is named, with its table."""

    @pytest.mark.parametrize(("model", "field"), COLUMNS)
    def test_any_column(self, behind_the_triggers: None, model: type[Model], field: Field) -> None:
        meta = model._meta
        key_column = meta.pk.column  # type: ignore[union-attr]
        statement = f"""
            UPDATE {meta.db_table} r SET {field.column} = {another_value(field)} WHERE {key_column} = %s
            RETURNING {key_column}
        """
        before = {key: names_of(model, key) for key in keys(model)}

        key, key_now = first_that_passes(keys(model), lambda key: execute(statement, key))

        found = findings()
        assert {finding.subject for finding in found} & (before[key] | names_of(model, key_now))
        by_seals = {finding.subject for finding in found if finding.check == seal_checks.CHECK}
        if field.column not in LEADS_ELSEWHERE and not field.primary_key:
            assert by_seals <= names_of(model, key)  # And no other row is suspected.

    @pytest.mark.parametrize("model", BOOK, ids=lambda model: model._meta.db_table)
    def test_a_row_is_deleted(self, behind_the_triggers: None, model: type[Model]) -> None:
        meta = model._meta
        before = {key: names_of(model, key) for key in keys(model)}
        if model is Movement:
            before = {
                m.pk: {f"ledger_movement of account {m.account_id} in batch {m.batch_id}"}
                for m in Movement.objects.all()
            }

        key, _count = first_that_passes(
            keys(model),
            lambda key: execute(f"DELETE FROM {meta.db_table} WHERE {meta.pk.column} = %s", key),  # type: ignore[union-attr]
        )

        assert found_names() & before[key]

    @pytest.mark.parametrize("model", BOOK, ids=lambda model: model._meta.db_table)
    def test_a_row_is_added(self, behind_the_triggers: None, model: type[Model]) -> None:
        added, _key = first_that_passes(keys(model), lambda key: add_one_like(model, key))

        assert found_names() & names_of(model, max(keys(model))), added

    @pytest.mark.parametrize(
        ("model", "column"), SWAPPED, ids=[f"{model._meta.db_table}.{column}" for model, column in SWAPPED]
    )
    def test_two_rows_are_swapped(self, behind_the_triggers: None, model: type[Model], column: str) -> None:
        first, second = swap(model, column)

        found = found_names()

        assert found & names_of(model, first)
        assert found & names_of(model, second)

    def test_all_of_one_batch_is_gone(self, behind_the_triggers: None) -> None:
        batch = Batch.objects.order_by("id")[1]
        of_batch = list(Journal.objects.filter(batch_id=batch.pk).values_list("pk", flat=True))
        execute("DELETE FROM ledger_transfer WHERE batch_id = %s", batch.pk)
        execute("DELETE FROM ledger_movement WHERE batch_id = %s", batch.pk)
        execute("DELETE FROM ledger_journal WHERE batch_id = %s", batch.pk)
        execute("DELETE FROM ledger_batch WHERE id = %s", batch.pk)

        found = found_names()

        assert row_name("ledger_batch", batch.pk) in found
        assert {row_name("events_eventrecord", key) for key in of_batch} <= found  # Neither booked nor waiting.

    def test_the_end_of_the_chain_is_cut_off(self, behind_the_triggers: None) -> None:
        head = head_seal()
        assert head is not None
        execute("DELETE FROM ledger_seal WHERE number = %s", head.number)

        assert len(list(check_head(head.hash))) == 1  # Only who has kept the head can know.

    def test_the_past_is_written_anew_with_its_seals(self, behind_the_triggers: None) -> None:
        head = head_seal()
        assert head is not None
        execute("UPDATE ledger_batch SET opened_at = opened_at - interval '1 day'")
        execute("DELETE FROM ledger_seal")
        seal_due()

        assert findings() == []
        assert len(list(check_head(head.hash))) == 1


def add_one_like(model: type[Model], key: Any) -> int:
    """Insert a row like another one, with a key of its own, and whatever else must be unique."""
    meta = model._meta
    key_column = meta.pk.column  # type: ignore[union-attr]
    values = {field.column: field.column for field in meta.concrete_fields}
    leap = "1" if model in (Transfer, Seal) else "100000"
    values[key_column] = f"(SELECT max({key_column}) + {leap} FROM {meta.db_table})"
    values |= {
        EventRecord: {"key": "key || '-again'"},
        LedgerAccount: {"code": "'platform:more'", "must_cover": "false", "must_owe": "false"},
        Hold: {"key": "key || '-again'"},
        Journal: {"reverses_id": "NULL"},
        Movement: {"account_id": "(SELECT max(id) + 1 FROM ledger_ledgeraccount)"},
        Seal: {"batch_id": "batch_id + 100000"},
        RuleSet: {"public_id": "'rls_01J000000000000000000000XX'", "version": "version + 100"},
    }.get(model, {})  # type: ignore[call-overload]
    columns, chosen = ", ".join(values), ", ".join(values.values())
    return execute(
        f"INSERT INTO {meta.db_table} ({columns}) SELECT {chosen} FROM {meta.db_table} WHERE {key_column} = %s",
        key,
    )


def swap(model: type[Model], column: str) -> tuple[Any, Any]:
    """Exchange one column of the first two rows that differ in it and may."""
    meta = model._meta
    key_column = meta.pk.column  # type: ignore[union-attr]
    pairs = [(one, other) for one in keys(model) for other in keys(model) if one < other]
    values = dict(model._default_manager.values_list("pk", column))

    def exchange(pair: tuple[Any, Any]) -> None:
        if values[pair[0]] == values[pair[1]]:
            raise IntegrityError
        if column == "code":  # Unique: out of the way first.
            execute("UPDATE ledger_ledgeraccount SET code = 'away' WHERE id = %s", pair[1])
        for key, value in zip(pair, (values[pair[1]], values[pair[0]]), strict=True):
            model._default_manager.filter(**{key_column: key}).update(**{column: value})

    pair, _nothing = first_that_passes(pairs, exchange)
    return pair
