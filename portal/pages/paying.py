"""
Paying at the counter with the phone: where the QR code on the till leads.

The page shows store, lines and sum, asks from which wallet, and calls the services that the API calls. Its form
carries a key: pressed twice it pays once, and both see the same outcome.
"""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse

from core import clock
from core.errors import NotFound, Refusal
from core.money import Money
from orders.api.views import payer_of
from orders.counter import services
from orders.counter.models import CounterTrade
from orders.counter.receipts.codes import sign_receipt
from orders.counter.receipts.reading import short_number
from orders.counter.selectors import get_trade_to_pay
from orders.counter.states import TradeStatus, status_of
from orders.selectors import lines_of
from portal.forms import TradePaymentForm
from portal.pages.base import BuyerPage, FormPage
from portal.pages.payments import WalletPage, attempt_of, once, ways_to_pay

_SEEN_AS = {
    TradeStatus.PENDING: "portal/pay.html",
    TradeStatus.CONFIRMING: "portal/pay.html",
    TradeStatus.PAID: "portal/pay_paid.html",
    TradeStatus.REFUNDED: "portal/pay_paid.html",
    TradeStatus.CLOSED: "portal/pay_closed.html",
}


class Pay(BuyerPage, WalletPage, FormPage):
    """/pay/<trade number>"""

    form_class = TradePaymentForm

    trade: CounterTrade

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
            receipt=sign_receipt(order.public_id) if order.paid_minor else "",
            **ways_to_pay(total, self.customer, form=form, chosen=self.request.GET.get("wallet")),
        )

    def get_template_names(self) -> list[str]:
        return [_SEEN_AS[status_of(self.trade, clock.now())]]

    def act(self, form: Any) -> HttpResponse:
        said = form.cleaned_data
        amount = Money(said["amount"], said["currency"])
        pay = services.confirm_trade if said["confirms"] else services.pay_on_phone
        trade_no = self.kwargs["trade_no"]

        def effect() -> str:
            payer = payer_of(said["wallet"], self.customer)
            pay(trade_no=trade_no, amount=amount, payer=payer, actor=self.customer, now=clock.now())
            return reverse("portal:pay", args=[trade_no])

        return redirect(once(attempt_of(said, self.request.path, self.customer), effect))
