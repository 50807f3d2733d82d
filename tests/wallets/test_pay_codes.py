from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import transaction

from accounts.actor import Actor
from accounts.models import Account
from core import clock
from core.money import Money
from wallets.pay_codes import services
from wallets.pay_codes.models import PayCode

ORDER = "ord_01K9ZQ4E9T8V7C6B5N4M3A2S1D"


def make(account: Account, maximum: Money | None = None) -> str:
    return services.make_pay_code(maximum=maximum, actor=Actor.own(account), now=clock.now())[1]


def scan(code: str, *, order: str = ORDER, later: timedelta = timedelta()) -> services.ScannedCode:
    with transaction.atomic():
        return services.scan_pay_code(code=code, order=order, currency="GBP", now=clock.now() + later)


def spend(code: str, *, order: str = ORDER, refusal: str = "") -> None:
    with transaction.atomic():
        services.spend_pay_code(scanned=scan(code, order=order), order=order, refusal=refusal, now=clock.now())


class TestMakingAPayCode:
    def test_answers_eighteen_digits_once(self, api: Any, buyer: Account):
        made = api(buyer).post("/pay-codes", {})

        assert made.status_code == 201
        code = made.json()["code"]
        assert len(code) == 18
        assert code.isdigit()
        row = PayCode.objects.get()
        assert row.expires_at - row.made_at == settings.PAY_CODE_LIFETIME == timedelta(seconds=60)
        assert code not in {str(value) for value in vars(row).values()}
        assert scan(code).owner == buyer

    def test_is_for_the_own_login_of_buyers(self, api: Any, seller: Account, buyer: Account, new_account: Any):
        assert api(seller).post("/pay-codes", {}).status_code == 403
        assert api().post("/pay-codes", {}).status_code == 401
        through_link = Actor(login=new_account(), acting=buyer)
        with pytest.raises(Exception, match="own"):
            services.make_pay_code(actor=through_link, now=clock.now())

    def test_several_are_valid_at_once_or_only_the_newest(self, buyer: Account, settings: Any):
        first, second = make(buyer), make(buyer)
        assert [scan(first).owner, scan(second).owner] == [buyer, buyer]
        settings.PAY_CODES_SEVERAL_VALID = False
        third = make(buyer)
        assert [scan(code).owner for code in (first, second, third)] == [None, None, buyer]


class TestScanning:
    def test_a_code_is_dead_after_its_time(self, buyer: Account):
        code = make(buyer)
        assert scan(code, later=settings.PAY_CODE_LIFETIME - timedelta(seconds=1)).owner == buyer
        assert scan(code, later=settings.PAY_CODE_LIFETIME) == services.DEAD

    @pytest.mark.parametrize("refusal", ["", "insufficient_funds"])
    def test_it_is_dead_after_one_try_and_says_to_the_same_order_how_that_ended(self, buyer: Account, refusal: str):
        code = make(buyer)
        spend(code, refusal=refusal)
        assert scan(code, order=ORDER.replace("01K", "01M")) == services.DEAD
        assert scan(code).outcome == refusal

    def test_a_code_of_somebody_shut_out_is_nobodys(self, buyer: Account):
        code = make(buyer)
        Account.objects.filter(pk=buyer.pk).update(is_active=False)
        assert scan(code) == services.DEAD

    def test_it_pays_up_to_its_maximum_in_its_currency(self, buyer: Account):
        scanned = scan(make(buyer, Money(2000, "GBP")))
        amounts = [Money(2000, "GBP"), Money(2001, "GBP"), Money(2000, "EUR")]
        assert [scanned.allows(amount) for amount in amounts] == [True, False, False]

    def test_two_scans_of_one_code_at_once_have_one_winner(self, committed_db: Any, buyer: Account, race: Any):
        code = make(buyer)

        def pay(order: str) -> bool:
            with transaction.atomic():
                scanned = services.scan_pay_code(code=code, order=order, currency="GBP", now=clock.now())
                if scanned.owner is not None:
                    services.spend_pay_code(scanned=scanned, order=order, now=clock.now())
                return scanned.owner is not None

        assert sorted(race(lambda: pay("ord_1"), lambda: pay("ord_2"))) == [False, True]


class TestConfirmationLimits:
    def test_are_the_houses_until_an_account_says_otherwise(self, api: Any, buyer: Account):
        assert services.confirms_above(account=buyer, currency="GBP") == settings.COUNTER_CONFIRM_ABOVE_MINOR
        for amount in (700, 0):
            said = api(buyer).put("/confirmation-limits", {"amount": amount, "currency": "GBP"})
            assert said.json() == {"amount": amount, "currency": "GBP"}
        assert services.confirms_above(account=buyer, currency="GBP") == 0
        assert services.confirms_above(account=buyer, currency="EUR") == settings.COUNTER_CONFIRM_ABOVE_MINOR
        assert scan(make(buyer)).confirms_above_minor == 0
        assert api(buyer).get("/confirmation-limits").json()["results"] == [{"amount": 0, "currency": "GBP"}]


def test_dead_codes_are_forgotten_in_time(buyer: Account):
    make(buyer)
    assert services.purge_pay_codes(now=clock.now() + settings.PAY_CODE_RETENTION) == 0
    later = clock.now() + settings.PAY_CODE_RETENTION + settings.PAY_CODE_LIFETIME
    assert services.purge_pay_codes(now=later) == 1
