"""One chain over all batches, whoever seals, and however often one dies while sealing."""

from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction

from ledger import seals
from ledger.engine import share_engine
from ledger.models import Batch, Seal
from ledger.seal_checks import check_head, check_left_out, check_seals
from ledger.tasks import seal_batches
from tests.conftest import Api
from tests.money_facts import account_id, book, pay, top_up

# What is not sealed, and why: it goes on changing, and is checked against what is sealed.
NOT_SEALED = {
    "ledger_ledgeraccount": {"debits_minor", "credits_minor", "held_minor", "effective_latest"},
    "billing_ruleset": {"status"},
}


def book_batches(count: int) -> None:
    payer, seller = account_id(), account_id()
    top_up(payer, 1000)
    book()
    for _ in range(count - 1):
        pay(payer, seller, 10, fee=1)
        book()


def chain() -> list[tuple[int, int]]:
    return list(Seal.objects.order_by("number").values_list("number", "batch_id"))


def in_booking_order() -> list[int]:
    return list(Batch.objects.order_by("booked_at", "id").values_list("id", flat=True))


class TestWhatIsSealed:
    @pytest.mark.parametrize("source", seals.SOURCES, ids=lambda source: source.table)
    def test_every_column_of_every_table(self, source: seals.Source) -> None:
        (model,) = [model for model in apps.get_models() if model._meta.db_table == source.table]
        columns = {field.column for field in model._meta.concrete_fields}

        assert {*source.plain, *source.moments} == columns - NOT_SEALED.get(source.table, set())
        moments = {f.column for f in model._meta.concrete_fields if f.get_internal_type() == "DateTimeField"}
        assert set(source.moments) == moments - NOT_SEALED.get(source.table, set())


@pytest.mark.django_db
class TestSealing:
    def test_chains_the_batches_in_booking_order(self) -> None:
        book_batches(3)

        assert seals.seal_due() == 3
        assert seals.seal_due() == 0
        assert chain() == list(zip((1, 2, 3), in_booking_order(), strict=True))
        assert [*check_seals(), *check_left_out()] == []

    def test_the_task_does_it(self, settings: Any) -> None:
        book_batches(2)

        seal_batches()

        assert len(chain()) == 2
        beat = settings.CELERY_BEAT_SCHEDULE["seal batches"]
        assert beat["task"] == seal_batches.name
        assert seal_batches.name not in settings.CELERY_TASK_ROUTES  # So it goes where long work goes.

    def test_goes_on_behind_the_head(self) -> None:
        book_batches(2)
        seals.seal_due()
        book_batches(2)

        assert seals.unsealed_count() == 2
        assert seals.seal_due() == 2
        assert seals.unsealed_count() == 0
        assert [number for number, _batch in chain()] == [1, 2, 3, 4]
        assert list(check_seals()) == []

    def test_needs_several_transactions_where_there_is_much(self, settings: Any) -> None:
        settings.SEAL_ROWS_AT_ONCE = 12
        book_batches(5)

        assert seals.seal_some() < 5
        seals.seal_due()

        assert [batch for _number, batch in chain()] == in_booking_order()
        assert list(check_seals()) == []

    def test_a_hash_does_not_depend_on_how_a_connection_writes_times(self) -> None:
        book_batches(2)
        hashed = seals.contents_of(in_booking_order())

        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL TimeZone = 'Asia/Kathmandu'; SET LOCAL DateStyle = 'German, DMY'")
            cursor.execute("SET LOCAL bytea_output = 'escape'; SET LOCAL extra_float_digits = 0")

        assert seals.contents_of(in_booking_order()) == hashed

    def test_a_seal_is_written_once(self) -> None:
        book_batches(1)
        seals.seal_due()

        for change in ("UPDATE ledger_seal SET number = 2", "DELETE FROM ledger_seal", "TRUNCATE ledger_seal"):
            with pytest.raises(IntegrityError), transaction.atomic():
                connection.cursor().execute(change)


@pytest.mark.django_db
class TestTheHead:
    def test_is_printed_for_somebody_to_keep(self) -> None:
        book_batches(2)
        seals.seal_due()
        head = seals.head_seal()
        assert head is not None
        output = StringIO()

        call_command("seal_head", stdout=output)

        hash_, number, batch, _booked_at = output.getvalue().split()
        assert (hash_, number, batch) == (head.hash, "2", Batch.objects.get(id=head.batch_id).public_id)
        assert list(check_head(hash_)) == []
        book_batches(1)
        seals.seal_due()
        assert list(check_head(hash_)) == []

    def test_there_is_none_before_anything_is_sealed(self) -> None:
        with pytest.raises(CommandError):
            call_command("seal_head")

    @pytest.mark.parametrize("kept", ["00" * 32, "", "not a hash", "é" * 64])
    def test_another_one_is_not_in_the_chain(self, kept: str) -> None:
        book_batches(1)
        seals.seal_due()

        assert len(list(check_head(kept))) == 1

    def test_is_shown_with_its_batch(self, api: Callable[..., Api], operator: Any) -> None:
        book_batches(1)
        seals.seal_due()
        book_batches(1)

        batches = api(operator).get("/billing/batches").json()["results"]

        head = seals.head_seal()
        assert head is not None
        assert [batch["seal"] for batch in batches] == [None, head.hash]


class TestSealersAtOnce:
    """One chain without a gap, whoever seals; and nothing before what is still being booked."""

    def test_two_make_one_chain(self, committed_db: Any, race: Any) -> None:
        book_batches(6)

        outcomes = race(*[seals.seal_due] * 4)

        assert sum(outcomes) == 6
        assert [batch for _number, batch in chain()] == in_booking_order()
        assert list(check_seals()) == []

    def test_control_without_the_lock_they_collide(
        self, committed_db: Any, race: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(seals, "_is_alone", lambda: True)
        book_batches(12)

        outcomes = race(*[seals.seal_due] * 4)

        assert any(isinstance(outcome, IntegrityError) for outcome in outcomes)
        assert [batch for _number, batch in chain()] == in_booking_order()

    def test_one_that_dies_leaves_whole_seals(
        self, committed_db: Any, settings: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        settings.SEAL_BATCHES_AT_ONCE = 2
        book_batches(5)
        write, written = Seal.objects.bulk_create, []

        def die_in_the_second(made: list[Seal]) -> None:
            write(made)
            written.append(made)
            if len(written) == 2:
                raise KeyboardInterrupt

        monkeypatch.setattr(Seal.objects, "bulk_create", die_in_the_second)
        with pytest.raises(KeyboardInterrupt):
            seals.seal_due()
        assert len(chain()) == 2
        monkeypatch.undo()

        assert seals.seal_due() == 3
        assert [batch for _number, batch in chain()] == in_booking_order()
        assert [*check_seals(), *check_left_out()] == []

    def test_waits_for_a_batch_that_is_being_booked(self, committed_db: Any, race: Any) -> None:
        book_batches(1)
        with transaction.atomic():
            share_engine()  # As a batch does first; it has not read its clock yet.
            (booked_meanwhile,) = race(lambda: book_batches(2))
            (sealed,) = race(seals.seal_due)

        assert booked_meanwhile is None
        assert sealed == 1
        assert seals.seal_due() == 2
        assert [batch for _number, batch in chain()] == in_booking_order()
