"""Who brought the customer of which sale, what that came to, and what guards have held."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from unfold.decorators import action, display
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminTextareaWidget

from accounts.browser import operator_of
from accounts.models import Account
from core import clock
from core.admin import ReadOnlyAdmin, attempt, back_to, facts, link_to, list_link, shown_money, table
from core.ids import decode_key, encode_key
from sharing import services
from sharing.guards import BURST, REFUNDS, TOO_FAST
from sharing.models import Share, Touch, WonLine

HELD = "held"
COLOURS = {
    "promised": "info",
    "pending": "info",
    HELD: "warning",
    "released": "success",
    "reversed": "danger",
    "rejected": "danger",
}
STATES = {
    HELD: Q(held_at__isnull=False, decision=""),
    "was held": Q(held_at__isnull=False) & ~Q(decision=""),
}
WORDS = {
    TOO_FAST: "ordered {seconds} s after the scan",
    BURST: "{orders} orders of this share within {within_seconds} s",
    REFUNDS: "{refunded_percent} % of its last {lines} lines were given back",
}


def why_held(line: WonLine) -> list[str]:
    """Return what the guards found, in words."""
    return [
        WORDS[found["guard"]].format(**found, refunded_percent=found.get("refunded_bps", 0) / 100)
        for found in line.hold_reasons
    ]


class HoldFilter(admin.SimpleListFilter):
    title = "guards"
    parameter_name = "guards"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(state, state) for state in STATES]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        state = STATES.get(self.value() or "")
        return queryset.filter(state) if state else queryset


class DecisionForm(BaseDialogForm):
    """Why it is decided so; kept with the line."""

    reason = forms.CharField(
        max_length=WonLine._meta.get_field("decision_reason").max_length,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
    )


@admin.register(WonLine)
class WonLineAdmin(ReadOnlyAdmin):
    """Found by line, order, share or sharer; what is held is decided here."""

    icon = "loyalty"
    waiting_query = "guards=held"
    key_prefix = "lin"
    list_display = (
        "shown_line",
        "order_link",
        "status",
        "promised",
        "amount",
        "shown_sharer",
        "held_until",
        "placed_at",
    )
    list_select_related = ("share", "sharer", "seller", "item", "earning", "decided_by")
    list_filter = (HoldFilter,)
    search_fields = ("order__exact",)
    search_help_text = "lin_…, ord_…, shr_…, or the sharer's acc_…"
    fields = readonly_fields = (
        "shown_line",
        "order_link",
        "status",
        "shown_sharer",
        "shown_share",
        "shown_seller",
        "shown_item",
        "promised",
        "charged",
        "amount",
        "earning_link",
        "judged",
        "guards",
        "held_at",
        "held_until",
        "decision",
        "decided_at",
        "decided_by",
        "decision_reason",
        "placed_at",
        "paid_at",
        "locked_until",
    )
    actions_detail = ("release", "reject")

    def rows_waiting(self) -> QuerySet:
        return WonLine.objects.filter(STATES[HELD])

    def find(self, queryset: QuerySet, term: str) -> QuerySet | None:
        match term.partition("_")[0]:
            case "acc":
                return queryset.filter(sharer=Account.objects.filter(public_id=term).first())
            case "shr":
                return queryset.filter(share=Share.objects.filter(public_id=term).first())
            case "lin":
                return queryset.filter(pk=decode_key("lin", term) or 0)
        return None

    @display(description="line")
    def shown_line(self, line: WonLine) -> str:
        return line.public_line

    @display(description="order")
    def order_link(self, line: WonLine) -> str:
        return list_link("orders.order", f"q={line.order}", line.order)

    @display(description="status", label=COLOURS)
    def status(self, line: WonLine) -> str:
        return line.status

    @display(description="promised")
    def promised(self, line: WonLine) -> str:
        return shown_money(line.promised_minor, line.currency)

    @display(description="charged")
    def charged(self, line: WonLine) -> str:
        return shown_money(line.charged_minor, line.currency)

    @display(description="the sharer has")
    def amount(self, line: WonLine) -> str:
        return shown_money(line.amount_minor, line.currency)

    @display(description="sharer")
    def shown_sharer(self, line: WonLine) -> str:
        return link_to("accounts.account", line.sharer_id, line.sharer.name)

    @display(description="share")
    def shown_share(self, line: WonLine) -> str:
        return link_to("sharing.share", line.share_id, line.share.public_id)

    @display(description="seller")
    def shown_seller(self, line: WonLine) -> str:
        return link_to("accounts.account", line.seller_id, line.seller.name)

    @display(description="item")
    def shown_item(self, line: WonLine) -> str:
        return link_to("catalog.item", line.item_id, line.item.title)

    @display(description="money")
    def earning_link(self, line: WonLine) -> str:
        return link_to("wallets.earning", line.earning_id, "the sharer's earning") if line.earning_id else "-"

    @display(description="judged")
    def judged(self, line: WonLine) -> str:
        """Everybody who might have brought the line, and why not."""
        touches = Touch.objects.select_related("share__sharer").filter(order=line.order).order_by("id")
        rows = [_judged(touch) for touch in touches if touch.line in (None, line.line)]
        return table(["scan", "sharer", "class", "scanned", "why"], rows)

    @display(description="what the guards found")
    def guards(self, line: WonLine) -> str:
        return facts((found["guard"], why) for found, why in zip(line.hold_reasons, why_held(line), strict=True)) or "-"

    def has_decide_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return request.user.has_perm("sharing.change_wonline")

    @action(
        description="Release",
        url_path="release",
        permissions=["decide"],
        dialog={
            "title": "Let this part go",
            "description": "It goes to the sharer's wallet when the sale's own earning goes to the seller's.",
            "form_class": DecisionForm,
            "form_submit_text": "Release",
        },
    )
    def release(self, request: HttpRequest, form: DecisionForm, object_id: str) -> HttpResponse:
        return self._decide(request, form, object_id, services.release_share, "The part is the sharer's.")

    @action(
        description="Reject",
        url_path="reject",
        permissions=["decide"],
        dialog={
            "title": "Give this part back to the seller",
            "description": "All that is left of it is the seller's from now on. This is final.",
            "form_class": DecisionForm,
            "form_submit_text": "Reject",
        },
    )
    def reject(self, request: HttpRequest, form: DecisionForm, object_id: str) -> HttpResponse:
        return self._decide(request, form, object_id, services.reject_share, "The part is the seller's again.")

    def _decide(
        self, request: HttpRequest, form: DecisionForm, object_id: str, service: Callable[..., WonLine], said: str
    ) -> HttpResponse:
        reason, actor = form.cleaned_data["reason"], operator_of(request)
        decided = attempt(request, lambda: service(line=int(object_id), reason=reason, actor=actor, now=clock.now()))
        if decided is not None:
            self.log_change(request, decided, f"{decided.decision}: {reason}")
            self.message_user(request, said)
        return back_to("sharing_wonline", object_id)


def _judged(touch: Touch) -> tuple[object, ...]:
    sharer = touch.share.sharer if touch.share else None
    return (
        "-" if touch.scan is None else link_to("sharing.scan", touch.scan, encode_key("scn", touch.scan)),
        link_to("accounts.account", sharer.pk, sharer.name) if sharer else "-",
        touch.scan_class or "-",
        f"{touch.scanned_at:%Y-%m-%d %H:%M:%S UTC}" if touch.scanned_at else "-",
        touch.get_reason_display(),
    )
