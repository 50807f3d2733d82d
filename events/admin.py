"""What happened, and who has yet to hear it; parked deliveries are put back from here."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin import SimpleListFilter
from django.db import connection
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.utils import timezone
from django.utils.timesince import timesince
from unfold.decorators import action, display

from core.admin import ReadOnlyAdmin, link_to, list_link, payload_table
from core.ids import decode_key, encode_key
from events import cockpit  # noqa: F401 - its tiles are registered
from events.consumers import all_consumers
from events.models import Delivery, EventRecord
from events.services import retry_deliveries


class TypeFilter(SimpleListFilter):
    """By type, among those that have happened: one step in the index for each, never a walk over the rows."""

    title = "type"
    parameter_name = "type"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        with connection.cursor() as cursor:
            cursor.execute(
                """
                WITH RECURSIVE seen (type) AS (
                    SELECT min(type) FROM events_eventrecord
                    UNION ALL
                    SELECT (SELECT min(e.type) FROM events_eventrecord e WHERE e.type > seen.type)
                    FROM seen WHERE seen.type IS NOT NULL
                ) SELECT type, type FROM seen WHERE type IS NOT NULL
                """
            )
            return cursor.fetchall()

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        return queryset.filter(type=self.value()) if self.value() else queryset


@admin.register(EventRecord)
class EventRecordAdmin(ReadOnlyAdmin):
    """Found by its id, by its key, or by its subject (an order's id, say)."""

    key_prefix = "evt"
    icon = "bolt"
    list_display = ("shown_id", "type", "subject", "occurred_at", "recorded_at")
    list_filter = (TypeFilter,)
    sortable_by = ()
    search_fields = ("key__exact", "subject__exact")
    search_help_text = "evt_…, a key, or a subject (ord_…)"
    fields = ("shown_id", "type", "key", "subject", "occurred_at", "recorded_at", "shown_payload", "waiting", "journal")
    readonly_fields = fields

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        """Newest first, by the index that the chosen list has."""
        return ("-occurred_at", "-pk") if request.GET.get(TypeFilter.parameter_name) else ("-pk",)

    def find(self, queryset: QuerySet, term: str) -> QuerySet | None:
        key = decode_key("jrn", term)
        return super().find(queryset, term) if key is None else queryset.filter(pk=key)

    @display(description="event", ordering="pk")
    def shown_id(self, event: EventRecord) -> str:
        return event.public_id

    @display(description="payload")
    def shown_payload(self, event: EventRecord) -> str:
        return payload_table(event.payload)

    @display(description="yet to be heard by")
    def waiting(self, event: EventRecord) -> str:
        names = Delivery.objects.filter(event_id=event.pk).order_by("consumer").values_list("consumer", flat=True)
        return list_link("events.delivery", f"q={event.public_id}", ", ".join(names)) if names else "nobody"

    @display(description="journal")
    def journal(self, event: EventRecord) -> str:
        """The book keeps an event's journal under the event's own number."""
        return list_link("ledger.journal", f"q={encode_key('jrn', event.pk)}", "look it up in the book")


class StateFilter(SimpleListFilter):
    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("parked", "parked"), ("later", "tried again later"), ("waiting", "waiting")]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        match self.value():
            case "parked":
                return queryset.filter(parked_at__isnull=False)
            case "later":
                return queryset.filter(parked_at=None, not_before__isnull=False)
            case "waiting":
                return queryset.filter(parked_at=None, not_before=None)
        return queryset


class ConsumerFilter(SimpleListFilter):
    title = "consumer"
    parameter_name = "consumer"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(consumer.name, consumer.name) for consumer in all_consumers()]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        return queryset.filter(consumer=self.value()) if self.value() else queryset


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyAdmin):
    """The queues. Normally almost empty; what is parked waits for a person."""

    icon = "pending_actions"
    waiting_query = "state=parked"
    list_display = ("event", "event_type", "consumer", "subject", "state", "age", "attempts", "error_code")
    list_display_links = ("consumer",)
    list_filter = (StateFilter, ConsumerFilter)
    sortable_by = ()
    search_fields = ("subject__exact",)
    search_help_text = "evt_…, or a subject (ord_…)"
    fields = (*list_display, "error_detail", "parked_at", "not_before")
    readonly_fields = fields
    actions = ("try_again",)
    list_disable_select_all = True

    def get_queryset(self, request: HttpRequest) -> QuerySet[Delivery]:
        """With the event's type and age: the list has no foreign key to join by."""
        event = EventRecord.objects.filter(pk=OuterRef("event_id"))
        return (
            super()
            .get_queryset(request)
            .annotate(type=Subquery(event.values("type")), recorded_at=Subquery(event.values("recorded_at")))
        )

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        """Oldest first, by the index that the chosen list has."""
        return ("event_id",) if request.GET.get(ConsumerFilter.parameter_name) else ("pk",)

    def find(self, queryset: QuerySet, term: str) -> QuerySet | None:
        key = decode_key("evt", term)
        if key is None:
            return None
        names = [consumer.name for consumer in all_consumers()]
        return queryset.filter(consumer__in=names, event_id=key)

    def rows_waiting(self) -> QuerySet:
        return Delivery.objects.filter(parked_at__isnull=False)

    @display(description="event")
    def event(self, delivery: Delivery) -> str:
        return link_to("events.eventrecord", delivery.event_id, encode_key("evt", delivery.event_id))

    @display(description="type")
    def event_type(self, delivery: Any) -> str:
        return delivery.type

    @display(description="state", label={"parked": "danger", "tried again later": "warning", "waiting": "info"})
    def state(self, delivery: Delivery) -> str:
        if delivery.parked_at:
            return "parked"
        return "tried again later" if delivery.not_before else "waiting"

    @display(description="age")
    def age(self, delivery: Any) -> str:
        return timesince(delivery.recorded_at, timezone.now(), depth=1)

    def has_retry_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("events.change_delivery")

    @action(description="Try again", permissions=["retry"])
    def try_again(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> None:
        chosen = list(queryset.filter(parked_at__isnull=False))
        put_back = retry_deliveries(deliveries=[(delivery.consumer, delivery.event_id) for delivery in chosen])
        for delivery in chosen:
            self.log_change(request, delivery, f"Put back after {delivery.error_code}.")
        self.message_user(request, f"{put_back} parked deliveries were put back.", messages.SUCCESS)
