"""Long work: how far it is, what came of it, and how to end it. The page looks again by itself."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.html import format_html
from unfold.decorators import display

from core.admin.cells import table
from core.admin.house import ReadOnlyAdmin
from core.admin.pages import page, show_page
from core.jobs import cancel_job
from core.models import Job

Shown = Callable[[Mapping[str, Any]], str]
COLOURS = {"queued": "info", "running": "info", "done": "success", "failed": "danger", "cancelled": "warning"}

_shown_by_kind: dict[str, Shown] = {}


def shows_result(kind: str) -> Callable[[Shown], Shown]:
    """Register how the result of jobs of one kind is shown; the others' results are listed name by name."""

    def register(shown: Shown) -> Shown:
        _shown_by_kind[kind] = shown
        return shown

    return register


@admin.register(Job)
class JobAdmin(ReadOnlyAdmin):
    """Asked for on other pages or through the API; here it is watched and cancelled."""

    icon = "hourglass_top"
    list_display = ("public_id", "kind", "shown_status", "shown_progress", "owner", "created_at", "finished_at")
    sortable_by = ()
    search_fields = ("public_id__exact", "owner__exact")
    search_help_text = "job_…, or the account that asked for it (acc_…)"
    pages = ("progress", "cancel")
    fields = (*list_display, "login", "attempt", "started_at", "heartbeat_at")

    @display(description="status", label=COLOURS)
    def shown_status(self, job: Job) -> str:
        return job.status

    @display(description="progress")
    def shown_progress(self, job: Job) -> str:
        return f"{job.progress} %"

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> HttpResponse:
        """The job itself in place of a form: all jobs are read, none is edited."""
        if not self.has_view_permission(request):
            return super().change_view(request, object_id, *args, **kwargs)
        job = get_object_or_404(Job, pk=object_id)
        title = job.kind.replace(".", " ").capitalize()
        return show_page(request, self, "core/job.html", title=title, original=job, **_facts(job))

    @page("<int:job_id>/progress/", permission="core.view_job")
    def progress(self, request: HttpRequest, job_id: int) -> HttpResponse:
        """What the page asks for every second until the job has ended."""
        job = get_object_or_404(Job, pk=job_id)
        return render(request, "core/job_progress.html", {"original": job, **_facts(job)})

    @page("<int:job_id>/cancel/", permission="core.change_job")
    def cancel(self, request: HttpRequest, job_id: int) -> HttpResponse:
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        job = cancel_job(job_id=get_object_or_404(Job, pk=job_id).pk)
        if job.cancel_wished_at is None:
            messages.warning(request, "It had ended before.")
        else:
            self.log_change(request, job, "Cancelled.")
            messages.success(request, "It ends after the step it is at. What its steps have done stays.")
        return redirect("admin:core_job_change", job.pk)


def _facts(job: Job) -> dict[str, Any]:
    shown = _shown_by_kind.get(job.kind, facts_table)
    return {
        "job": job,
        "arguments": facts_table(job.arguments),
        "result": shown(job.result) if job.result else "",
        "colour": COLOURS[job.status],
    }


def facts_table(facts: Mapping[str, Any]) -> str:
    """Show names and values line by line."""
    lines = ((name.replace("_", " "), _written(value)) for name, value in facts.items())
    return table(["", ""], lines) if facts else format_html("-")


def _written(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
