"""verify_books finds what is planted, each thing by the check that is there for it, and nothing else."""

from collections.abc import Iterator
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection
from django.db.models import F

from accounts.models import Account
from core.registry import BookCheck, Finding, book_checks
from core.snapshot import one_snapshot
from core.walk import key_ranges, telling
from ledger.holds import release_hold
from ledger.models import Batch, Hold
from ledger.seals import head_seal, seal_due
from proofs import verify
from tests.money_facts import AT, book
from tests.proofs.world import paid_order, refund, release
from tests.wallets.shop import fill
from wallets.models import Debt, DebtRepayment, Earning, UnbookedChange


def run(*arguments: str) -> tuple[int, str]:
    """Return the exit code and what was printed."""
    output = StringIO()
    try:
        call_command("verify_books", *arguments, stdout=output)
    except SystemExit as ended:
        return int(ended.code or 0), output.getvalue()
    return 0, output.getvalue()


@pytest.fixture
def lively_books(rich_buyer: Account, seller: Account) -> Account:
    """Sales in every state, a debt partly repaid, and events that wait; returns the seller."""
    first, second = paid_order(rich_buyer, seller), paid_order(rich_buyer, seller)
    release(first, rich_buyer, seller)
    refund(first, seller, 1000)
    book()
    release(second, rich_buyer, seller)
    book()
    refund(second, seller, 400)
    paid_order(rich_buyer, seller)
    fill(rich_buyer, 77)
    return seller


@pytest.mark.django_db
class TestSoundBooks:
    """Nothing is found where nothing is wrong, booked or not."""

    def test_empty_books(self) -> None:
        code, printed = run()

        assert code == 0, printed
        assert f"{len(book_checks())} checks, 0 findings." in printed

    def test_lively_books(self, lively_books: Account) -> None:
        code, printed = run()
        assert code == 0, printed
        book()
        code, printed = run()
        assert code == 0, printed

    def test_it_says_what_it_did_not_check(self, lively_books: Account) -> None:
        _code, printed = run()

        assert "Not checked:" in printed
        assert "that wait at billing (0 parked)" in printed
        for always in verify.NEVER_CHECKED:
            assert always in printed


def plant_earning(seller: Account) -> None:
    Earning.objects.filter(status="pending").update(original_minor=F("original_minor") + 1)


def plant_debt(seller: Account) -> None:
    Debt.objects.update(amount_minor=F("amount_minor") + 1)


def plant_repaid(seller: Account) -> None:
    debt = Debt.objects.order_by("-id")[0]
    DebtRepayment.objects.create(debt=debt, kind="wallet", amount_minor=1, event_id=1, repaid_at=AT)


def plant_missing_note(seller: Account) -> None:
    UnbookedChange.objects.order_by("id").last().delete()


def plant_wrong_note(seller: Account) -> None:
    UnbookedChange.objects.update(amount_minor=F("amount_minor") + 1)


def plant_lost_hold(seller: Account) -> None:
    release_hold(hold_id=Hold.objects.latest("id").id)


def plant_counter(seller: Account) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE ledger_ledgeraccount SET credits_minor = credits_minor + 1 WHERE code = 'platform:fees'")


def plant_refund(seller: Account) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE orders_order SET refunded_minor = refunded_minor - 1 WHERE refunded_minor > 0")


@pytest.mark.django_db
class TestPlantedFaults:
    """Each fault is found, named, and makes the command fail."""

    @pytest.mark.parametrize(
        ("plant", "check"),
        [
            (plant_earning, "wallets: pending earnings are in the ledger"),
            (plant_debt, "wallets: open debts are in the ledger"),
            (plant_repaid, "wallets: debts are repaid by their repayments"),
            (plant_missing_note, "wallets: what is not yet booked is noted"),
            (plant_wrong_note, "wallets: what is not yet booked is noted"),
            (plant_lost_hold, "wallets: what waits has its holds"),
            (plant_counter, "ledger: counters are those of the last movement"),
            (plant_refund, "orders"),
        ],
    )
    def test_is_found(self, lively_books: Account, plant: Any, check: str) -> None:
        plant(lively_books)

        code, printed = run()

        assert code == 1
        assert f"FOUND  {check}: " in printed, printed

    def test_only_the_named_checks_run(self, lively_books: Account) -> None:
        plant_earning(lively_books)

        assert run("--only", "ledger:")[0] == 0
        assert run("--only", "pending earnings")[0] == 1

    def test_a_check_stops_after_so_many_findings(self, monkeypatch: pytest.MonkeyPatch) -> None:
        endless = BookCheck("endless", lambda: (Finding("endless", str(n), "wrong") for n in range(10**9)))
        monkeypatch.setattr(verify, "book_checks", lambda: [endless])

        code, printed = run("--findings", "3")

        assert code == 1
        assert printed.count(": wrong") == 3


@pytest.mark.django_db
class TestOptions:
    """What is looked at can be narrowed, and a head that somebody kept is looked for."""

    def test_since_walks_only_what_was_booked_later(self, lively_books: Account) -> None:
        moment = Batch.objects.latest("booked_at").booked_at + timedelta(microseconds=1)
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; ALTER TABLE ledger_transfer DISABLE TRIGGER USER")
            cursor.execute(
                "UPDATE ledger_transfer SET batch_id = batch_id + 1000 WHERE id = (SELECT min(id) FROM ledger_transfer)"
            )

        assert run()[0] == 1
        code, printed = run("--since", moment.isoformat())

        assert code == 0, printed
        assert f"what was booked before {moment.isoformat()}" in printed

    def test_since_is_a_time(self) -> None:
        with pytest.raises(CommandError, match="is not a time"):
            run("--since", "yesterday")

    def test_the_head_that_was_kept(self, lively_books: Account) -> None:
        seal_due()
        head = head_seal()
        assert head is not None

        code, printed = run("--head", head.hash)
        assert code == 0, printed
        assert verify.NO_HEAD not in printed
        code, printed = run("--head", head.hash, "--head", "0" * 64)
        assert code == 1
        assert "the past was rewritten" in printed

    def test_what_is_not_sealed_is_said(self, lively_books: Account) -> None:
        assert "batches, which are not sealed yet" in run()[1]
        seal_due()
        assert "not sealed yet" not in run()[1]

    def test_a_check_that_cannot_finish_is_no_verdict(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def lose_the_database() -> Iterator[Finding]:
            raise OperationalError("gone")

        monkeypatch.setattr(verify, "book_checks", lambda: [BookCheck("lost", lose_the_database)])

        with pytest.raises(CommandError, match="Not finished: gone") as raised:
            run()
        assert raised.value.returncode == 2


@pytest.mark.django_db
class TestWalking:
    """Ranges cover every key once, and whoever listens hears how far the walk is."""

    def test_ranges_cover_every_key(self, new_account: Any, settings: Any) -> None:
        ids = [new_account().id for _ in range(7)]
        heard: list[tuple[int, int]] = []

        with telling(lambda done, total: heard.append((done, total))):
            ranges = list(key_ranges("accounts_account", width=3))

        walked = [key for first, last in ranges for key in range(first, last + 1)]
        assert walked == list(range(min(ids), max(ids) + 1))
        assert heard[-1] == (len(walked), len(walked))

    def test_an_empty_table_has_no_range(self) -> None:
        assert list(key_ranges("wallets_debt")) == []


class TestOneSnapshot:
    """What commits meanwhile is not seen."""

    def test_two_looks_see_the_same(self, committed_db: Any, new_account: Any, race: Any) -> None:
        new_account()
        with one_snapshot():
            before = Account.objects.count()
            race(new_account)
            assert Account.objects.count() == before
        assert Account.objects.count() == before + 1
