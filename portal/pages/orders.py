"""An order, as its buyer and its seller see it: how far it has come, what comes next, its money, and paying it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _

from core.errors import NotFound, Refusal
from core.money import Money
from orders.api.outputs import payment_document
from orders.counter.receipts.codes import sign_receipt
from orders.models import Order, OrderLine, ProviderPayment, Refund, RefundRequest
from orders.selectors import get_order, lines_of, payments_of, refund_requests_of, refunds_of
from portal.forms import OrderPaymentForm
from portal.pages.base import FormPage
from portal.pages.buying.timeline import timeline_of
from portal.pages.buying.wording import badge_of
from portal.pages.payments import WalletPage, attempt_of, once, start_payment, ways_to_pay
from portal.wording import earning_in_words, headline_of
from sharing.attributions import attribution_of

Status = Order.Status


class OrderPage(WalletPage, FormPage):
    """/orders/<id>"""

    template_name = "portal/order.html"
    form_class = OrderPaymentForm

    def show_refusal(self, refusal: Refusal) -> HttpResponse:
        if not isinstance(refusal, NotFound):
            return super().show_refusal(refusal)
        return self._show("portal/order_not_there.html", self.get_context_data(), refusal.status).render()

    def get(self, request: HttpRequest, order_id: str) -> HttpResponse:
        return self.show_form(self.get_form(), status=200)

    def show_form(self, form: Any, *, status: int) -> HttpResponse:
        """What a till has rung up is paid on a page of its own, by other rules."""
        order = get_order(self.kwargs["order_id"], visible_to=self.customer.acting)
        if order.channel == Order.Channel.STORE and self._can_pay(order):
            return redirect("portal:pay", order.trade_no)
        return self._show(self.template_name, self._look(order, form), status)

    def act(self, form: Any) -> HttpResponse:
        said, order = form.cleaned_data, self.kwargs["order_id"]

        def effect() -> str:
            start_payment(order=order, said=said, actor=self.customer)
            return reverse("portal:order", args=[order])

        return redirect(once(attempt_of(said, self.request.path, self.customer), effect))

    def _look(self, order: Order, form: Any) -> dict[str, Any]:
        sells = self.customer.acting.pk == order.seller_id
        payment = _payment(order) if not sells else None
        is_being_paid = payment is not None and payment["status"] == ProviderPayment.Status.IN_PROGRESS
        lines, refunds, requests = lines_of([order])[order.pk], _refunds(order), _requests(order)
        return self.get_context_data(
            form=form,
            order=order,
            sells=sells,
            headline=headline_of(order, sells=sells, is_being_paid=is_being_paid),
            badge=badge_of(order),
            steps=timeline_of(order, sells=sells, is_being_paid=is_being_paid, refunds=refunds, requests=requests),
            lines=_bill(order, lines),
            total=Money(order.total_minor, order.currency),
            refunded=Money(order.refunded_minor, order.currency),
            kept=Money(order.refundable_minor, order.currency),
            asked=_asked(order, requests),
            may=self._may(order, requests, is_being_paid),
            costs=_costs(order, lines) if sells else [],
            receipt=_receipt(order),
            payment=payment,
            is_being_paid=is_being_paid,
            **self._payable(order, form),
        )

    def _may(self, order: Order, requests: Sequence[RefundRequest], is_being_paid: bool) -> set[str]:
        """What its buyer may do with it now besides paying."""
        if self.customer.acting.pk != order.buyer_id:
            return set()
        is_asked = any(request.status == RefundRequest.Status.OPEN for request in requests)
        possible = {
            "cancel": order.status == Status.PENDING and not is_being_paid,
            "receive": order.status == Status.FULFILLED,
            "ask": bool(order.refundable_minor) and not is_asked,
        }
        return {action for action, may in possible.items() if may}

    def _payable(self, order: Order, form: Any) -> dict[str, Any]:
        """What its buyer is asked for while it can be paid."""
        if not self._can_pay(order):
            return {}
        total = Money(order.total_minor, order.currency)
        return ways_to_pay(total, self.customer, form=form, chosen=self.request.GET.get("wallet"))

    def _can_pay(self, order: Order) -> bool:
        return order.status == Status.PENDING and self.customer.acting.pk == order.buyer_id

    def _show(self, template: str, context: dict[str, Any], status: int) -> Any:
        answer = self.response_class(self.request, [template], context)
        answer.status_code = status
        return answer


def _bill(order: Order, lines: Sequence[OrderLine]) -> list[Any]:
    return [(line, Money(line.unit_minor, order.currency), Money(line.amount_minor, order.currency)) for line in lines]


@dataclass(frozen=True, slots=True)
class Cost:
    """What goes from a sale to somebody, less what refunds have taken back."""

    to_whom: str
    why: str
    amount: Money


def _costs(order: Order, lines: Sequence[OrderLine]) -> Iterator[Cost]:
    """The platform's fee, and the parts of those who brought the customer; most sales have none."""
    yield Cost(_("The platform's fee"), "", Money(order.fee_minor - order.fee_refunded_minor, order.currency))
    titles = {line.pk: line.title for line in lines if line.share_terms}
    for won in attribution_of(order.public_id).won if titles else ():
        charged_minor = won.promised_minor if won.charged_minor is None else won.charged_minor
        what = {"title": titles[won.line], "given": earning_in_words(won.share.program)}
        yield Cost(
            won.sharer.name,
            _("Brought the customer of %(title)s: %(given)s") % what,
            Money(charged_minor - won.reversed_minor, order.currency),
        )


def _refunds(order: Order) -> list[Refund]:
    """Most orders have none: they are not asked about."""
    return list(refunds_of(order).order_by("id")) if order.refunded_minor else []


def _requests(order: Order) -> list[RefundRequest]:
    """Only for what is paid can money be asked back."""
    return list(refund_requests_of(order).order_by("id")) if order.paid_minor else []


def _asked(order: Order, requests: Sequence[RefundRequest]) -> tuple[RefundRequest, Money] | None:
    """The request that nobody has answered yet."""
    found = next((request for request in requests if request.status == RefundRequest.Status.OPEN), None)
    return None if found is None else (found, Money(found.asked_minor, order.currency))


def _payment(order: Order) -> dict[str, Any] | None:
    """How far a provider is with it."""
    payment = payments_of([order]).get(order.id) if order.status == Status.PENDING else None
    return None if payment is None else payment_document(payment)


def _receipt(order: Order) -> str:
    return sign_receipt(order.public_id) if order.channel == Order.Channel.STORE and order.paid_minor else ""
