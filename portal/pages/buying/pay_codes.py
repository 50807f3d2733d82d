"""
The pay code on the phone's screen, large enough for a till to read across the counter, and what became of it.

A code is on the one page that shows it and nowhere else: in no address, in no cookie, and kept by us as a digest only.
The page asks what became of it by a signed name of its row.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _

from core import clock
from core.api.lists import after_cursor
from core.errors import NotFound
from core.money import Money
from core.qr import qr_svg
from orders.models import Order
from orders.selectors import get_order
from portal.pages.base import BuyerPage, FormPage, TextPage
from portal.pages.buying.forms import MaximumForm, PhoneForm
from portal.pages.buying.wallet import OwnLoginPage
from portal.pages.payments import attempt_of, once
from portal.pages.scanning import with_query
from portal.wording import say_code
from wallets.pay_codes import offline, services
from wallets.pay_codes.models import PayCode, PayCodeSecret
from wallets.pay_codes.selectors import get_pay_code, is_in_force, secrets_of
from wallets.selectors import wallet_currencies

_SALT = "portal.pay_codes"
_DIGITS_TOGETHER = 3


class OwnBuyerPage(OwnLoginPage, BuyerPage):
    """A page for buyers, by their own log-in."""


class ShowPayCode(OwnBuyerPage, FormPage):
    """/pay-code: with which maximum, and then the code"""

    template_name = "portal/buying/pay_code.html"
    form_class = MaximumForm

    def get_form(self, form_class: Any = None) -> Any:
        form = super().get_form(form_class)
        form.offer_currencies(wallet_currencies(visible_to=self.customer.acting))
        return form

    def act(self, form: Any) -> HttpResponse:
        """No redirect: the code is nowhere to be read again."""
        maximum, now = form.cleaned_data.get("money"), clock.now()
        made, code = services.make_pay_code(maximum=maximum, actor=self.customer, now=now)
        context = self.get_context_data(
            form=form,
            digits=_grouped(code),
            spoken=" ".join(code),
            qr=qr_svg(code),
            expires_at=made.expires_at,
            seconds=int((made.expires_at - now).total_seconds()),
            maximum=maximum,
            state=CodeState("waiting"),
            ask=_ask_of(made),
        )
        return self.response_class(self.request, ["portal/buying/pay_code_shown.html"], context)


def _grouped(code: str) -> list[str]:
    return [code[place : place + _DIGITS_TOGETHER] for place in range(0, len(code), _DIGITS_TOGETHER)]


def _ask_of(made: PayCode) -> str:
    return reverse("portal:pay-code-state", args=[signing.dumps(made.pk, salt=_SALT)])


@dataclass(frozen=True, slots=True)
class CodeState:
    """What became of a code: waiting, paid, refused or expired; the order it was tried for, and why it was refused."""

    name: str
    order: Order | None = None
    why: str = ""

    @property
    def amount(self) -> Money | None:
        return Money(self.order.total_minor, self.order.currency) if self.order else None


class PayCodeState(OwnBuyerPage, TextPage):
    """/pay-code/<name>: what became of a code, as a page, or as the part of one that asks again by itself"""

    template_name = "portal/buying/pay_code_state.html"

    def get(self, request: HttpRequest, name: str) -> HttpResponse:
        try:
            key = signing.loads(name, salt=_SALT)
        except signing.BadSignature:
            raise NotFound from None
        made = get_pay_code(key, visible_to=self.customer.acting)
        state = self._state_of(made, clock.now())
        template = "portal/buying/_pay_code_state.html" if request.htmx else self.template_name  # type: ignore[attr-defined]
        context = self.get_context_data(state=state, ask=request.path)
        return self.response_class(request, [template], context)

    def _state_of(self, made: PayCode, now: datetime) -> CodeState:
        if made.refusal:
            return CodeState("refused", why=say_code(made.refusal))
        if made.used_for:
            return CodeState("paid", get_order(made.used_for, visible_to=self.customer.acting))
        if made.used_at is not None or made.expires_at <= now:
            return CodeState("expired")
        return CodeState("waiting")


class Phones(OwnBuyerPage, FormPage):
    """/pay-code/phones: which phones make codes by themselves, and another one, whose secret is shown once"""

    template_name = "portal/buying/phones.html"
    form_class = PhoneForm

    def get_form(self, form_class: Any = None) -> Any:
        form = super().get_form(form_class)
        form.offer_currencies(wallet_currencies(visible_to=self.customer.acting))
        return form

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        form = context.get("form")
        kept = form.data.get("key") if form is not None else None
        found = after_cursor(secrets_of(visible_to=self.customer.login), ("-id",), None)[: settings.PHONES_SHOWN]
        return super().get_context_data(
            key=kept or secrets.token_urlsafe(16),
            phones=[Phone.of(row, self.customer.session_id) for row in found],
            **context,
        )

    def act(self, form: Any) -> HttpResponse:
        """No redirect: the secret is nowhere to be read again. Who presses twice is told that it was shown."""
        said, shown = form.cleaned_data, list[services.PhoneSecret]()

        def effect() -> str:
            shown.append(
                services.enrol_phone(name=said["name"], maximum=said.get("money"), actor=self.customer, now=clock.now())
            )
            return with_query(reverse("portal:phones"), {"enrolled": shown[-1].row.public_id})

        leads_to = once(attempt_of(said, self.request.path, self.customer), effect)
        enrolled = shown[-1] if shown else None
        if enrolled is None or enrolled.row.public_id not in leads_to:  # It was the first press that enrolled one.
            messages.info(self.request, _("This phone was enrolled, and its secret shown, a moment ago."))
            return redirect("portal:phones")
        context = self.get_context_data(
            form=form,
            enrolled=enrolled,
            qr=qr_svg(_provisioning(enrolled)),
            period=offline.PERIOD_SECONDS,
            digits=offline.PASSWORD_DIGITS,
            algorithm=offline.ALGORITHM,
        )
        return self.response_class(self.request, ["portal/buying/phone_enrolled.html"], context)


def _provisioning(enrolled: services.PhoneSecret) -> str:
    """What an app reads from the picture: as authenticator apps write it, with the key number as the name."""
    parameters = (
        f"secret={enrolled.secret}&algorithm={offline.ALGORITHM}"
        f"&digits={offline.PASSWORD_DIGITS}&period={offline.PERIOD_SECONDS}"
    )
    return f"otpauth://totp/{enrolled.row.key_number}?{parameters}"


@dataclass(frozen=True, slots=True)
class Phone:
    """A phone as its list shows it."""

    row: PayCodeSecret
    maximum: Money | None
    is_in_force: bool
    is_this_one: bool

    @classmethod
    def of(cls, row: PayCodeSecret, session: str | None) -> "Phone":
        maximum = Money(row.max_minor, row.max_currency) if row.max_minor else None
        return cls(row, maximum, is_in_force(row), row.session.public_id == session)


class EndPhone(OwnBuyerPage):
    """POST /pay-code/phones/<id>/end; twice is as once"""

    http_method_names = ["post"]

    def post(self, request: HttpRequest, secret_id: str) -> HttpResponse:
        services.revoke_phone_secret(secret=secret_id, actor=self.customer, now=clock.now())
        messages.success(request, _("None of its codes pays any more."))
        return redirect("portal:phones")
