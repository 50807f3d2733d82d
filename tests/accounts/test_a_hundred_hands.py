"""
A hundred give the same code at the same moment: one is linked, round after round, and nothing is half done.

RACE_ROUNDS says how many rounds (`RACE_ROUNDS=200` for the long run).
"""

import os
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection, connections
from django.db.models import Sum

from accounts import services
from accounts.actor import Actor
from accounts.errors import InvitationInvalid
from accounts.models import Account, Behaviour, InvitationCode, Link
from accounts.services import linking
from core import clock
from core.models import AttemptCount
from tests.accounts.test_linking import invite, without_the_condition  # noqa: F401 - a fixture
from tests.conftest import make_account

HANDS = 100
ROUNDS = int(os.environ.get("RACE_ROUNDS", "3"))
SECONDS_MAX = 60


class Hands:
    """A thread with a connection of its own for each account; all of them wait where the code is used up."""

    def __init__(self, accounts: list[Account]) -> None:
        self.accounts = accounts
        self.code: str | None = None
        self.outcomes: list[Any] = []
        self.begin, self.end = (threading.Barrier(len(accounts) + 1, timeout=SECONDS_MAX) for _ in range(2))
        self.at_the_code = threading.Barrier(len(accounts), timeout=SECONDS_MAX)
        self.threads = [
            threading.Thread(target=self.work, args=(place,), daemon=True) for place in range(len(accounts))
        ]

    def work(self, place: int) -> None:
        account = self.accounts[place]
        connection.ensure_connection()
        while True:
            self.begin.wait()
            if self.code is None:
                break
            try:
                self.outcomes[place] = services.link_accounts(
                    code=self.code, actor=Actor.own(account), address=account.public_id, now=clock.now()
                )
            except Exception as raised:  # noqa: BLE001 - the test looks at it
                self.outcomes[place] = raised
            self.end.wait()
        connections.close_all()

    def give(self, code: str) -> list[Any]:
        """All at once; return what became of each."""
        self.code, self.outcomes = code, [None] * len(self.accounts)
        self.begin.wait()
        self.end.wait()
        return self.outcomes

    def rest(self) -> None:
        self.code = None
        self.begin.wait()
        for thread in self.threads:
            thread.join(SECONDS_MAX)


@pytest.fixture
def hands(committed_db: Any, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hands]:
    """The hundred; wrong tries are limited elsewhere."""
    settings.INVITATION_FAILURES_MAX = settings.INVITATION_ALARM_MAX = 10**6
    hundred = Hands([make_account() for _ in range(HANDS)])
    use_up = linking._use_up

    def together(*arguments: Any) -> Any:
        hundred.at_the_code.wait()
        return use_up(*arguments)

    monkeypatch.setattr(linking, "_use_up", together)
    for thread in hundred.threads:
        thread.start()
    yield hundred
    hundred.rest()


def winners(outcomes: list[Any]) -> list[Link]:
    return [outcome for outcome in outcomes if isinstance(outcome, Link)]


class TestAHundredHands:
    def test_one_wins_and_nothing_is_half_done(self, hands: Hands) -> None:
        for number in range(1, ROUNDS + 1):
            inviter = make_account()
            code = invite(inviter, mirror=[])

            outcomes = hands.give(code)

            (link,) = winners(outcomes)
            assert sum(isinstance(outcome, InvitationInvalid) for outcome in outcomes) == HANDS - 1
            self.check_the_rows(code, link, inviter)
            counts = AttemptCount.objects.filter(scope__in=("invitation", "invitation-address"))
            assert counts.aggregate(Sum("counted"), Sum("running")) == {
                "counted__sum": 2 * number * (HANDS - 1),
                "running__sum": 0,
            }
        print(f"{ROUNDS} rounds of {HANDS}: one winner each.")

    def check_the_rows(self, code: str, link: Link, inviter: Account) -> None:
        """The code is its winner's, there is this link and no other, and both storages have it."""
        used = InvitationCode.objects.get(digest=linking.digest_code(code))
        assert (used.used_by_id, used.used_at is not None) == (link.invitee_id, True)
        assert list(Link.objects.filter(inviter=inviter)) == [link]
        recorded = Behaviour.objects.filter(kind="account.linked", object_id=link.public_id)
        assert set(recorded.values_list("account_id", flat=True)) == {link.invitee_id, inviter.pk}
        assert len(recorded) == 2

    def test_control_who_looks_and_then_writes_lets_several_in(
        self,
        without_the_condition: None,  # noqa: F811
        hands: Hands,
    ) -> None:
        assert any(self.winners_of_a_round(hands) > 1 for _ in range(3))

    def winners_of_a_round(self, hands: Hands) -> int:
        return len(winners(hands.give(invite(make_account(), mirror=[]))))
