"""
Paying at the counter with the phone: where the QR code on the till leads.

The page shows store, lines and sum, asks from which wallet, and calls the services that the API calls. Its form
carries a key: pressed twice it pays once, and both see the same outcome.
"""

import secrets
from collections.abc import Callable
from typing import Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.http import urlencode

from accounts.models import Account
from accounts.services import owners_who_let_spend
from core import clock
from core.api.idempotency import Attempt, IdempotencyKeyReused, digest_request
from core.errors import NotFound, Refusal
from core.ids import PUBLIC_ID_PATTERN
from core.money import Money
from orders.api.views import payer_of
from orders.counter import services
from orders.counter.models import CounterTrade
from orders.counter.receipts.codes import sign_receipt
from orders.counter.receipts.reading import short_number
from orders.counter.selectors import get_trade_to_pay
from orders.counter.states import TradeStatus, status_of
from orders.selectors import lines_of
from portal.forms import PaymentForm
from portal.pages.base import CustomerPage, FormPage

_SEEN_AS = {
    TradeStatus.PENDING: "portal/pay.html",
    TradeStatus.CONFIRMING: "portal/pay.html",
    TradeStatus.PAID: "portal/pay_paid.html",
    TradeStatus.REFUNDED: "portal/pay_paid.html",
    TradeStatus.CLOSED: "portal/pay_closed.html",
}


class Pay(CustomerPage, FormPage):
    """/pay/<trade number>"""

    form_class = PaymentForm

    trade: CounterTrade

    def refuse_entry(self) -> HttpResponseBase | None:
        refused = super().refuse_entry()
        if refused is None and self.customer.acting.side != "buyer":
            return TemplateResponse(
                self.request, "portal/for_buyers.html", self.get_context_data(), status=403
            ).render()
        return refused

    def way_back(self) -> str:
        """A choice that was made before the log-in was lost is there again after it."""
        wallet = self.request.POST.get("wallet") or self.request.GET.get("wallet") or ""
        is_one = PUBLIC_ID_PATTERN.fullmatch(wallet)
        return f"{self.request.path}?{urlencode({'wallet': wallet})}" if is_one else self.request.path

    def show_refusal(self, refusal: Refusal) -> HttpResponse:
        if not isinstance(refusal, NotFound):
            return super().show_refusal(refusal)
        answer = TemplateResponse(self.request, "portal/pay_not_there.html", self.get_context_data())
        answer.status_code = refusal.status
        return answer.render()

    def get(self, request: HttpRequest, trade_no: str) -> HttpResponse:
        return self.render_to_response(self.look(self.get_form()))

    def show_form(self, form: Any, *, status: int) -> HttpResponse:
        answer = self.render_to_response(self.look(form))
        answer.status_code = status
        return answer

    def look(self, form: Any) -> dict[str, Any]:
        """Return what the page says of the trade as it is now."""
        trade = self.trade = get_trade_to_pay(self.kwargs["trade_no"], visible_to=self.customer.acting)
        order, now = trade.order, clock.now()
        total = Money(order.total_minor, order.currency)
        wallets = self.wallets(total)
        chosen = form.data.get("wallet") or self.request.GET.get("wallet")
        return self.get_context_data(
            form=form,
            trade=trade,
            number=short_number(order.trade_no),
            status=status_of(trade, now).value,
            lines=[
                (line, Money(line.unit_minor, order.currency), Money(line.amount_minor, order.currency))
                for line in lines_of([order])[order.pk]
            ],
            total=total,
            refunded=Money(order.refunded_minor, order.currency),
            kept=Money(order.refundable_minor, order.currency),
            minutes=max(1, -(-int((trade.closes_at - now).total_seconds()) // 60)),
            wallets=wallets,
            chosen=next((w.public_id for w in wallets if w.public_id == chosen), wallets[0].public_id),
            key=form.data.get("key") or secrets.token_urlsafe(16),
            receipt=sign_receipt(order.public_id) if order.paid_minor else "",
        )

    def wallets(self, total: Money) -> list[Account]:
        """Return whose wallets may pay so much, the one that acts first; the log-in's own always may."""
        login, acting = self.customer.login, self.customer.acting
        willing = [login, *owners_who_let_spend(amount=total, actor=self.customer)]
        return sorted(willing, key=lambda account: account.pk != acting.pk)

    def get_template_names(self) -> list[str]:
        return [_SEEN_AS[status_of(self.trade, clock.now())]]

    def act(self, form: Any) -> HttpResponse:
        said = form.cleaned_data
        amount = Money(said["amount"], said["currency"])
        pay = services.confirm_trade if said["confirms"] else services.pay_on_phone

        def effect() -> None:
            payer = payer_of(said["wallet"], self.customer)
            trade_no = self.kwargs["trade_no"]
            pay(trade_no=trade_no, amount=amount, payer=payer, actor=self.customer, now=clock.now())

        intended = f"{said['wallet']} {amount.minor} {amount.currency}".encode()
        digest = digest_request("POST", self.request.path, intended)
        once(Attempt(self.customer.owner_id, said["key"], digest), effect)
        return redirect(reverse("portal:pay", args=[self.kwargs["trade_no"]]))


def once(attempt: Attempt, effect: Callable[[], None]) -> None:
    """
    Run what a form intends, once per key; what its twin has done is done.

    Twins meet at the lock of what they change, so that the later one waits instead of being told to come back: it
    is its answer that the browser shows. What refuses it there is the echo of what the first has done.

    :raises Refusal: of the effect, where no twin has come to it.
    :raises IdempotencyKeyReused: the key was another form's.
    """
    try:
        with transaction.atomic():
            effect()
            if not attempt.save(status=302, body=""):
                raise IdempotencyKeyReused
    except Refusal:
        if attempt.look_up() is None:
            raise
