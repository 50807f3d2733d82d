"""What comes from outside: event types of one's own, keys of payment servers, and what they sent."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from unfold.decorators import action, display

from accounts.browser import operator_of
from billing.admin.forms import AmountFormSet, EventTypeForm, PartyFormSet, ServiceKeyForm, filled, sent
from billing.models import EventType, ExternalEvent, ServiceKey
from billing.services.event_types import declare_event_type
from billing.services.service_keys import create_service_key, revoke_service_key
from billing.types import all_types, spec_of
from core import clock
from core.admin import ReadOnlyAdmin, attempt, link_to, page, show_page, shown_money, table
from core.ids import decode_key, encode_key
from core.money import format_minor


@admin.register(EventType)
class EventTypeAdmin(ReadOnlyAdmin):
    """The types that operators have declared; the built-in ones are in the code, and on the page of all types."""

    icon = "category"
    list_display = ("type", "external", "shown_parties", "shown_amounts", "created_by", "created_at")
    list_select_related = ("created_by",)
    sortable_by = ("type",)
    ordering = ("type",)
    search_fields = ("type__startswith",)
    search_help_text = "A type, or how it begins"
    fields = ("type", "external", "shown_parties", "shown_amounts", "shown_parameters", "created_by", "created_at")
    readonly_fields = fields
    pages = ("declare", "every")
    actions_list = ("go_declare", "go_every")

    @display(description="parties")
    def shown_parties(self, event_type: EventType) -> str:
        return written_parties(spec_of(event_type))

    @display(description="amounts")
    def shown_amounts(self, event_type: EventType) -> str:
        return written_amounts(spec_of(event_type))

    @display(description="parameters")
    def shown_parameters(self, event_type: EventType) -> str:
        return ", ".join(event_type.parameters)

    def has_declare_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("billing.add_eventtype")

    @action(description="Declare a type", icon="add", permissions=["declare"])
    def go_declare(self, request: HttpRequest) -> HttpResponse:
        return redirect("admin:billing_eventtype_declare")

    @action(description="All types", icon="list")
    def go_every(self, request: HttpRequest) -> HttpResponse:
        return redirect("admin:billing_eventtype_every")

    @page("every/", permission="billing.view_eventtype")
    def every(self, request: HttpRequest) -> HttpResponse:
        """The built-in types as well: what rules can name."""
        lines = [
            (
                spec.type,
                written_parties(spec),
                written_amounts(spec),
                ", ".join(spec.parameters),
                "yes" if spec.external else "no",
                "built in" if spec.built_in else "declared",
            )
            for spec in all_types().values()
        ]
        head = ["type", "parties", "amounts", "parameters", "from outside", ""]
        lead = "What rules can name: the parties, amounts and parameters of each type."
        return show_page(request, self, "core/sheet.html", title="All event types", lead=lead, sheet=table(head, lines))

    @page("declare/", permission="billing.add_eventtype")
    def declare(self, request: HttpRequest) -> HttpResponse:
        posted = sent(request)
        form = EventTypeForm(posted)
        parties, amounts = PartyFormSet(posted, prefix="parties"), AmountFormSet(posted, prefix="amounts")
        if posted and all([form.is_valid(), parties.is_valid(), amounts.is_valid()]):
            asked = form.cleaned_data
            declared = attempt(
                request,
                lambda: declare_event_type(
                    type_=asked["type"],
                    parties=filled(parties),
                    amounts=filled(amounts),
                    parameters=asked["parameters"],
                    external=asked["external"],
                    actor=operator_of(request),
                ),
            )
            if declared:
                self.log_addition(request, declared, "Declared.")
                messages.success(request, f"{declared.type} is declared. Add a rule for it before its events come.")
                return redirect("admin:billing_eventtype_change", declared.pk)
        context = {"form": form, "parties": parties, "amounts": amounts}
        return show_page(request, self, "billing/event_type.html", title="Declare an event type", **context)


def written_parties(spec: Any) -> str:
    return ", ".join(f"{p.name} (a ledger account)" if p.is_ledger else p.name for p in spec.parties)


def written_amounts(spec: Any) -> str:
    return ", ".join(f"{a.name} (part of {a.part_of})" if a.part_of else a.name for a in spec.amounts)


@admin.register(ServiceKey)
class ServiceKeyAdmin(ReadOnlyAdmin):
    """Keys of payment servers. A key itself is shown once, when it is made."""

    icon = "key"
    list_display = ("name", "shown_state", "shown_types", "daily_limit", "created_by", "created_at", "revoked_at")
    list_select_related = ("created_by",)
    sortable_by = ()
    search_fields = ("public_id__exact", "name__startswith")
    search_help_text = "svc_…, or how its name begins"
    fields = ("public_id", *list_display)
    readonly_fields = fields
    actions = ("revoke",)
    pages = ("make", "revoke_one")
    actions_list = ("go_make",)
    actions_detail = ("go_revoke",)
    list_disable_select_all = True

    @display(description="state", label={"lives": "success", "revoked": "danger"})
    def shown_state(self, key: ServiceKey) -> str:
        return "revoked" if key.revoked_at else "lives"

    @display(description="types")
    def shown_types(self, key: ServiceKey) -> str:
        return ", ".join(key.types)

    @display(description="daily limit")
    def daily_limit(self, key: ServiceKey) -> str:
        if key.daily_limit_minor is None:
            return "none"
        return shown_money(key.daily_limit_minor, key.daily_limit_currency)

    def has_make_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("billing.add_servicekey")

    @action(description="Make a key", icon="add", permissions=["make"])
    def go_make(self, request: HttpRequest) -> HttpResponse:
        return redirect("admin:billing_servicekey_make")

    @page("make/", permission="billing.add_servicekey")
    @method_decorator(never_cache)
    def make(self, request: HttpRequest) -> HttpResponse:
        """The answer shows the key, and nothing ever does again."""
        form = ServiceKeyForm(sent(request))
        if request.method == "POST" and form.is_valid():
            asked = form.cleaned_data
            made = attempt(
                request,
                lambda: create_service_key(
                    name=asked["name"],
                    types=asked["types"],
                    daily_limit=asked["daily_limit"],
                    actor=operator_of(request),
                ),
            )
            if made:
                row, key = made
                self.log_addition(request, row, "Made.")
                return show_page(
                    request, self, "billing/service_key_made.html", title=f"The key of {row.name}", key=key, row=row
                )
        return show_page(request, self, "billing/service_key.html", title="Make a service key", form=form)

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("billing.change_servicekey")

    def has_revoke_living_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        living = object_id is None or ServiceKey.objects.filter(pk=object_id, revoked_at=None).exists()
        return living and self.has_revoke_permission(request)

    @action(description="Revoke", icon="key_off", permissions=["revoke_living"], url_path="to-revoke")
    def go_revoke(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return redirect("admin:billing_servicekey_revoke_one", object_id)

    @page("<int:key_id>/revoke/", permission="billing.change_servicekey")
    def revoke_one(self, request: HttpRequest, key_id: int) -> HttpResponse:
        """What stops is said first."""
        key = get_object_or_404(ServiceKey, pk=key_id)
        if request.method == "POST":
            if key.revoked_at is None:
                revoke_service_key(key=key, now=clock.now())
                self.log_change(request, key, "Revoked.")
            messages.success(request, f"The key of {key.name} is revoked; it stops at once.")
            return redirect("admin:billing_servicekey_change", key.pk)
        lead = "Its payment server can send nothing any more, from this moment. What it sent stays. This is final."
        context = {"original": key, "lead": lead, "button": "Revoke", "grave": True}
        return show_page(request, self, "core/form.html", title=f"Revoke the key of {key.name}", **context)

    @action(description="Revoke", permissions=["revoke"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ServiceKey]) -> None:
        living = list(queryset.filter(revoked_at=None))
        for key in living:
            revoke_service_key(key=key, now=clock.now())
            self.log_change(request, key, "Revoked.")
        self.message_user(request, f"{len(living)} keys were revoked; they stop at once.", messages.SUCCESS)


@admin.register(ExternalEvent)
class ExternalEventAdmin(ReadOnlyAdmin):
    """Money facts that came from outside, and who sent them."""

    icon = "input"
    list_display = ("event", "key", "sent_by", "total", "currency", "recorded_at")
    list_display_links = None
    sortable_by = ()
    search_fields = ("key__exact", "sent_by__exact")
    search_help_text = "evt_…, the sender's key, svc_… or acc_…"

    def find(self, queryset: QuerySet, term: str) -> QuerySet | None:
        key = decode_key("evt", term)
        return None if key is None else queryset.filter(pk=key)

    @display(description="event", ordering="pk")
    def event(self, sent: ExternalEvent) -> str:
        return link_to("events.eventrecord", sent.event_id, encode_key("evt", sent.event_id))

    @display(description="total")
    def total(self, sent: ExternalEvent) -> str:
        return format_minor(sent.total_minor, sent.currency)
