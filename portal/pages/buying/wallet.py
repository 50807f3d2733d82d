"""
The wallet: what is in it, what is promised, what is on its way, what is owed; and money in and out.

Whoever sends money somewhere sees the sum once more before. Providers are called after the intent is written, and what
comes of it is on a page of its own, which looks again by itself while it is not known.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.forms import Form
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.services import ensure_own_login
from core import clock
from core.errors import NotFound
from core.money import Money, format_minor
from portal.pages.base import CustomerPage, FormPage, TextPage
from portal.pages.buying.forms import (
    AmountForm,
    SumForm,
    TargetForm,
    WithdrawalForm,
    WithdrawalSumForm,
)
from portal.pages.buying.wording import badge_of_payment
from portal.pages.payments import attempt_of, once
from portal.wording import provider_in_words
from wallets import selectors, services
from wallets.models import ProviderPayment
from wallets.payout_targets.models import PayoutTarget
from wallets.payout_targets.services import add_payout_target, payout_targets_of, remove_payout_target


@dataclass(frozen=True, slots=True)
class Purse:
    """One currency of a wallet, each figure as money; `unbooked` is None where nothing waits, as it mostly is."""

    currency: str
    available: Money
    held: Money
    pending: Money
    unbooked: Money | None
    debt: Money

    @classmethod
    def of(cls, balance: selectors.WalletBalance) -> "Purse":
        def money(minor: int) -> Money:
            return Money(minor, balance.currency)

        return cls(
            currency=balance.currency,
            available=money(balance.available_minor),
            held=money(balance.held_minor),
            pending=money(balance.pending_minor),
            unbooked=money(balance.not_yet_booked_minor) if balance.not_yet_booked_minor else None,
            debt=money(balance.debt_minor),
        )


class Wallet(CustomerPage, TextPage):
    """/wallet"""

    template_name = "portal/buying/wallet.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        owner, some = self.customer.acting, settings.PAYMENTS_SHOWN
        return self.render_to_response(
            self.get_context_data(
                purses=[Purse.of(balance) for balance in selectors.wallet_balances(visible_to=owner)],
                top_ups=_told(selectors.latest_top_ups(visible_to=owner, limit=some)),
                withdrawals=_told(selectors.latest_withdrawals(visible_to=owner, limit=some)),
                can_top_up=bool(settings.PORTAL_PROVIDER),
            )
        )


def _told(payments: Sequence[ProviderPayment]) -> list[tuple[ProviderPayment, Any, str]]:
    return [(payment, badge_of_payment(payment), provider_in_words(payment.provider)) for payment in payments]


class SumPage(CustomerPage, FormPage):
    """
    A page that asks for a sum by GET, shows it once more, and acts by POST.

    What refuses the sum is said where it is asked for, with what was written still there.
    """

    template_confirm: ClassVar[str]
    form_class: Any = SumForm
    asking_class: ClassVar[type[AmountForm]] = AmountForm

    def get(self, request: HttpRequest) -> HttpResponse:
        if "amount" not in request.GET:
            return self._ask(self.make_asking({"currency": request.GET.get("currency", "")}, is_bound=False))
        asking = self.make_asking(request.GET)
        if not asking.is_valid():
            return self._ask(asking, status=422)
        context = self.get_context_data(
            asked=asking.cleaned_data,
            money=asking.cleaned_data["money"],
            key=secrets.token_urlsafe(16),
            form=asking,
        )
        return self.response_class(self.request, [self.template_confirm], context)

    def make_asking(self, said: Any, *, is_bound: bool = True) -> AmountForm:
        """Return the form that asks; unbound, `said` is what it begins with."""
        asking = self.asking_class(said) if is_bound else self.asking_class(initial=self.first_guess(said))
        asking.offer_currencies(selectors.wallet_currencies(visible_to=self.customer.acting))
        return asking

    def first_guess(self, said: dict[str, str]) -> dict[str, str]:
        return said

    def show_form(self, form: Any, *, status: int) -> HttpResponse:
        """After a POST that was refused: the sum as it was written, and beside it why not."""
        written = form.data.dict()
        if form.sum_shown is not None:
            written["amount"] = format_minor(form.sum_shown.minor, form.sum_shown.currency)
        asking = self.make_asking(written)
        asking.full_clean()
        for field, faults in form.errors.items():
            for fault in faults:
                asking.add_error(field if field in asking.fields else None, fault)
        return self._ask(asking, status=status)

    def _ask(self, asking: Form, *, status: int = 200) -> HttpResponse:
        answer = self.render_to_response(self.get_context_data(form=asking))
        answer.status_code = status
        return answer


class TopUpPage(SumPage):
    """/wallet/top-up"""

    template_name = "portal/buying/top_up.html"
    template_confirm = "portal/buying/top_up_confirm.html"

    def refuse_entry(self) -> HttpResponseBase | None:
        refused = super().refuse_entry()
        if refused is None and not settings.PORTAL_PROVIDER:
            raise NotFound(_("Topping up is not set up here."))
        return refused

    def act(self, form: Any) -> HttpResponse:
        said = form.cleaned_data

        def effect() -> str:
            top_up = services.request_top_up(
                owner=self.customer.acting,
                amount=form.money,
                provider=settings.PORTAL_PROVIDER,
                actor=self.customer,
                now=clock.now(),
            )
            transaction.on_commit(lambda: _charge(top_up.public_id))
            return reverse("portal:top-up-done", args=[top_up.public_id])

        return redirect(once(attempt_of(said, self.request.path, self.customer), effect))

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        return super().get_context_data(provider=provider_in_words(settings.PORTAL_PROVIDER), **context)


def _charge(top_up: str) -> None:
    """Whoever dies here is finished by the task that asks providers."""
    services.finish_top_up(public_id=top_up, outcome=services.charge_top_up(public_id=top_up), now=clock.now())


class PaymentPage(CustomerPage, TextPage):
    """What has become of money on its way in or out."""

    template_name = "portal/buying/payment.html"
    is_money_in: ClassVar[bool]

    def find(self, public_id: str) -> ProviderPayment:
        raise NotImplementedError

    def get(self, request: HttpRequest, payment_id: str) -> HttpResponse:
        payment = self.find(payment_id)
        return self.render_to_response(
            self.get_context_data(
                payment=payment,
                badge=badge_of_payment(payment),
                provider=provider_in_words(payment.provider),
                is_money_in=self.is_money_in,
                is_under_way=payment.status == ProviderPayment.Status.IN_PROGRESS,
                target=getattr(payment, "payout_target", None),
            )
        )


class TopUpDone(PaymentPage):
    """/wallet/top-ups/<id>"""

    is_money_in = True

    def find(self, public_id: str) -> ProviderPayment:
        return selectors.get_top_up(public_id=public_id, visible_to=self.customer.acting)


class WithdrawalDone(PaymentPage):
    """/wallet/withdrawals/<id>"""

    is_money_in = False

    def find(self, public_id: str) -> ProviderPayment:
        return selectors.get_withdrawal(public_id=public_id, visible_to=self.customer.acting)


class OwnLoginPage(CustomerPage):
    """A page for the account's own log-in only: whoever acts through a link is told so at once."""

    def refuse_entry(self) -> HttpResponseBase | None:
        refused = super().refuse_entry()
        if refused is None:
            ensure_own_login(self.customer)
        return refused


class WithdrawPage(OwnLoginPage, SumPage):
    """/wallet/withdraw"""

    template_name = "portal/buying/withdraw.html"
    template_confirm = "portal/buying/withdraw_confirm.html"
    form_class = WithdrawalSumForm
    asking_class = WithdrawalForm
    refused_beside = {
        "insufficient_funds": "amount",
        "payout_target_required": "target",
        "payout_target_unknown": "target",
    }

    def make_asking(self, said: Any, *, is_bound: bool = True) -> AmountForm:
        asking = super().make_asking(said, is_bound=is_bound)
        assert isinstance(asking, WithdrawalForm)
        targets = [(target.public_id, _name_of(target)) for target in self._targets()]
        asking.offer_targets(targets, is_required=settings.PAYOUT_TARGET_REQUIRED)
        return asking

    def _targets(self) -> Sequence[PayoutTarget]:
        own = payout_targets_of(visible_to=self.customer.acting).filter(provider=settings.PAYOUT_PROVIDER)
        return list(own.order_by("-id"))

    def act(self, form: Any) -> HttpResponse:
        said = form.cleaned_data

        def effect() -> str:
            withdrawal = services.request_withdrawal(
                owner=self.customer.acting,
                amount=form.money,
                provider=settings.PAYOUT_PROVIDER,
                target=said["target"] or None,
                actor=self.customer,
                now=clock.now(),
            )
            transaction.on_commit(lambda: _pay_out(withdrawal.public_id))
            return reverse("portal:withdrawal-done", args=[withdrawal.public_id])

        return redirect(once(attempt_of(said, self.request.path, self.customer), effect))

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        balances = selectors.wallet_balances(visible_to=self.customer.acting)
        return super().get_context_data(
            purses=[Purse.of(balance) for balance in balances if balance.available_minor],
            target=self._chosen(context.get("asked", {}).get("target")),
            is_in_debt=any(balance.debt_minor for balance in balances),
            **context,
        )

    def _chosen(self, target: str | None) -> str:
        return next((_name_of(one) for one in self._targets() if one.public_id == target), "") if target else ""


def _name_of(target: PayoutTarget) -> str:
    ending = _("account ending in %(digits)s") % {"digits": target.ends_in}
    return f"{target.name}, {ending}" if target.name else ending


def _pay_out(withdrawal: str) -> None:
    """Whoever dies here is finished by the task that asks providers."""
    services.finish_withdrawal(
        public_id=withdrawal, outcome=services.pay_out_withdrawal(public_id=withdrawal), now=clock.now()
    )


class PayoutTargets(OwnLoginPage, FormPage):
    """/wallet/payout-targets: where withdrawals may go, and another such place"""

    template_name = "portal/buying/payout_targets.html"
    form_class = TargetForm
    refused_beside = {"payout_target_known": "destination"}

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        own = payout_targets_of(visible_to=self.customer.acting).order_by("-id")
        return super().get_context_data(targets=[(target, _name_of(target)) for target in own], **context)

    def act(self, form: Any) -> HttpResponse:
        """Pressed twice the second one is refused as known: it is there once."""
        add_payout_target(**form.cleaned_data, actor=self.customer, now=clock.now())
        messages.success(self.request, _("Withdrawals may go there from now on."))
        return redirect("portal:payout-targets")


class RemoveTarget(OwnLoginPage):
    """POST /wallet/payout-targets/<id>/remove; twice is as once"""

    http_method_names = ["post"]

    def post(self, request: HttpRequest, target_id: str) -> HttpResponse:
        try:
            remove_payout_target(target=target_id, actor=self.customer, now=clock.now())
        except NotFound:
            return redirect("portal:payout-targets")
        messages.success(request, _("It is removed. What was paid out there stays known."))
        return redirect("portal:payout-targets")


class Repay(SumPage):
    """/wallet/repay?currency="""

    template_name = "portal/buying/repay.html"
    template_confirm = "portal/buying/repay_confirm.html"
    refused_beside = {"insufficient_funds": "amount", "repayment_exceeds_debt": "amount"}

    def first_guess(self, said: dict[str, str]) -> dict[str, str]:
        """All that is owed, as far as the wallet has it."""
        for balance in selectors.wallet_balances(visible_to=self.customer.acting):
            if balance.currency == said["currency"] and balance.debt_minor:
                possible_minor = min(balance.debt_minor, balance.available_minor)
                return {**said, "amount": format_minor(possible_minor, balance.currency)}
        return said

    def act(self, form: Any) -> HttpResponse:
        def effect() -> str:
            services.repay_debts(owner=self.customer.acting, amount=form.money, actor=self.customer, now=clock.now())
            return reverse("portal:wallet")

        leads_to = once(attempt_of(form.cleaned_data, self.request.path, self.customer), effect)
        messages.success(self.request, _("Repaid."))
        return redirect(leads_to)

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        balances = selectors.wallet_balances(visible_to=self.customer.acting)
        return super().get_context_data(
            debts=[Purse.of(balance) for balance in balances if balance.debt_minor], **context
        )
