"""Mails that went out, or wait; never what they say."""

from django.contrib import admin
from post_office.models import Attachment, Email, EmailTemplate, Log

from core.admin import ReadOnlyAdmin

for model in (Attachment, Email, EmailTemplate, Log):
    admin.site.unregister(model)


@admin.register(Email)
class MailAdmin(ReadOnlyAdmin):
    """Whether a mail went out; what it says is its reader's business, and may hold a token."""

    icon = "mail"
    list_display = ("id", "to", "subject", "status", "created", "last_updated", "number_of_retries")
    list_filter = ("status",)
    sortable_by = ()
    search_fields = ("to__exact",)
    search_help_text = "a whole address"
    fields = ("to", "subject", "status", "created", "last_updated", "number_of_retries", "scheduled_time")
