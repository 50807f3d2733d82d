"""A sale that was rung up: how it stands, ways to be paid, cancelling it, giving money back."""

from datetime import datetime
from functools import cached_property
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _

from core import clock
from core.errors import Refusal
from core.languages import say_money
from core.money import Money
from core.pages import page_url
from core.qr import qr_svg
from orders.counter.api.outputs import PAY_PAGE
from orders.counter.api.trades import try_payment
from orders.counter.cashier.cart import give_number, next_sale, sale_at
from orders.counter.cashier.selling import cancel, give_back
from orders.counter.errors import UseRefund
from orders.counter.models import CounterTrade
from orders.counter.receipts.codes import sign_receipt
from orders.counter.receipts.reading import receipt_url, short_number
from orders.counter.selectors import get_trade, is_being_charged
from orders.counter.services import Identity
from orders.counter.states import FINAL, TradeStatus, status_of
from orders.selectors import lines_of, refunds_of
from portal.pages.counter.base import TillPage, is_fragment
from portal.pages.counter.forms import ConfirmedRefundForm, RefundForm, TakePaymentForm
from portal.pages.counter.wording import refusal_in_words, say_at_till, state_of

WHOLE, PART = "portal/counter/trade.html", "portal/counter/_trade.html"


class OneTrade(TillPage):
    """A page of a trade of the till's store."""

    @property
    def trade(self) -> CounterTrade:
        """As it is now. :raises NotFound: the store has no such trade."""
        return get_trade(self.kwargs["trade_no"], store=self.cashier.store)

    @cached_property
    def now(self) -> datetime:
        return clock.now()

    def look(self, trade: CounterTrade) -> dict[str, Any]:
        """Return what every page of a trade says of it."""
        order, status = trade.order, status_of(trade, self.now)
        is_open = status not in FINAL
        state = state_of(trade, status, is_charging=is_open and is_being_charged(trade))
        refused = refusal_in_words(trade)
        return {
            "trade": trade,
            "status": status.value,
            "state": state,
            "refused": refused,
            # Whoever looks again with this mark is told nothing while it is the same.
            "mark": f"{status}-{state.icon}-{trade.refusal}-{order.refunded_minor}",
            "is_open": is_open,
            "number": short_number(order.trade_no),
            "total": Money(order.total_minor, order.currency),
            "refunded": Money(order.refunded_minor, order.currency),
            "kept": Money(order.refundable_minor, order.currency),
            "seconds_left": (left := max(0, int((trade.closes_at - self.now).total_seconds()))),
            "minutes_left": -(-left // 60),
        }

    def back_to_trade(self) -> HttpResponse:
        return redirect("portal:till-trade", self.kwargs["terminal_id"], self.kwargs["trade_no"])


class TradePage(OneTrade):
    """/counter/<till>/trades/<number>, and for scripts with ?seen= the part that has changed"""

    def get(self, request: HttpRequest, terminal_id: str, trade_no: str) -> HttpResponse:
        return self.show(TakePaymentForm(), status=200)

    def post(self, request: HttpRequest, terminal_id: str, trade_no: str) -> HttpResponse:
        """Have it paid. What the trade itself keeps as refused is said by its page, again and again."""
        form = TakePaymentForm(request.POST)
        if not form.is_valid():
            return self.show(form, status=422)
        said = form.cleaned_data
        try:
            try_payment(
                till=self.cashier.terminal,
                trade_no=trade_no,
                amount=Money(said["amount"], said["currency"]),
                pay_code=said["pay_code"],
                identity=None if said["pay_code"] else Identity(said["provider"], said["external_id"]),
                by=self.customer,
            )
        except Refusal as refusal:
            form.add_error("pay_code" if said["pay_code"] else "external_id", say_at_till(refusal))
            return self.show(form, status=refusal.status)
        return self.back_to_trade()

    def show(self, form: TakePaymentForm, *, status: int) -> HttpResponse:
        trade = self.trade
        seen = self.look(trade)
        if is_fragment(self.request) and self.request.GET.get("seen") == seen["mark"]:
            return HttpResponse(status=204)
        context = self.get_context_data(**seen, form=form, **self._behind(trade, seen["is_open"]))
        template = PART if is_fragment(self.request) else WHOLE
        return TemplateResponse(self.request, template, context, status=status)

    def _behind(self, trade: CounterTrade, is_open: bool) -> dict[str, Any]:
        """What an open trade is paid by, and what became of one that has ended."""
        order = trade.order
        bill = [
            (line, Money(line.unit_minor, order.currency), Money(line.amount_minor, order.currency))
            for line in lines_of([order])[order.pk]
        ]
        if is_open:
            return {
                "lines": bill,
                "qr": qr_svg(page_url(PAY_PAGE, order.trade_no)),
                "providers": self.cashier.store.trusted_providers,
            }
        receipt = sign_receipt(order.public_id) if order.paid_minor else ""
        back = refunds_of(order).prefetch_related(None).order_by("id") if order.refunded_minor else ()
        return {
            "lines": bill,
            "receipt": receipt,
            "receipt_qr": qr_svg(receipt_url(receipt)) if receipt else "",
            "refunds": [(refund, Money(refund.amount_minor, order.currency)) for refund in back],
            "sale": sale_at(self.cashier),
        }


class CodeAlone(OneTrade):
    """/counter/<till>/trades/<number>/code: what is turned to the customer"""

    def get(self, request: HttpRequest, terminal_id: str, trade_no: str) -> HttpResponse:
        trade = self.trade
        seen = self.look(trade)
        if is_fragment(request) and request.GET.get("seen") == seen["mark"]:
            return HttpResponse(status=204)
        qr = qr_svg(page_url(PAY_PAGE, trade_no)) if seen["status"] == TradeStatus.PENDING else ""
        template = "portal/counter/_code.html" if is_fragment(request) else "portal/counter/code.html"
        return TemplateResponse(request, template, self.get_context_data(**seen, qr=qr))


class Again(OneTrade):
    """/counter/<till>/trades/<number>/again: the same goods, as a new sale"""

    def post(self, request: HttpRequest, terminal_id: str, trade_no: str) -> HttpResponse:
        trade = self.trade
        next_sale(
            cashier=self.cashier,
            after=trade.sequence,
            like=lines_of([trade.order])[trade.order_id],
            currency=trade.order.currency,
        )
        return redirect("portal:till", terminal_id)


class Cancel(OneTrade):
    """/counter/<till>/trades/<number>/cancel: asked about where money goes back"""

    def get(self, request: HttpRequest, terminal_id: str, trade_no: str) -> HttpResponse:
        seen = self.look(self.trade)
        return TemplateResponse(request, "portal/counter/cancel.html", self.get_context_data(**seen))

    def post(self, request: HttpRequest, terminal_id: str, trade_no: str) -> HttpResponse:
        trade = self.trade
        if trade.order.paid_minor and "sure" not in request.POST:
            # The customer has paid while the cashier meant to cancel what was unpaid.
            return redirect("portal:till-cancel", terminal_id, trade_no)
        try:
            cancel(cashier=self.cashier, trade_no=trade_no, now=self.now)
        except UseRefund as refusal:
            messages.error(request, say_at_till(refusal))
        return self.back_to_trade()


class Refund(OneTrade):
    """/counter/<till>/trades/<number>/refund: how much and why, looked over, and given back once"""

    def get(self, request: HttpRequest, terminal_id: str, trade_no: str) -> HttpResponse:
        trade = self.trade
        return self._ask(trade, RefundForm(left=Money(trade.order.refundable_minor, trade.order.currency)), status=200)

    def post(self, request: HttpRequest, terminal_id: str, trade_no: str) -> HttpResponse:
        trade = self.trade
        if "sequence" in request.POST:
            return self._give_back(trade)
        form = RefundForm(request.POST, left=Money(trade.order.refundable_minor, trade.order.currency))
        if not form.is_valid():
            return self._ask(trade, form, status=422)
        context = self.get_context_data(
            **self.look(trade), asked=form.cleaned_data, sequence=give_number(cashier=self.cashier)
        )
        return TemplateResponse(request, "portal/counter/refund_sure.html", context)

    def _give_back(self, trade: CounterTrade) -> HttpResponse:
        form = ConfirmedRefundForm(self.request.POST)
        if not form.is_valid():
            return self._ask(trade, RefundForm(left=Money(trade.order.refundable_minor, trade.order.currency)), 422)
        said = form.cleaned_data
        try:
            give_back(
                cashier=self.cashier,
                trade_no=self.kwargs["trade_no"],
                sequence=said["sequence"],
                amount_minor=said["amount"],
                reason=said["reason"],
                now=self.now,
            )
        except Refusal as refusal:
            messages.error(self.request, say_at_till(refusal))
            return self.back_to_trade()
        given = Money(said["amount"], trade.order.currency)
        messages.success(self.request, _("%(amount)s given back.") % {"amount": say_money(given)})
        return self.back_to_trade()

    def _ask(self, trade: CounterTrade, form: RefundForm, status: int) -> HttpResponse:
        context = self.get_context_data(**self.look(trade), form=form)
        return TemplateResponse(self.request, "portal/counter/refund.html", context, status=status)
