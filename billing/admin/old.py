"""The rules, where they come from, and who may send money facts from outside."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.decorators import action, display

from billing.models import EventType, ExternalEvent, RuleSet, ServiceKey
from billing.services.service_keys import revoke_service_key
from core import clock
from core.admin import ReadOnlyAdmin, link_to, pretty_json, shown_money, table
from core.ids import decode_key, encode_key
from core.money import format_minor


@admin.register(RuleSet)
class RuleSetAdmin(ReadOnlyAdmin):
    """Versions are drafted, checked and activated through the API; here they are read."""

    icon = "rule"
    list_display = ("name", "version", "shown_status", "effective", "created_by", "activated_by", "activated_at")
    list_select_related = ("created_by", "activated_by")
    list_filter = ("status",)
    sortable_by = ("version",)
    ordering = ("-version",)
    search_fields = ("public_id__exact",)
    search_help_text = "rls_…"
    fields = (
        "public_id",
        "name",
        "version",
        "shown_status",
        "effective",
        "created_by",
        "created_at",
        "activated_by",
        "activated_at",
        "rules",
        "shown_document",
    )
    readonly_fields = fields

    @display(description="status", label={"active": "success", "draft": "warning", "retired": "info"})
    def shown_status(self, rule_set: RuleSet) -> str:
        return rule_set.status

    @display(description="in force from")
    def effective(self, rule_set: RuleSet) -> Any:
        if rule_set.status == RuleSet.Status.DRAFT:
            return "-"
        return rule_set.effective_from or "since ever"

    @display(description="rules")
    def rules(self, rule_set: RuleSet) -> str:
        """Each line that a rule books, as an accountant reads it."""
        lines = [
            (
                event_type,
                rule["name"],
                _configuration(rule["match"]),
                line["debit"],
                line["credit"],
                _amount(line["amount"]),
            )
            for event_type, rules in sorted(rule_set.document["types"].items())
            for rule in rules
            for line in rule["transfers"]
        ]
        return table(["type", "rule", "if", "debit", "credit", "amount"], lines)

    @display(description="document")
    def shown_document(self, rule_set: RuleSet) -> str:
        return pretty_json(rule_set.document)


def _configuration(match: dict[str, str]) -> str:
    return ", ".join(f"{name} is {value}" for name, value in sorted(match.items())) or "always"


def _amount(written: Any) -> str:
    if isinstance(written, str):
        return written
    if "rest_of" in written:
        return f"the rest of {written['rest_of']}"
    return f"{written['bps'] / 100:g} % of {written['of']}"


@admin.register(EventType)
class EventTypeAdmin(ReadOnlyAdmin):
    """The types that operators have declared; the built-in ones are in the code."""

    icon = "category"
    list_display = ("type", "external", "created_by", "created_at")
    list_select_related = ("created_by",)
    sortable_by = ("type",)
    ordering = ("type",)
    search_fields = ("type__startswith",)
    search_help_text = "A type, or how it begins"
    fields = ("type", "external", "shown_parties", "shown_amounts", "shown_parameters", "created_by", "created_at")
    readonly_fields = fields

    @display(description="parties")
    def shown_parties(self, event_type: EventType) -> str:
        return pretty_json(event_type.parties)

    @display(description="amounts")
    def shown_amounts(self, event_type: EventType) -> str:
        return pretty_json(event_type.amounts)

    @display(description="parameters")
    def shown_parameters(self, event_type: EventType) -> str:
        return ", ".join(event_type.parameters)


@admin.register(ServiceKey)
class ServiceKeyAdmin(ReadOnlyAdmin):
    """Keys of payment servers. A key itself is shown once, when it is made through the API."""

    icon = "key"
    list_display = ("name", "shown_state", "shown_types", "daily_limit", "created_by", "created_at", "revoked_at")
    list_select_related = ("created_by",)
    sortable_by = ()
    search_fields = ("public_id__exact", "name__startswith")
    search_help_text = "svc_…, or how its name begins"
    fields = ("public_id", *list_display)
    readonly_fields = fields
    actions = ("revoke",)
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

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("billing.change_servicekey")

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
