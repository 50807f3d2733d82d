"""Operators find money by its ids, change no figure by hand, and end debts and top-ups with a reason."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.utils import timezone

from accounts.actor import Actor
from accounts.models import Account
from core import clock
from core.ids import encode_key
from core.money import Money
from core.secrecy import decrypt
from tests.money_facts import book
from tests.wallets.phone import Phone
from tests.wallets.shop import fill, owed, release_due, sell, wallet_of
from tests.wallets.test_three_steps import fill_in_progress
from wallets import services
from wallets.models import (
    Debt,
    DebtRepayment,
    Earning,
    IdentityCharge,
    PayoutTarget,
    ProviderAttempt,
    TopUp,
    TopUpReversal,
    WebhookNotice,
    Withdrawal,
)
from wallets.pay_codes.models import PayCode, PayCodeSecret
from wallets.pay_codes.services import make_pay_code
from wallets.providers.models import ProviderDecision

LISTS = (
    TopUp,
    Withdrawal,
    Earning,
    Debt,
    IdentityCharge,
    ProviderAttempt,
    ProviderDecision,
    WebhookNotice,
    PayCode,
    PayCodeSecret,
    PayoutTarget,
)


def url(model: type, *parts: object) -> str:
    path = "".join(f"{part}/" for part in parts)
    return f"/admin/{model._meta.app_label}/{model._meta.model_name}/{path}"  # type: ignore[attr-defined]


@pytest.fixture
def pages(operator: Account, browser: Callable[[Account], Client]) -> Client:
    return browser(operator)


@pytest.fixture
def debtor(rich_buyer: Account, seller: Account) -> Account:
    """A seller who has a released earning, owes 400, and topped up 50."""
    sale = sell(seller, rich_buyer, 1000)
    sale.complete()
    release_due()
    book()
    sell(rich_buyer, seller, 1000)
    sale.refund(400)
    fill(seller, 50)
    book()
    return seller


@pytest.mark.django_db
class TestLists:
    """Found by public ids; nothing can be edited."""

    @pytest.mark.parametrize("model", LISTS, ids=lambda model: model.__name__)
    def test_nothing_is_added_changed_or_deleted(self, pages: Client, debtor: Account, model: type) -> None:
        rights = admin.site._registry[model]
        request = pages.get(url(model)).wsgi_request
        assert rights.has_view_permission(request)
        assert not rights.has_add_permission(request)
        assert not rights.has_change_permission(request)
        assert not rights.has_delete_permission(request)

    @pytest.mark.parametrize("model", [TopUp, Earning, Debt], ids=lambda model: model.__name__)
    def test_found_by_owner(self, pages: Client, debtor: Account, buyer: Account, model: Any) -> None:
        found = pages.get(url(model), {"q": debtor.public_id}).context["cl"].result_list

        assert {row.owner for row in found} == {debtor}
        assert not pages.get(url(model), {"q": "acc_nobody"}).context["cl"].result_list

    def test_found_by_id_order_and_subject(self, pages: Client, debtor: Account) -> None:
        top_up, earning, debt = TopUp.objects.latest("id"), Earning.objects.earliest("id"), Debt.objects.get()
        for model, term, row in (
            (TopUp, top_up.public_id, top_up),
            (Earning, earning.order, earning),
            (Debt, debt.subject, debt),
        ):
            assert list(pages.get(url(model), {"q": term}).context["cl"].result_list) == [row]

    @pytest.mark.parametrize("model", [TopUp, Earning], ids=lambda model: model.__name__)
    def test_a_list_takes_as_many_statements_for_one_row_as_for_fifty(
        self,
        pages: Client,
        rich_buyer: Account,
        seller: Account,
        new_account: Callable[..., Account],
        statements: Callable[[], Any],
        model: type,
    ) -> None:
        counts = []
        for rows in (1, 20):
            for _ in range(rows):
                fill(new_account(), 1)
                sell(seller, rich_buyer, 1)
            with statements() as seen:
                pages.get(url(model))
            counts.append(len(seen))

        assert counts[0] == counts[1]

    @pytest.mark.parametrize("model", [TopUp, Earning, Debt], ids=lambda model: model.__name__)
    def test_each_row_has_a_page(self, pages: Client, debtor: Account, model: Any) -> None:
        row = model.objects.latest("id")

        page = pages.get(url(model, row.pk, "change"))

        assert page.status_code == 200
        assert row.owner.name in page.content.decode()


@pytest.mark.django_db
class TestWriteOff:
    """A debt is given up with a reason, from its own page."""

    def post(self, pages: Client, debt: Debt, **data: str) -> Any:
        return pages.post(url(Debt, debt.pk, "write-off"), {"_form_submitted": "on", **data})

    def test_asks_for_the_reason(self, pages: Client, debtor: Account) -> None:
        debt = Debt.objects.get()

        assert "reason" in pages.get(url(Debt, debt.pk, "write-off")).content.decode()
        self.post(pages, debt)
        assert owed(debtor) == 400

    def test_ends_the_debt_and_says_who_did_it(self, pages: Client, debtor: Account, operator: Account) -> None:
        debt = Debt.objects.get()

        answer = self.post(pages, debt, reason="Gone abroad.")

        assert answer.headers["HX-Redirect"] == url(Debt, debt.pk, "change")
        repayment = DebtRepayment.objects.get()
        assert (repayment.kind, repayment.made_by, repayment.reason) == ("write_off", operator, "Gone abroad.")
        assert owed(debtor) == 0
        assert "Gone abroad." in LogEntry.objects.get().change_message
        assert encode_key("evt", repayment.event_id) in pages.get(url(Debt, debt.pk, "change")).content.decode()

    def test_a_second_time_is_refused_kindly(self, pages: Client, debtor: Account) -> None:
        debt = Debt.objects.get()
        self.post(pages, debt, reason="Gone abroad.")

        assert self.post(pages, debt, reason="Again.").status_code == 200
        assert DebtRepayment.objects.count() == 1

    def test_is_for_operators(self, debtor: Account, browser: Callable[[Account], Client]) -> None:
        debt = Debt.objects.get()

        assert self.post(browser(debtor), debt, reason="Please.").status_code in (302, 403)
        assert owed(debtor) == 400


@pytest.mark.django_db
class TestAProvidersCalls:
    """A payment's page shows what was asked and heard, and has the provider asked again."""

    @pytest.fixture
    def waiting(self, buyer: Account) -> TopUp:
        top_up = fill_in_progress(buyer)
        ProviderAttempt.objects.create(provider="local", reference=top_up.public_id, what="charge")
        WebhookNotice.objects.create(
            provider="local", event_id="evt_1", kind="charge.made", reference=top_up.public_id, effect="known"
        )
        TopUp.objects.update(next_query_at=timezone.now() + timedelta(hours=1))
        return top_up

    def test_are_shown(self, pages: Client, waiting: TopUp) -> None:
        shown = pages.get(url(TopUp, waiting.pk, "change")).content.decode()

        assert "none came" in shown
        assert "charge.made (known)" in shown

    def test_are_made_again_at_the_tasks_next_run(self, pages: Client, waiting: TopUp) -> None:
        answer = pages.post(url(TopUp, waiting.pk, "ask-now"), {"_form_submitted": "on"})

        assert answer.headers["HX-Redirect"] == url(TopUp, waiting.pk, "change")
        assert services.finish_open_top_ups() == 1
        assert TopUp.objects.get().status == "succeeded"

    def test_are_over_once_the_outcome_is_final(self, pages: Client, buyer: Account) -> None:
        top_up = fill(buyer, 500)

        pages.post(url(TopUp, top_up.pk, "ask-now"), {"_form_submitted": "on"})

        assert "nothing to ask" in pages.get(url(TopUp, top_up.pk, "change")).content.decode()
        assert services.finish_open_top_ups() == 0


@pytest.mark.django_db
class TestWhatNoProviderAnswers:
    """Waiting is given up by one operator, and an outcome written by two, each with a reason."""

    @pytest.fixture
    def waiting(self, buyer: Account) -> TopUp:
        top_up = fill_in_progress(buyer)
        TopUp.objects.update(recorded_at=timezone.now() - timedelta(days=2))
        return top_up

    def post(self, pages: Client, row: Any, action: str, **data: str) -> Any:
        return pages.post(url(type(row), row.pk, action), {"_form_submitted": "on", **data})

    def test_is_given_up_with_a_reason(self, pages: Client, waiting: TopUp) -> None:
        self.post(pages, waiting, "give-up")
        assert TopUp.objects.get().status == "in_progress"

        self.post(pages, waiting, "give-up", reason="The customer has left.")

        assert TopUp.objects.get().status == "failed"
        assert "The customer has left." in pages.get(url(TopUp, waiting.pk, "change")).content.decode()

    def test_is_settled_by_a_second_operator(
        self, pages: Client, waiting: TopUp, new_account: Any, browser: Callable[[Account], Client]
    ) -> None:
        said = {"what": "succeeded", "provider_reference": "their-1", "reason": "Support, case 4711."}
        answer = self.post(pages, waiting, "settle", **said)
        assert answer.headers["HX-Redirect"] == url(TopUp, waiting.pk, "change")
        wish = ProviderDecision.objects.get()
        self.post(pages, wish, "approve")
        assert "Another operator" in pages.get(url(ProviderDecision, wish.pk, "change")).content.decode()

        self.post(browser(new_account(operator=True)), wish, "approve")

        assert (TopUp.objects.get().status, TopUp.objects.get().provider_reference) == ("succeeded", "their-1")
        shown = pages.get(url(ProviderDecision), {"q": waiting.public_id, "state": "decided"}).content.decode()
        assert "Support, case 4711." in shown

    def test_is_found_among_what_has_ended(self, pages: Client, buyer: Account, waiting: TopUp) -> None:
        fill(buyer, 5)
        found = pages.get(url(TopUp), {"state": "in progress"}).context["cl"].result_list
        assert list(found) == [waiting]


@pytest.mark.django_db
class TestPayCodes:
    def test_are_shown_as_facts_and_never_as_digits(self, pages: Client, buyer: Account) -> None:
        row, digits = make_pay_code(maximum=Money(900, "GBP"), actor=Actor.own(buyer), now=clock.now())

        for page in (pages.get(url(PayCode)), pages.get(url(PayCode, row.pk, "change"))):
            shown = page.content.decode()
            assert buyer.name in shown
            assert digits not in shown
            assert row.code_digest not in shown


@pytest.mark.django_db
class TestChargeback:
    """A top-up is taken back with a reason, from its own page."""

    def test_takes_it_out_of_the_wallet(self, pages: Client, buyer: Account, operator: Account) -> None:
        top_up = fill(buyer, 500)
        book()

        answer = pages.post(
            url(TopUp, top_up.pk, "reverse"), {"_form_submitted": "on", "reason": "Card holder objected."}
        )

        assert answer.headers["HX-Redirect"] == url(TopUp, top_up.pk, "change")
        assert TopUpReversal.objects.get().made_by == operator
        book()
        assert wallet_of(buyer).posted_minor == 0
        assert "Card holder objected." in pages.get(url(TopUp, top_up.pk, "change")).content.decode()


class TestWhatIsKeptForLater:
    """An operator sees whose it is and whether it is in use, and nothing with which anybody could pay."""

    def test_shows_a_payout_target_by_its_end_only(self, pages: Client, api: Any, buyer: Account) -> None:
        api(buyer).post("/payout-targets", {"destination": "GB33BUKB20201555555555", "name": "Savings"})
        target = PayoutTarget.objects.get()
        shown = pages.get(url(PayoutTarget, target.pk, "change")).content.decode()

        assert "…5555" in shown
        assert "GB33" not in shown
        assert target.destination not in shown
        assert target.public_id in pages.get(url(PayoutTarget), {"state": "in_use"}).content.decode()
        assert target.public_id not in pages.get(url(PayoutTarget), {"state": "ended"}).content.decode()

    def test_finds_a_phone_by_the_number_that_its_codes_carry(self, pages: Client, buyer: Account) -> None:
        Phone(buyer)
        phone = PayCodeSecret.objects.get()
        found = pages.get(url(PayCodeSecret), {"q": phone.key_number}).content.decode()
        shown = pages.get(url(PayCodeSecret, phone.pk, "change")).content.decode()

        assert phone.public_id in found
        assert phone.key_number in shown
        assert phone.secret not in shown
        assert decrypt(phone.secret) not in shown
