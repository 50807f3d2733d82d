"""Events that billing set aside: why, since when, what would post them, and another try."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin import SimpleListFilter
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.timesince import timesince
from unfold.decorators import action, display
from unfold.forms import BaseDialogForm

from billing.booking import BILLING
from billing.models import UnpostedEvent
from billing.readable import written_match
from billing.selectors import unmatched_rules
from billing.types import all_types
from core.admin import ReadOnlyAdmin, link_to, page_link, payload_table, table
from core.ids import decode_key, encode_key
from events.models import EventRecord
from events.services import retry_deliveries

WHAT_TO_DO = {
    "no_rule": "Write a version with a rule that matches it, put it in force, then try again.",
    "insufficient_cover": "The debited account has not enough: top it up or wait for its money, then try again.",
    "same_account": "A rule debits and credits one account here: write a rule for this case, then try again.",
    "amounts_disagree": "Its parts come to more than the whole: its sender must send it again, put right.",
}


class TypeFilter(SimpleListFilter):
    title = "type"
    parameter_name = "type"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(name, name) for name in all_types()]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        return queryset.filter(type=self.value()) if self.value() else queryset


@admin.register(UnpostedEvent)
class UnpostedEventAdmin(ReadOnlyAdmin):
    """Normally empty. Nothing of a subject is booked past one of these."""

    icon = "report"
    list_display = ("event", "event_type", "subject", "reason", "error_detail", "age")
    list_display_links = ("subject",)
    list_filter = (TypeFilter,)
    sortable_by = ()
    ordering = ("event_id",)
    search_fields = ("subject__exact",)
    search_help_text = "evt_…, or a subject (ord_…)"
    fields = ("event", "event_type", "subject", "reason", "error_detail", "age", "what_to_do", "facts", "rules")
    readonly_fields = fields
    actions = ("try_again",)
    actions_detail = ("try_this_again",)
    list_disable_select_all = True

    def get_queryset(self, request: HttpRequest) -> QuerySet[UnpostedEvent]:
        """With what the event says: the queue has no foreign key to join by."""
        event = EventRecord.objects.filter(pk=OuterRef("event_id"))
        waiting = super().get_queryset(request).filter(consumer=BILLING, parked_at__isnull=False)
        return waiting.annotate(
            type=Subquery(event.values("type")),
            recorded_at=Subquery(event.values("recorded_at")),
            payload=Subquery(event.values("payload")),
        )

    def find(self, queryset: QuerySet, term: str) -> QuerySet | None:
        key = decode_key("evt", term)
        return None if key is None else queryset.filter(event_id=key)

    def rows_waiting(self) -> QuerySet:
        return UnpostedEvent.objects.filter(consumer=BILLING, parked_at__isnull=False)

    @display(description="event")
    def event(self, unposted: UnpostedEvent) -> str:
        return link_to("events.eventrecord", unposted.event_id, encode_key("evt", unposted.event_id))

    @display(description="type")
    def event_type(self, unposted: Any) -> str:
        return unposted.type

    @display(description="reason", label="danger")
    def reason(self, unposted: UnpostedEvent) -> str:
        return unposted.error_code

    @display(description="age")
    def age(self, unposted: Any) -> str:
        return timesince(unposted.recorded_at, timezone.now(), depth=1)

    @display(description="what to do")
    def what_to_do(self, unposted: UnpostedEvent) -> str:
        return WHAT_TO_DO.get(unposted.error_code, "Read the detail, put it right where it came from, then try again.")

    @display(description="what it says")
    def facts(self, unposted: Any) -> str:
        return payload_table(unposted.payload)

    @display(description="rules of its type")
    def rules(self, unposted: Any) -> str:
        """Each rule of the version in force, and why it does not match; or which one books it."""
        lines = [
            (rule.name, written_match(rule.match), why or "this one books it")
            for rule, why in unmatched_rules(unposted.type, unposted.payload)
        ]
        if lines:
            return table(["rule", "if", "now"], lines)
        return page_link("billing_ruleset_write", f"There is none for {unposted.type}: write a version with one")

    def has_retry_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return request.user.has_perm("events.change_delivery")

    @action(description="Try again", permissions=["retry"])
    def try_again(self, request: HttpRequest, queryset: QuerySet[UnpostedEvent]) -> None:
        chosen = list(queryset)
        put_back = retry_deliveries(deliveries=[(BILLING, unposted.event_id) for unposted in chosen])
        for unposted in chosen:
            self.log_change(request, unposted, f"Put back after {unposted.error_code}.")
        text = f"{put_back} events were put back. What cannot be booked yet comes back here with its reason."
        self.message_user(request, text, messages.SUCCESS)

    @action(
        description="Try again",
        url_path="again",
        permissions=["retry"],
        dialog={
            "title": "Try this event again",
            "description": "It is put back in its place, and booked by the rules in force now.",
            "form_class": BaseDialogForm,
            "form_submit_text": "Try again",
        },
    )
    def try_this_again(self, request: HttpRequest, form: BaseDialogForm, object_id: str) -> HttpResponse:
        unposted = UnpostedEvent.objects.get(pk=object_id)
        self.log_change(request, unposted, f"Put back after {unposted.error_code}.")
        retry_deliveries(deliveries=[(BILLING, unposted.event_id)])
        messages.success(request, "It was put back. If it cannot be booked yet, it comes back with its reason.")
        return HttpResponse(headers={"HX-Redirect": reverse("admin:billing_unpostedevent_changelist")})
