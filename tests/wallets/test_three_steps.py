"""Intent, call, outcome: whatever dies or repeats on the way, the provider moves the money once."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from accounts import sessions
from accounts.models import Account
from core.api.idempotency import Attempt
from events.models import EventRecord
from tests.conftest import ClonedDatabase
from tests.money_facts import book
from tests.wallets import doubles
from tests.wallets.shop import fill, wallet_of
from wallets import services
from wallets.models import TopUp, Withdrawal
from wallets.providers.base import Failed, InProgress

TEN_POUNDS = {"amount": 1000, "currency": "GBP"}
BY_DOUBLE = TEN_POUNDS | {"provider": "double"}
ROOT = Path(__file__).parents[2]
POINTS = ["before_call", "after_call", "in_outcome"]


def post_in_a_process(database: ClonedDatabase, owner: Account, path: str, body: dict, *, dies_at: str = "") -> Any:
    token = sessions.open_session(account=owner).token
    return subprocess.run(
        [sys.executable, "-m", "tests.wallets.dying", path, json.dumps(body), "key-1", token],
        env={**os.environ, **database.environment, doubles.DIES_AT: dies_at},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


class TestDyingOnTheWay:
    """A real process dies by `os._exit`: nothing is unwound, its connection just ends."""

    @pytest.mark.parametrize("point", POINTS)
    def test_a_repeated_top_up_goes_on_with_the_same_intent(
        self, committed_db: ClonedDatabase, buyer: Account, provider: Any, point: str
    ) -> None:
        died = post_in_a_process(committed_db, buyer, "/wallet/top-ups", BY_DOUBLE, dies_at=point)
        assert died.returncode == 9, died.stderr
        assert TopUp.objects.get().status == "in_progress"
        assert not EventRecord.objects.exists()

        answer = post_in_a_process(committed_db, buyer, "/wallet/top-ups", BY_DOUBLE)

        assert json.loads(answer.stdout)["status"] == "succeeded", answer.stderr
        assert json.loads(answer.stdout)["id"] == TopUp.objects.get().public_id
        assert [line["what"] for line in doubles.moved()] == ["charge"]
        book()
        assert wallet_of(buyer).available_minor == 1000

    @pytest.mark.parametrize("point", POINTS)
    def test_a_repeated_withdrawal_pays_out_once(
        self, committed_db: ClonedDatabase, buyer: Account, provider: Any, point: str
    ) -> None:
        fill(buyer, 1500)
        book()
        died = post_in_a_process(committed_db, buyer, "/wallet/withdrawals", TEN_POUNDS, dies_at=point)
        assert died.returncode == 9, died.stderr
        assert wallet_of(buyer).available_minor == 500

        answer = post_in_a_process(committed_db, buyer, "/wallet/withdrawals", TEN_POUNDS)

        assert json.loads(answer.stdout)["status"] == "succeeded", answer.stderr
        assert [line["what"] for line in doubles.moved()] == ["payout"]
        book()
        assert wallet_of(buyer).posted_minor == 500

    @pytest.mark.parametrize("point", POINTS)
    def test_without_a_repeat_the_task_finishes_it(
        self, committed_db: ClonedDatabase, buyer: Account, provider: Any, point: str
    ) -> None:
        post_in_a_process(committed_db, buyer, "/wallet/top-ups", BY_DOUBLE, dies_at=point)
        TopUp.objects.update(next_query_at=timezone.now())

        assert services.finish_open_top_ups() == 1

        assert TopUp.objects.get().status == "succeeded"
        assert len(doubles.moved()) == 1
        assert services.finish_open_top_ups() == 0


class TestTopUp:
    """Through the API, as a customer sees it."""

    def test_the_cash_desk_confirms_at_once(self, committed_db: Any, buyer: Account, api: Callable[..., Any]) -> None:
        answer = api(buyer).post("/wallet/top-ups", TEN_POUNDS, key="k")

        assert answer.status_code == 201
        assert answer.json()["status"] == "succeeded"
        assert wallet_of(buyer).not_yet_booked_minor == 1000
        book()
        assert wallet_of(buyer).available_minor == 1000
        assert wallet_of(buyer).not_yet_booked_minor == 0

    def test_nothing_is_called_inside_a_transaction(
        self, committed_db: Any, buyer: Account, api: Callable[..., Any], provider: Any
    ) -> None:
        fill(buyer, 1000)
        book()
        api(buyer).post("/wallet/top-ups", BY_DOUBLE, key="a")
        api(buyer).post("/wallet/withdrawals", TEN_POUNDS, key="b")

        assert provider.in_transaction == [False, False]

    def test_a_repeat_gets_the_first_answer_and_charges_nothing(
        self, committed_db: Any, buyer: Account, api: Callable[..., Any], provider: Any
    ) -> None:
        first = api(buyer).post("/wallet/top-ups", BY_DOUBLE, key="k")
        second = api(buyer).post("/wallet/top-ups", BY_DOUBLE, key="k")

        assert second.json() == first.json()
        assert second.headers["Idempotent-Replayed"] == "true"
        assert len(doubles.moved()) == TopUp.objects.count() == 1

    def test_what_the_provider_refuses_is_failed_and_moves_nothing(
        self, committed_db: Any, buyer: Account, api: Callable[..., Any], provider: Any
    ) -> None:
        provider.answers = Failed("card_refused")

        answer = api(buyer).post("/wallet/top-ups", BY_DOUBLE, key="k")

        assert (answer.status_code, answer.json()["status"]) == (201, "failed")
        assert answer.json()["failure"] == "card_refused"
        assert not EventRecord.objects.exists()

    def test_what_takes_time_is_in_progress_until_the_task_knows_better(
        self, committed_db: Any, buyer: Account, api: Callable[..., Any], provider: Any
    ) -> None:
        provider.answers = InProgress()
        answer = api(buyer).post("/wallet/top-ups", BY_DOUBLE, key="k").json()
        path = f"/wallet/top-ups/{answer['id']}"
        assert answer["status"] == api(buyer).get(path).json()["status"] == "in_progress"

        log = Path(os.environ[doubles.LOG])
        log.write_text(log.read_text().replace("InProgress", "Succeeded"))
        TopUp.objects.update(next_query_at=timezone.now())
        services.finish_open_top_ups()

        assert api(buyer).get(path).json()["status"] == "succeeded"
        assert wallet_of(buyer).not_yet_booked_minor == 1000

    def test_a_provider_that_fails_is_not_asked_again_at_once(self, committed_db: Any, buyer: Account) -> None:
        top_up = fill_in_progress(buyer)
        TopUp.objects.update(next_query_at=timezone.now() - timedelta(hours=2), provider="gone")

        with pytest.raises(Exception, match="no payment provider"):
            services.finish_open_top_ups()

        assert services.finish_open_top_ups() == 0
        top_up.refresh_from_db()
        assert top_up.status == "in_progress"

    @pytest.mark.parametrize(
        ("body", "status", "code"),
        [
            ({}, 422, "required"),
            ({"amount": 0, "currency": "GBP"}, 422, "amount_invalid"),
            ({"amount": 2**53, "currency": "GBP"}, 422, "amount_invalid"),
            ({"amount": "10", "currency": "GBP"}, 422, "amount_invalid"),
            ({"amount": 10, "currency": "gbp"}, 422, "currency_invalid"),
            ({"amount": 10, "currency": "GBP", "more": 1}, 422, "unknown_field"),
            ({"amount": 10, "currency": "GBP", "provider": "nobody"}, 422, "provider_unknown"),
            ({"amount": 10, "currency": "GBP", "provider": 7}, 422, "invalid"),
            ({"amount": 10, "currency": "GBP", "provider": "n\0"}, 400, "malformed_body"),
            ("{", 400, "malformed_body"),
        ],
    )
    def test_bad_input_is_refused_and_the_key_stays_free(
        self, committed_db: Any, buyer: Account, api: Callable[..., Any], body: Any, status: int, code: str
    ) -> None:
        refused = api(buyer).post("/wallet/top-ups", body, key="k")

        assert refused.status_code == status, refused.content
        assert refused.json()["code"] == code
        assert not TopUp.objects.exists()
        assert api(buyer).post("/wallet/top-ups", TEN_POUNDS, key="k").status_code == 201

    def test_the_key_is_required_and_belongs_to_one_body(
        self, committed_db: Any, buyer: Account, api: Callable[..., Any]
    ) -> None:
        assert api(buyer).post("/wallet/top-ups", TEN_POUNDS).json()["code"] == "idempotency_key_required"
        api(buyer).post("/wallet/top-ups", TEN_POUNDS, key="k")
        other = api(buyer).post("/wallet/top-ups", TEN_POUNDS | {"amount": 1}, key="k")
        assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")

    def test_a_wallet_never_holds_more_than_every_client_can_read(
        self, committed_db: Any, buyer: Account, api: Callable[..., Any]
    ) -> None:
        most = {"amount": 2**53 - 1, "currency": "GBP"}
        assert api(buyer).post("/wallet/top-ups", most, key="a").status_code == 201

        refused = api(buyer).post("/wallet/top-ups", {"amount": 1, "currency": "GBP"}, key="b")

        assert (refused.status_code, refused.json()["code"]) == (422, "amount_too_large")

    def test_it_is_seen_by_its_owner_only(
        self, committed_db: Any, buyer: Account, seller: Account, api: Callable[..., Any]
    ) -> None:
        top_up = fill(buyer, 100)

        assert api(buyer).get(f"/wallet/top-ups/{top_up.public_id}").status_code == 200
        assert api(seller).get(f"/wallet/top-ups/{top_up.public_id}").status_code == 404
        assert api().get(f"/wallet/top-ups/{top_up.public_id}").status_code == 401


def fill_in_progress(owner: Account) -> TopUp:
    return TopUp.objects.create(
        owner=owner,
        login_account=owner,
        provider="local",
        amount_minor=1000,
        currency="GBP",
        requested_at=timezone.now(),
        next_query_at=timezone.now(),
    )


class TestTwins:
    """The same request twice at the same moment."""

    def in_two_threads(
        self, owner: Account, api: Callable[..., Any], race: Callable[..., list], provider: Any
    ) -> list[int]:
        """The provider does not answer before the twin has had its turn."""
        turns = threading.Barrier(2)
        provider.before_call = staticmethod(lambda: turns.wait(timeout=2))
        caller = api(owner)

        def post() -> int:
            try:
                status = caller.post("/wallet/top-ups", BY_DOUBLE, key="k").status_code
            except threading.BrokenBarrierError:
                return 500
            if status == 409:
                turns.wait(timeout=10)
            return status

        return sorted(race(post, post))

    def test_one_is_told_to_wait_while_the_other_is_charged(
        self, committed_db: Any, buyer: Account, api: Callable[..., Any], provider: Any, race: Callable[..., list]
    ) -> None:
        assert self.in_two_threads(buyer, api, race, provider) == [201, 409]
        assert len(doubles.moved()) == 1

    def test_control_without_the_key_both_are_charged(
        self,
        committed_db: Any,
        buyer: Account,
        api: Callable[..., Any],
        provider: Any,
        race: Callable[..., list],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(Attempt, "begin", lambda self, **_: None)
        monkeypatch.setattr(Attempt, "save_intent", lambda self, **_: None)
        monkeypatch.setattr(Attempt, "let_go", lambda self: None)

        assert self.in_two_threads(buyer, api, race, provider) == [201, 201]
        assert len(doubles.moved()) == 2

    def test_the_task_and_the_request_finish_it_once(
        self, committed_db: Any, buyer: Account, provider: Any, race: Callable[..., list]
    ) -> None:
        top_up = fill_in_progress(buyer)
        TopUp.objects.update(provider="double")

        def as_the_request() -> None:
            outcome = services.charge_top_up(public_id=top_up.public_id)
            services.finish_top_up(public_id=top_up.public_id, outcome=outcome, now=timezone.now())

        assert race(as_the_request, services.finish_open_top_ups) in ([None, 1], [None, 0])
        assert EventRecord.objects.count() == len(doubles.moved()) == 1


class TestWithdrawal:
    """Money leaves at once, and comes back if the provider does not pay."""

    def test_it_is_out_of_the_wallet_at_once(self, committed_db: Any, buyer: Account, api: Callable[..., Any]) -> None:
        fill(buyer, 1500)
        book()

        answer = api(buyer).post("/wallet/withdrawals", TEN_POUNDS, key="k")

        assert (answer.status_code, answer.json()["status"]) == (201, "succeeded")
        wallet = wallet_of(buyer)
        assert (wallet.posted_minor, wallet.held_minor, wallet.available_minor) == (1500, 1000, 500)
        assert wallet.not_yet_booked_minor == -1000
        book()
        wallet = wallet_of(buyer)
        assert (wallet.posted_minor, wallet.held_minor, wallet.not_yet_booked_minor) == (500, 0, 0)

    def test_a_failed_payout_gives_it_back(
        self, committed_db: Any, buyer: Account, api: Callable[..., Any], provider: Any
    ) -> None:
        fill(buyer, 1500)
        book()
        provider.answers = Failed("account_closed")

        answer = api(buyer).post("/wallet/withdrawals", TEN_POUNDS, key="k").json()

        assert (answer["status"], answer["failure"]) == ("failed", "account_closed")
        assert wallet_of(buyer).not_yet_booked_minor == 0
        book()
        assert wallet_of(buyer).available_minor == 1500
        assert api(buyer).get(f"/wallet/withdrawals/{answer['id']}").json() == answer

    def test_more_than_is_available_is_refused_and_leaves_nothing(
        self, committed_db: Any, buyer: Account, api: Callable[..., Any], provider: Any
    ) -> None:
        fill(buyer, 999)
        book()

        refused = api(buyer).post("/wallet/withdrawals", TEN_POUNDS, key="k")

        assert (refused.status_code, refused.json()["code"]) == (409, "insufficient_funds")
        assert not Withdrawal.objects.exists()
        assert wallet_of(buyer).held_minor == 0
        assert doubles.moved() == []

    def test_two_at_the_same_moment_never_take_the_same_money(
        self, committed_db: Any, buyer: Account, api: Callable[..., Any], race: Callable[..., list]
    ) -> None:
        fill(buyer, 1500)
        book()
        caller = api(buyer)

        answers = race(
            lambda: caller.post("/wallet/withdrawals", TEN_POUNDS, key="a").status_code,
            lambda: caller.post("/wallet/withdrawals", TEN_POUNDS, key="b").status_code,
        )

        assert sorted(answers) == [201, 409]
        book()
        assert wallet_of(buyer).posted_minor == 500
