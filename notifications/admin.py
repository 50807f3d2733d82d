"""What people were told; nobody writes or marks it here."""

from django.contrib import admin
from django.db.models import QuerySet
from unfold.decorators import display

from core.admin import ReadOnlyAdmin, link_to, payload_table
from core.ids import encode_key
from notifications.models import PREFIX, Message


@admin.register(Message)
class MessageAdmin(ReadOnlyAdmin):
    """Found by its id, or by the id of its account."""

    key_prefix = PREFIX
    icon = "mail"
    list_display = ("shown_id", "kind", "shown_account", "at", "read_at")
    list_select_related = ("account",)
    search_fields = ("account__public_id__exact",)
    search_help_text = "msg_…, acc_…"
    fields = ("shown_id", "kind", "shown_account", "at", "read_at", "shown_data", "shown_event")
    readonly_fields = fields

    def find(self, queryset: QuerySet, term: str) -> QuerySet | None:
        return queryset.filter(account__public_id=term) if term.startswith("acc_") else super().find(queryset, term)

    @display(description="message", ordering="pk")
    def shown_id(self, message: Message) -> str:
        return message.public_id

    @display(description="account")
    def shown_account(self, message: Message) -> str:
        return link_to("accounts.account", message.account_id, message.account)

    @display(description="data")
    def shown_data(self, message: Message) -> str:
        return payload_table(message.data)

    @display(description="event")
    def shown_event(self, message: Message) -> str:
        event = encode_key("evt", message.event_id)
        return link_to("events.eventrecord", message.event_id, event)
