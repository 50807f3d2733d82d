"""Operators watch long work; `core.admin` is what all rooms' pages share, so these stand apart."""

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.decorators import action, display

from core.admin import ReadOnlyAdmin, pretty_json
from core.jobs import cancel_job
from core.models import Job


@admin.register(Job)
class JobAdmin(ReadOnlyAdmin):
    """Long work: how far it is, what came of it, and an end to it."""

    icon = "hourglass_top"
    list_display = ("public_id", "kind", "shown_status", "shown_progress", "owner", "created_at", "finished_at")
    list_filter = ("status",)
    search_fields = ("public_id__exact", "owner__exact")
    search_help_text = "job_…, or the account that asked for it (acc_…)"
    fields = (
        *list_display,
        "login",
        "shown_arguments",
        "shown_result",
        "error_code",
        "error_detail",
        "attempt",
        "started_at",
        "heartbeat_at",
        "cancel_wished_at",
    )
    readonly_fields = fields
    actions = ("cancel",)
    list_disable_select_all = True

    @display(
        description="status",
        label={"done": "success", "failed": "danger", "cancelled": "warning", "running": "info", "queued": "info"},
    )
    def shown_status(self, job: Job) -> str:
        return job.status

    @display(description="progress")
    def shown_progress(self, job: Job) -> str:
        return f"{job.progress} %"

    @display(description="arguments")
    def shown_arguments(self, job: Job) -> str:
        return pretty_json(job.arguments)

    @display(description="result")
    def shown_result(self, job: Job) -> str:
        return pretty_json(job.result)

    def has_cancel_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("core.change_job")

    @action(description="Cancel", permissions=["cancel"])
    def cancel(self, request: HttpRequest, queryset: QuerySet[Job]) -> None:
        for job in queryset.filter(finished_at=None):
            cancel_job(job_id=job.pk)
            self.log_change(request, job, "Cancelled.")
        self.message_user(request, "Cancelled; what runs ends after the step it is at.", messages.SUCCESS)
