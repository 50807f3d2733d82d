"""The demo world: made once, whoever loads it how often, and balanced."""

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from io import StringIO
from typing import Any
from urllib.parse import urlsplit

import pyotp
import pytest
from django.core.management import CommandError, call_command

from accounts.models import Account, Behaviour, ExternalIdentity, Link, LinkSpending
from accounts.services import check_credentials, log_in
from catalog.models import Item, ItemPicture, Store
from core.money import CURRENCY_DIGITS
from core.registry import book_checks
from demo import loading
from demo.management.commands import load_demo
from demo.models import BankEntry
from demo.world import AGENTS, BONDS, BUYERS, IDENTITIES, OPERATORS, SECOND_FACTORS, SELLERS, SHARINGS
from distribution.models import AllocatedLine
from events.models import Delivery
from ledger.models import LedgerAccount
from ledger.selectors import trial_balance
from marketplace.servers import PROJECT_DIR
from orders.counter.models import CounterTrade
from orders.models import CartLine, Order, RefundRequest
from sharing.models import Scan
from wallets.models import Earning, Withdrawal
from wallets.pay_codes.models import PayCodeSecret
from wallets.payout_targets.models import PayoutTarget


def load() -> str:
    printed = StringIO()
    call_command("load_demo", stdout=printed)
    return printed.getvalue()


@pytest.fixture(autouse=True)
def undrawn(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Drawing the pictures anew takes longer than all else: one test does. They are handed to it."""
    drawn = loading.MOTIFS
    monkeypatch.setattr(loading, "MOTIFS", {})
    return drawn


def counts() -> list[int]:
    return [model.objects.count() for model in (Account, Store, Item, Order, Earning, LedgerAccount)]


@pytest.mark.django_db
class TestTheDemoWorld:
    """What `make run` serves shows something of everything."""

    def test_says_who_can_log_in(self, settings: Any) -> None:
        printed = load()

        for who in (*OPERATORS, *SELLERS, *BUYERS, *AGENTS):
            assert who.username in printed
            assert check_credentials(who.username, settings.DEMO_PASSWORD, address="192.0.2.1").name == who.name

    def test_has_prices_with_no_two_and_three_decimals(self) -> None:
        load()

        currencies = Item.objects.values_list("currency", flat=True)
        assert {CURRENCY_DIGITS[currency] for currency in currencies} == {0, 2, 3}
        assert Item.objects.filter(stock__isnull=False).exists()

    def test_shows_everything_that_is_on_sale_by_a_picture(
        self, undrawn: dict[str, Any], monkeypatch: pytest.MonkeyPatch, settings: Any, tmp_path: Any
    ) -> None:
        settings.MEDIA_ROOT = tmp_path
        monkeypatch.setattr(loading, "MOTIFS", undrawn)

        load()

        assert not Item.objects.filter(status="on_sale", cover="").exists()
        assert len(list(tmp_path.rglob("*.webp"))) == 2 * ItemPicture.objects.count() >= 2 * Item.objects.count()

    def test_has_something_for_its_sellers_to_do(self) -> None:
        load()

        waiting = RefundRequest.objects.filter(status="open").values_list("order__seller__username", flat=True)
        assert set(waiting) == {"meridian-lab", "alder-repairs"}
        assert RefundRequest.objects.get(status="refused").answer
        assert set(Item.objects.values_list("status", flat=True)) == {"on_sale", "draft"}

    def test_has_orders_in_every_state_and_refunds(self) -> None:
        load()

        assert set(Order.objects.values_list("status", flat=True)) == {
            "pending",
            "paid",
            "fulfilled",
            "completed",
            "cancelled",
        }
        assert Order.objects.filter(status="completed", refunded_minor__gt=0).exists()
        assert set(Earning.objects.values_list("status", flat=True)) == {"pending", "released", "reversed"}

    def test_is_booked_and_balanced(self) -> None:
        load()

        assert not Delivery.objects.exists()
        assert {balance.credits_minor - balance.debits_minor for balance in trial_balance()} == {0}
        assert [finding for check in book_checks() for finding in check.run()] == []

    def test_shares_its_sales_with_everybody_behind_them(self) -> None:
        load()

        given = {role for role, _owner in Earning.objects.filter(kind="commission").values_list("role", "owner")}
        assert given == {"agent", "referrer", "merchant_referrer", "cashback"}
        reasons = {row["reason"] for line in AllocatedLine.objects.all() for row in line.not_paid}
        assert {"self_dealing", "nobody", "vacant"} <= reasons

    def test_has_something_on_each_page_of_a_buyer(self) -> None:
        load()

        grace = Account.objects.get(username="grace")
        assert CartLine.objects.filter(cart=grace.pk).values("item__currency").distinct().count() == 2
        assert RefundRequest.objects.get(requested_by=grace).status == "open"
        assert Withdrawal.objects.get(owner=grace).status == "succeeded"
        assert PayoutTarget.objects.get(owner=grace).ends_in == "5555"
        assert PayCodeSecret.objects.get(account=grace).name == "Grace's phone"

    def test_has_somebody_who_brought_a_customer(self, client: Any) -> None:
        printed = load()

        earned = Earning.objects.filter(kind="share", owner__username="grace").order_by("currency")
        assert [(one.original_minor, one.currency, one.status) for one in earned] == [
            (196, "GBP", "released"),
            (300, "JPY", "pending"),
        ]
        assert Scan.objects.filter(scan_class="bot").exists()
        shared = [line.rpartition(" ")[2] for line in printed.splitlines() if " shares " in line]
        assert len(shared) == len(SHARINGS)
        for url in shared:
            assert client.get(urlsplit(url).path).status_code == 302

    def test_shows_who_acted_for_whom_as_the_terms_say(self) -> None:
        load()

        order = Order.objects.get(placed_by__username="wei", buyer__username="harbour-foods")
        assert (order.status, order.payer.username, order.paid_by.username) == ("paid", "harbour-foods", "wei")
        seen = Behaviour.objects.filter(account__username="harbour-foods", kind="order.placed", link_id__isnull=False)
        assert set(seen.values_list("login_account__username", flat=True)) == {"wei"}
        assert not Behaviour.objects.filter(
            account__username="meridian-lab", login_account__username="wei", kind="order.placed", link_id__isnull=False
        ).exists()
        assert LinkSpending.objects.get().spent_minor == order.total_minor

    def test_has_identities_and_a_second_factor_that_can_be_shown(self, settings: Any) -> None:
        load()

        bound = set(ExternalIdentity.objects.values_list("account__username", "provider", "external_id"))
        assert bound == {(known.username, known.provider, known.external_id) for known in IDENTITIES}
        for username, secret in SECOND_FACTORS.items():
            shown = {"otp": pyotp.TOTP(secret).now(), "address": "192.0.2.1"}
            assert log_in(username=username, password=settings.DEMO_PASSWORD, **shown).session.second_factor_at

    def test_has_a_trade_that_a_bank_elsewhere_was_charged_for(self) -> None:
        load()

        entries = list(BankEntry.objects.all())
        entry = next(entry for entry in entries if entry.amount_minor == 550)
        trade = CounterTrade.objects.get(order__trade_no=entry.trade_no)
        assert (trade.order.status, trade.order.payer.username, trade.order.institution) == (
            "completed",
            "grace",
            "demo-bank",
        )
        clearing = LedgerAccount.objects.get(code="clearing:demo-bank")
        assert {entry.state for entry in entries} == {"made"}
        assert clearing.debits_minor - clearing.credits_minor == sum(entry.amount_minor for entry in entries)

    def test_a_world_of_an_earlier_version_goes_on(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Whoever has run the demo before starts it again, with what it has."""
        newer = replace(SHARINGS[0], title="Offered since")
        load()
        monkeypatch.setattr(load_demo, "SHARINGS", (*SHARINGS, newer))

        assert "shares Offered since" not in load()

    def test_is_not_there_twice(self) -> None:
        first, before = load(), counts()

        assert load() == first
        assert counts() == before

    @pytest.mark.parametrize(
        "step",
        [
            "_make_operator",
            "_register",
            "_link",
            "_bind",
            "_open",
            "_offer",
            "_share",
            "_look",
            "finish_top_up",
            "pay_order",
            "refund_order",
        ],
    )
    def test_is_completed_where_it_was_broken_off(self, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
        with monkeypatch.context() as patched:
            patched.setattr(loading, step, second_time_fails(getattr(loading, step)))
            with pytest.raises(RuntimeError, match="power"):
                load()

        load()

        made = counts()
        assert made[:4] == [
            len(OPERATORS) + len(SELLERS) + len(BUYERS) + len(AGENTS),
            len(loading.PLACES),
            len(loading.OFFERS),
            len(loading.SALES) + len(loading.STORIES),
        ]
        assert Link.objects.count() == len(BONDS)

    @pytest.mark.parametrize("password", ["", None])
    def test_is_not_for_settings_without_a_demo_password(self, settings: Any, password: str | None) -> None:
        settings.DEMO_PASSWORD = password

        with pytest.raises(CommandError, match="no demo world"):
            load()


class TestProduction:
    """Everybody knows the demo's password."""

    def test_has_no_demo_world_to_load(self) -> None:
        secrets = {"SECRET_KEY": "s", "ALLOWED_HOSTS": "shop.example"}
        servers = {"DATABASE_URL": "postgres://localhost/none", "REDIS_URL": "redis://localhost/0"}
        asked = subprocess.run(
            [sys.executable, "manage.py", "load_demo"],
            cwd=PROJECT_DIR,
            env={**os.environ, **secrets, **servers, "DJANGO_SETTINGS_MODULE": "settings.production"},
            capture_output=True,
            text=True,
        )

        assert asked.returncode != 0
        assert "Unknown command: 'load_demo'" in asked.stderr


class TestTwoAtTheSameMoment:
    """`make run` in two terminals."""

    def test_make_one_world(self, committed_db: Any, race: Callable[..., list[Any]]) -> None:
        first, second = race(load, load)

        assert first == second
        assert counts()[:4] == [
            len(OPERATORS) + len(SELLERS) + len(BUYERS) + len(AGENTS),
            len(loading.PLACES),
            len(loading.OFFERS),
            len(loading.SALES) + len(loading.STORIES),
        ]


def second_time_fails(function: Callable[..., Any]) -> Callable[..., Any]:
    calls = 0

    def failing(*args: Any, **named: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise RuntimeError("The power went out.")
        return function(*args, **named)

    return failing
