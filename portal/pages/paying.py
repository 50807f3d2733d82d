"""
Paying at the counter with the phone: where the QR code on the till leads.

The page shows store, lines and sum, asks from which wallet, and calls the services that the API calls. Its form
carries a key: pressed twice it pays once, and both see the same outcome. While it is open it looks again by itself
whether the till has cancelled it, or somebody has paid.
"""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse

from accounts.models import Account
from core import clock
from core.errors import NotFound, Refusal
from core.money import Money
from orders.api.outputs import payment_document
from orders.api.views import payer_of
from orders.counter import services
from orders.counter.models import CounterTrade
from orders.counter.receipts.codes import sign_receipt
from orders.counter.receipts.reading import short_number
from orders.counter.selectors import get_trade_to_pay, own_payment
from orders.counter.states import FINAL, TradeStatus, status_of
from orders.models import ProviderPayment
from orders.selectors import lines_of
from portal.forms import TradePaymentForm
from portal.pages.base import BuyerPage, FormPage
from portal.pages.payments import WalletPage, attempt_of, charge_afterwards, once, ways_to_pay
from wallets.selectors import available_in

_PARTS = {
    TradeStatus.PENDING: "portal/pay/_open.html",
    TradeStatus.CONFIRMING: "portal/pay/_open.html",
    TradeStatus.PAID: "portal/pay/_paid.html",
    TradeStatus.REFUNDED: "portal/pay/_paid.html",
    TradeStatus.CLOSED: "portal/pay/_closed.html",
}


class Pay(BuyerPage, WalletPage, FormPage):
    """/pay/<trade number>, and for scripts with ?seen= the part that has changed"""

    form_class = TradePaymentForm

    def show_refusal(self, refusal: Refusal) -> HttpResponse:
        if not isinstance(refusal, NotFound):
            return super().show_refusal(refusal)
        answer = TemplateResponse(self.request, "portal/pay_not_there.html", self.get_context_data())
        answer.status_code = refusal.status
        return answer.render()

    def get(self, request: HttpRequest, trade_no: str) -> HttpResponse:
        return self.show_form(self.get_form(), status=200)

    def show_form(self, form: Any, *, status: int) -> HttpResponse:
        is_part = bool(self.request.htmx)  # type: ignore[attr-defined]
        looked = self.look(form)
        if is_part and self.request.GET.get("seen") == looked["mark"]:
            return HttpResponse(status=204)
        template = "portal/pay/_trade.html" if is_part else "portal/pay/pay.html"
        return TemplateResponse(self.request, template, self.get_context_data(**looked), status=status)

    def look(self, form: Any) -> dict[str, Any]:
        """Return what the page says of the trade as it is now."""
        trade = get_trade_to_pay(self.kwargs["trade_no"], visible_to=self.customer.acting)
        order, now = trade.order, clock.now()
        status = status_of(trade, now)
        total = Money(order.total_minor, order.currency)
        seconds_left = max(0, int((trade.closes_at - now).total_seconds()))
        is_open = status not in FINAL
        payment = self._own_payment(trade) if is_open else None
        is_being_paid = payment is not None and payment["status"] == ProviderPayment.Status.IN_PROGRESS
        return {
            "form": form,
            "trade": trade,
            "part": _PARTS[status],
            "number": short_number(order.trade_no),
            "status": status.value,
            "is_open": is_open,
            "is_being_paid": is_being_paid,
            "payment": payment,
            # Whoever looks again with this mark is told nothing while it is the same.
            "mark": f"{status}-{is_being_paid}-{order.refunded_minor}",
            "lines": [
                (line, Money(line.unit_minor, order.currency), Money(line.amount_minor, order.currency))
                for line in lines_of([order])[order.pk]
            ],
            "total": total,
            "refunded": Money(order.refunded_minor, order.currency),
            "kept": Money(order.refundable_minor, order.currency),
            "seconds_left": seconds_left,
            "minutes": max(1, -(-seconds_left // 60)),
            "receipt": sign_receipt(order.public_id) if order.paid_minor else "",
            **(self._wallets(total, form) if is_open and not is_being_paid else {}),
        }

    def act(self, form: Any) -> HttpResponse:
        said = form.cleaned_data

        def effect() -> str:
            self._pay(said)
            return reverse("portal:pay", args=[self.kwargs["trade_no"]])

        return redirect(once(attempt_of(said, self.request.path, self.customer), effect))

    def _pay(self, said: dict[str, Any]) -> None:
        """From the wallet; where it shall be charged what the wallet lacks, a provider is called after it."""
        wanted = {
            "trade_no": self.kwargs["trade_no"],
            "amount": Money(said["amount"], said["currency"]),
            "payer": payer_of(said["wallet"], self.customer),
            "actor": self.customer,
            "now": clock.now(),
        }
        if said["provider"] and settings.PORTAL_PROVIDER:
            charge_afterwards(services.request_phone_payment(**wanted, provider=settings.PORTAL_PROVIDER))
        elif said["confirms"]:
            services.confirm_trade(**wanted)
        else:
            services.pay_on_phone(**wanted)

    def _own_payment(self, trade: CounterTrade) -> dict[str, Any] | None:
        payment = own_payment(trade, visible_to=self.customer.acting)
        return None if payment is None else payment_document(payment)

    def _wallets(self, total: Money, form: Any) -> dict[str, Any]:
        """Whose wallets may pay, and what is in those that this person may look into: its own and the acting one's."""
        ways = ways_to_pay(total, self.customer, form=form, chosen=self.request.GET.get("wallet"))
        wallets: Sequence[Account] = ways["wallets"]
        own = {self.customer.login.pk, self.customer.acting.pk}
        available = available_in(total.currency, visible_to=[one for one in wallets if one.pk in own])
        has = {key: Money(minor, total.currency) for key, minor in available.items()}
        return {**ways, "wallets": [(one, has.get(one.pk), available.get(one.pk, total.minor)) for one in wallets]}
