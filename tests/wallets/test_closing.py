"""An owner who closes while money comes in: it is there to settle first, or it is not asked for."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import transaction

from accounts import sessions
from accounts.actor import Actor
from accounts.errors import AccountNotSettled, SessionEnded
from accounts.models import Account
from accounts.services import close_account, erase_account
from core import clock
from core.money import Money
from tests.conftest import PASSWORD, make_account
from wallets.models import IdentityCharge, TopUp
from wallets.services import request_top_up, top_ups


def top_up(owner: Account) -> TopUp:
    amount, actor = Money(1000, "EUR"), Actor.own(owner)
    return request_top_up(owner=owner, amount=amount, provider="local", actor=actor, now=clock.now())


def half_asked(owner: Account) -> tuple[Callable[[], Any], Callable[[], Any]]:
    """A top-up that commits a moment after its owner has begun to close."""
    is_asked, is_closed = threading.Event(), threading.Event()
    actor = sessions.actor_of(sessions.open_session(account=owner).session)

    def ask_slowly() -> None:
        with transaction.atomic():
            top_up(owner)
            is_asked.set()
            is_closed.wait(timeout=1.5)

    def close_meanwhile() -> None:
        is_asked.wait(timeout=10)
        close_account(password=PASSWORD, address="", actor=actor, now=clock.now())
        is_closed.set()

    return ask_slowly, close_meanwhile


class TestClosing:
    def test_waits_for_a_top_up_under_way_and_is_refused(self, committed_db: Any, race: Any) -> None:
        outcomes = race(*half_asked(make_account()))

        assert isinstance(outcomes[1], AccountNotSettled)

    def test_without_the_lock_money_would_come_in_for_nobody(
        self, committed_db: Any, race: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The control: the owner sees no top-up, closes, and then there is one."""
        monkeypatch.setattr(top_ups, "hold_open", set)
        outcomes = race(*half_asked(make_account()))

        assert outcomes[1] is None
        assert TopUp.objects.get().owner.is_active is False

    @pytest.mark.django_db
    def test_whose_account_is_closed_tops_up_no_more(self) -> None:
        owner = make_account()
        actor = sessions.actor_of(sessions.open_session(account=owner).session)
        close_account(password=PASSWORD, address="", actor=actor, now=clock.now())

        with pytest.raises(SessionEnded):
            top_up(owner)


@pytest.mark.django_db
class TestAChargedIdentity:
    """What a third party's server charges is the owner's to see through, and its name for the owner goes with them."""

    @pytest.fixture
    def charge(self) -> IdentityCharge:
        owner, now = make_account(), clock.now()
        return IdentityCharge.objects.create(
            owner=owner,
            login_account=owner,
            provider="bank",
            external_id="customer 7",
            trade_no="T1",
            order="ord_1",
            amount_minor=1000,
            currency="EUR",
            requested_at=now,
            next_query_at=now,
        )

    def test_keeps_the_account_open_while_it_is_under_way(self, charge: IdentityCharge) -> None:
        actor = sessions.actor_of(sessions.open_session(account=charge.owner).session)

        with pytest.raises(AccountNotSettled) as refused:
            close_account(password=PASSWORD, address="", actor=actor, now=clock.now())

        assert refused.value.extra["obstacles"] == ["payments_under_way"]

    def test_is_nobodys_after_an_erasure(self, charge: IdentityCharge) -> None:
        erase_account(account=charge.owner)

        charge.refresh_from_db()
        assert charge.external_id == ""
