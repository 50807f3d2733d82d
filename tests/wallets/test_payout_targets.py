"""Where withdrawals go: told once, kept encrypted, used by their owner alone, and forgotten when they are removed."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from accounts.models import Account
from accounts.services import erase_account
from core import clock
from core.secrecy import decrypt
from tests.accounts.test_second_factors import enrol
from tests.money_facts import book
from tests.wallets import doubles
from tests.wallets.shop import fill
from wallets.models import PayoutTarget, Withdrawal
from wallets.providers.base import InProgress, Succeeded
from wallets.services import finish_open_withdrawals, finish_withdrawal

IBAN = "GB33BUKB20201555555555"
Api = Callable[..., Any]

pytestmark = pytest.mark.usefixtures("db", "provider")


def add(api: Any, destination: str = IBAN, **fields: Any) -> Any:
    return api.post("/payout-targets", {"destination": destination, **fields})


def withdraw(api: Any, target: str | None, key: str = "w") -> Any:
    return api.post("/wallet/withdrawals", {"amount": 400, "currency": "GBP", "payout_target": target}, key=key)


@pytest.fixture
def owner(buyer: Account, api: Api) -> Any:
    """The API of a buyer with 10.00."""
    fill(buyer, 1000)
    book()
    return api(buyer)


class TestATarget:
    def test_is_never_shown_whole_nor_kept_in_plain(self, owner: Any) -> None:
        added = add(owner, name="Savings")

        assert added.status_code == 201, added.content
        assert (added.json()["ends_in"], added.json()["name"], added.json()["provider"]) == (
            "5555",
            "Savings",
            "double",
        )
        assert IBAN not in added.content.decode() + owner.get("/payout-targets").content.decode()
        with connection.cursor() as cursor:
            cursor.execute("SELECT t::text FROM wallets_payouttarget t")
            assert IBAN not in cursor.fetchone()[0]
        assert decrypt(PayoutTarget.objects.get().destination) == IBAN

    def test_is_added_once(self, owner: Any) -> None:
        add(owner)

        assert add(owner).json()["code"] == "payout_target_known"

    def test_is_one_of_a_bounded_number(self, owner: Any, settings: Any) -> None:
        settings.PAYOUT_TARGETS_MAX = 1
        add(owner)

        assert add(owner, "GB94BARC10201530093459").json()["code"] == "too_many_payout_targets"

    def test_is_its_owners(self, owner: Any, api: Api, new_account: Any) -> None:
        target = add(owner).json()["id"]
        other = api(new_account())

        assert other.get("/payout-targets").json()["results"] == []
        assert other.delete(f"/payout-targets/{target}").status_code == 404

    def test_needs_a_fresh_second_factor_of_whoever_has_one(self, owner: Any, buyer: Account) -> None:
        enrol(buyer)

        refused = add(owner)

        assert (refused.status_code, refused.json()["code"]) == (403, "step_up_required")
        assert refused.json()["methods"] == ["totp", "recovery_code"]
        assert not PayoutTarget.objects.exists()

    @pytest.mark.parametrize("destination", ["", "1234567", "x" * 65, 5, None])
    def test_is_of_a_length(self, owner: Any, destination: Any) -> None:
        assert add(owner, destination).status_code == 422

    def test_is_erased_with_its_owner(self, owner: Any, buyer: Account) -> None:
        add(owner, name="Savings")

        erase_account(account=buyer)

        target = PayoutTarget.objects.get()
        assert (target.destination, target.ends_in, target.name) == ("", "", "")


class TestAWithdrawal:
    def test_goes_to_the_target_that_it_names(self, owner: Any) -> None:
        target = add(owner).json()["id"]

        made = withdraw(owner, target)

        assert (made.status_code, made.json()["payout_target"]) == (201, target), made.content
        assert doubles.DoubleProvider.targets == [IBAN]
        assert owner.get(f"/wallet/withdrawals/{made.json()['id']}").json()["payout_target"] == target

    def test_goes_there_again_when_the_task_repeats_it(self, owner: Any) -> None:
        doubles.DoubleProvider.before_call = staticmethod(lost)
        target = add(owner).json()["id"]
        with pytest.raises(ConnectionError):
            withdraw(owner, target)
        doubles.DoubleProvider.before_call = staticmethod(lambda: None)

        Withdrawal.objects.update(next_query_at=clock.now())
        finish_open_withdrawals()

        assert doubles.DoubleProvider.targets == [IBAN, IBAN]
        assert len(doubles.moved()) == 1

    def test_names_one_where_the_house_demands_it(self, owner: Any, settings: Any) -> None:
        assert withdraw(owner, None).status_code == 201
        settings.PAYOUT_TARGET_REQUIRED = True

        refused = withdraw(owner, None, key="w2")

        assert (refused.status_code, refused.json()["code"]) == (422, "payout_target_required")

    def test_never_goes_to_somebody_elses_nor_to_one_of_another_provider(
        self, owner: Any, api: Api, new_account: Any, settings: Any
    ) -> None:
        others, own = add(api(new_account())).json()["id"], add(owner).json()["id"]

        assert withdraw(owner, others).json()["code"] == "payout_target_unknown"
        settings.PAYOUT_PROVIDER = "local"
        assert withdraw(owner, own).json()["code"] == "payout_target_unknown"
        assert not Withdrawal.objects.exists()


class TestRemoving:
    def test_forgets_where_it_was(self, owner: Any) -> None:
        target = add(owner).json()["id"]
        withdraw(owner, target)

        assert owner.delete(f"/payout-targets/{target}").status_code == 204
        assert owner.delete(f"/payout-targets/{target}").status_code == 404
        assert owner.get("/payout-targets").json()["results"] == []
        assert PayoutTarget.objects.get().destination == ""
        assert Withdrawal.objects.get().payout_target is not None
        assert withdraw(owner, target, key="w2").json()["code"] == "payout_target_unknown"

    def test_waits_for_a_withdrawal_that_is_on_its_way(self, owner: Any) -> None:
        doubles.DoubleProvider.answers = InProgress()
        target = add(owner).json()["id"]
        made = withdraw(owner, target).json()["id"]

        assert owner.delete(f"/payout-targets/{target}").json()["code"] == "payout_target_in_use"
        finish_withdrawal(public_id=made, outcome=Succeeded(), now=clock.now())
        assert owner.delete(f"/payout-targets/{target}").status_code == 204


def lost() -> None:
    raise ConnectionError
