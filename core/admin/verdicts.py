"""The last looks at the books, and what they found."""

from django.contrib import admin
from unfold.decorators import display

from core.admin.cells import table
from core.admin.house import ReadOnlyAdmin
from core.models import BookVerdict


@admin.register(BookVerdict)
class BookVerdictAdmin(ReadOnlyAdmin):
    """Written by `manage.py verify_books`; the runbook says what to do about findings."""

    icon = "verified"
    list_display = ("shown", "state", "checks_count", "rows_count", "took", "limited_to")
    ordering = ("-ended_at",)
    fields = readonly_fields = (
        "state",
        "began_at",
        "ended_at",
        "checks_count",
        "rows_count",
        "limited_to",
        "shown_findings",
    )

    @display(description="ended")
    def shown(self, verdict: BookVerdict) -> str:
        return str(verdict)

    @display(description="verdict", label={"nothing found": "success", "found": "danger"})
    def state(self, verdict: BookVerdict) -> tuple[str, str]:
        if not verdict.findings_count:
            return "nothing found", "nothing found"
        return "found", f"{verdict.findings_count:,} findings"

    @display(description="took")
    def took(self, verdict: BookVerdict) -> str:
        return f"{(verdict.ended_at - verdict.began_at).total_seconds():,.1f} s"

    @display(description="findings")
    def shown_findings(self, verdict: BookVerdict) -> str:
        rows = [(found["check"], found["subject"], found["detail"]) for found in verdict.findings]
        return table(["check", "of", "what"], rows) if rows else "none"
