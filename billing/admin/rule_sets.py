"""Versions of the rules: write, check, compare, put in force, try over the past, repair; and what they cover."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.html import format_html
from unfold.decorators import action, display

from accounts.browser import operator_of
from billing.admin.forms import ActivationForm, DocumentForm, PeriodForm, RepairForm, now_to_the_minute, sent
from billing.coverage import Covered, coverage
from billing.document_text import write_document
from billing.models import RuleSet
from billing.readable import BATCH_WORDS, compare_documents, written_amount, written_match
from billing.selectors import Explanation, explain_transfer
from billing.services.repairing import request_repair
from billing.services.replaying import request_replay
from billing.services.reviewing import Review, review_text
from billing.services.rule_sets import activate_rule_set, check_rule_set, draft_rule_set
from billing.versions import timeline
from core import clock
from core.admin import ReadOnlyAdmin, attempt, link_to, list_link, page, payload_table, show_page, table
from core.errors import NotFound

STATUS_COLOURS = {"active": "success", "draft": "warning", "retired": "info"}
STATE_WORDS = {
    "unposted": format_html('<span class="house-bad">{}</span>', "unposted"),
    "ambiguous": format_html('<span class="house-bad">{}</span>', "ambiguous"),
    "dead": format_html('<span class="house-warn">{}</span>', "dead"),
    "covered": format_html('<span class="house-good">{}</span>', "covered"),
}
VERSIONS_LISTED_MAX = 50
PERIOD_SHOWN = timedelta(days=7)


@admin.register(RuleSet)
class RuleSetAdmin(ReadOnlyAdmin):
    """A version is never edited: one writes the next, starting from any other."""

    icon = "rule"
    waiting_query = "status__exact=draft"
    list_display = ("name", "version", "shown_status", "effective", "created_by", "activated_by", "activated_at")
    list_select_related = ("created_by", "activated_by")
    list_filter = ("status",)
    sortable_by = ("version",)
    ordering = ("-version",)
    search_fields = ("public_id__exact",)
    search_help_text = "rls_…"
    actions_list = ("go_write", "go_compare")
    pages = ("write", "compare", "activate", "replay", "repair", "coverage", "explain")
    beside = (("Coverage", "fact_check", "coverage"),)

    def rows_waiting(self) -> QuerySet:
        return RuleSet.objects.filter(status=RuleSet.Status.DRAFT)

    @display(description="status", label=STATUS_COLOURS)
    def shown_status(self, rule_set: RuleSet) -> str:
        return rule_set.status

    @display(description="in force from")
    def effective(self, rule_set: RuleSet) -> Any:
        if rule_set.status == RuleSet.Status.DRAFT:
            return "-"
        return rule_set.effective_from or "since ever"

    def has_write_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("billing.add_ruleset")

    @action(description="Write a version", icon="edit", permissions=["write"])
    def go_write(self, request: HttpRequest) -> HttpResponse:
        return redirect("admin:billing_ruleset_write")

    @action(description="Compare versions", icon="difference")
    def go_compare(self, request: HttpRequest) -> HttpResponse:
        return redirect("admin:billing_ruleset_compare")

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> HttpResponse:
        """The version as an accountant reads it, with what can be done with it."""
        if request.method != "GET" or not self.has_view_permission(request):
            return super().change_view(request, object_id, *args, **kwargs)
        rule_set = _rule_set(object_id)
        return show_page(
            request,
            self,
            "billing/rule_set.html",
            title=str(rule_set),
            original=rule_set,
            colour=STATUS_COLOURS[rule_set.status],
            effective=self.effective(rule_set),
            problems=check_rule_set(rule_set=rule_set) if rule_set.status == RuleSet.Status.DRAFT else [],
            batches=_written_batches(rule_set),
            rules=_rules_table(rule_set),
            source=write_document(rule_set.document).text,
        )

    @page("write/", permission="billing.add_ruleset")
    def write(self, request: HttpRequest) -> HttpResponse:
        """Text with its problems beside it; kept as the next version when asked to."""
        review = None
        if request.method == "POST":
            form = DocumentForm(request.POST, request.FILES)
            if form.is_valid():
                review = review_text(text=form.written())
                kept = self._keep(request, review) if "keep" in request.POST else None
                if kept:
                    return redirect("admin:billing_ruleset_change", kept.pk)
                form = DocumentForm(initial={"text": review.text})
        else:
            start = _asked_version(request.GET.get("from")) or _in_force()
            form = DocumentForm(initial={"text": write_document(start.document).text})
        return show_page(request, self, "billing/write.html", title="Write a version", form=form, review=review)

    def _keep(self, request: HttpRequest, review: Review) -> RuleSet | None:
        if review.document is None:
            messages.error(request, "This is no rule set yet: its problems are beside it.")
            return None
        document = review.document
        kept = attempt(request, lambda: draft_rule_set(document=document, actor=operator_of(request)))
        if kept:
            self.log_addition(request, kept, "Drafted.")
            left = f" {len(review.problems)} problems are left." if review.problems else " It is sound."
            messages.success(request, f"Kept as {kept}, a draft.{left}")
        return kept

    @page("compare/", permission="billing.view_ruleset")
    def compare(self, request: HttpRequest) -> HttpResponse:
        """Two versions, rule by rule; by default the newest and the one in force."""
        versions = list(RuleSet.objects.order_by("-version").defer("document")[:VERSIONS_LISTED_MAX])
        old = _asked_version(request.GET.get("old")) or _in_force()
        new = _asked_version(request.GET.get("new")) or _rule_set(versions[0].pk)
        changes = compare_documents(old.document, new.document)
        context = {"versions": versions, "old": old, "new": new, "changes": changes}
        return show_page(request, self, "billing/compare.html", title="Compare versions", **context)

    @page("<int:rule_set_id>/activate/", permission="billing.change_ruleset")
    def activate(self, request: HttpRequest, rule_set_id: int) -> HttpResponse:
        """What will change, and from when; the second person confirms it."""
        draft = _rule_set(rule_set_id)
        form = ActivationForm(sent(request))
        if request.method == "POST" and form.is_valid():
            activated = attempt(
                request,
                lambda: activate_rule_set(
                    rule_set_id=draft.pk,
                    effective_from=form.cleaned_data["effective_from"],
                    actor=operator_of(request),
                    now=clock.now(),
                ),
            )
            if activated:
                self.log_change(request, activated, "Put in force.")
                messages.success(
                    request, f"{activated} is in force from {activated.effective_from:%Y-%m-%d %H:%M} UTC."
                )
                return redirect("admin:billing_ruleset_change", activated.pk)
        in_force = _in_force()
        return show_page(
            request,
            self,
            "billing/activate.html",
            title=f"Put {draft} in force",
            original=draft,
            form=form,
            in_force=in_force,
            changes=compare_documents(in_force.document, draft.document),
            problems=check_rule_set(rule_set=draft),
            needs_another=settings.RULE_SET_SECOND_PERSON and draft.created_by_id == request.user.pk,
        )

    @page("<int:rule_set_id>/replay/", permission="billing.add_ruleset")
    def replay(self, request: HttpRequest, rule_set_id: int) -> HttpResponse:
        """Ask for a replay; the job's page shows the difference per account."""
        rule_set = _rule_set(rule_set_id)
        form = PeriodForm(sent(request), initial=_last_days())
        if request.method == "POST" and form.is_valid():
            period = form.cleaned_data
            job = attempt(request, lambda: request_replay(rule_set=rule_set, actor=operator_of(request), **period))
            if job:
                return redirect("admin:core_job_change", job.pk)
        lead = (
            "What happened in this period is booked again by this version, without writing anything to the book. "
            "The result says by how much each account would differ."
        )
        context = {"original": rule_set, "form": form, "lead": lead, "button": "Replay"}
        return show_page(request, self, "core/form.html", title=f"Replay {rule_set} over a period", **context)

    @page("<int:rule_set_id>/repair/", permission="billing.change_ruleset")
    def repair(self, request: HttpRequest, rule_set_id: int) -> HttpResponse:
        """Ask for a repair, with a reason."""
        rule_set = _rule_set(rule_set_id)
        form = RepairForm(sent(request), initial=_last_days())
        if request.method == "POST" and form.is_valid():
            asked = form.cleaned_data
            job = attempt(request, lambda: request_repair(rule_set=rule_set, actor=operator_of(request), **asked))
            if job:
                self.log_change(request, rule_set, f"Repair asked for: {asked['reason']}")
                return redirect("admin:core_job_change", job.pk)
        lead = (
            "Journals of this period that this version would have booked otherwise are taken back and booked again by "
            "it. That writes to the book. What cannot be taken back becomes a debt. Replay it first."
        )
        context = {"original": rule_set, "form": form, "lead": lead, "button": "Repair", "grave": True}
        return show_page(request, self, "core/form.html", title=f"Repair the past by {rule_set}", **context)

    @page("coverage/", permission="billing.view_ruleset")
    def coverage(self, request: HttpRequest) -> HttpResponse:
        """What was seen or declared, and whether the rules cover it: of the version in force, or of a draft."""
        report = coverage(_asked_version(request.GET.get("version")))
        context = {
            "report": report,
            "versions": RuleSet.objects.order_by("-version").defer("document")[:VERSIONS_LISTED_MAX],
            "sheet": _coverage_table(report.rows),
        }
        return show_page(request, self, "billing/coverage.html", title="Coverage", **context)

    @page("explain/<str:transfer>/", permission="ledger.view_transfer")
    def explain(self, request: HttpRequest, transfer: str) -> HttpResponse:
        """Why a transfer was booked where it was."""
        try:
            explained = explain_transfer(transfer)
        except NotFound as missing:
            raise Http404 from missing
        event = explained.event
        context = {
            "explained": explained,
            "event": link_to("events.eventrecord", event.pk, event.public_id),
            "facts": payload_table(event.payload),
            "version": link_to("billing.ruleset", explained.rule_set.pk, explained.rule_set),
            "batch": link_to("ledger.batch", explained.batch.pk, explained.batch.public_id),
            "path": _path(explained),
            "misses": table(["rule", "why not"], explained.near_misses) if explained.near_misses else "",
        }
        return show_page(request, self, "billing/explain.html", title=f"Why {transfer}?", **context)


def _rule_set(pk: Any) -> RuleSet:
    return get_object_or_404(RuleSet.objects.select_related("created_by", "activated_by"), pk=pk)


def _asked_version(pk: str | None) -> RuleSet | None:
    return _rule_set(pk) if pk and pk.isdecimal() and len(pk) < len(str(2**63)) else None


def _in_force() -> RuleSet:
    return RuleSet.objects.get(pk=timeline().at(clock.now()).id)


def _last_days() -> dict[str, Any]:
    now = now_to_the_minute()
    return {"since": now - PERIOD_SHOWN, "until": now}


def _written_batches(rule_set: RuleSet) -> str:
    defaults = {
        "period_ms": settings.BATCH_PERIOD_MS,
        "max_accounts": settings.BATCH_ACCOUNTS_MAX,
        "max_transfers": settings.BATCH_TRANSFERS_MAX,
    }
    chosen = defaults | rule_set.document.get("batch", {})
    return ", ".join(words.format(chosen[name]) for name, words in BATCH_WORDS.items())


def _rules_table(rule_set: RuleSet) -> str:
    """Each line that a rule books."""
    lines = [
        (
            event_type,
            rule["name"],
            written_match(rule["match"]),
            line["debit"],
            line["credit"],
            written_amount(line["amount"]),
        )
        for event_type, rules in sorted(rule_set.document["types"].items())
        for rule in rules
        for line in rule["transfers"]
    ]
    return table(["type", "rule", "if", "debit", "credit", "amount"], lines)


def _coverage_table(rows: Any) -> str:
    head = ["state", "type", "configuration", "rule", "events", "oldest", "why"]
    return table(head, map(_coverage_line, rows), numbers={"events"})


def _coverage_line(row: Covered) -> tuple[Any, ...]:
    reasons = ", ".join(f"{reason} ({count})" for reason, count in sorted(row.reasons.items()))
    if row.state == "unposted" and not reasons:
        reasons = "no rule"
    events = list_link("billing.unpostedevent", f"type={row.type}", row.count) if row.reasons else row.count or "-"
    oldest = f"{row.oldest:%Y-%m-%d %H:%M}" if row.oldest else "-"
    return STATE_WORDS[row.state], row.type, written_match(row.configuration), row.rule or "-", events, oldest, reasons


def _path(explained: Explanation) -> list[tuple[str, str]]:
    """From the event's type to the lines of the rule that booked it."""
    rule = explained.rule
    return [
        ("type", explained.event.type),
        ("configuration", written_match(rule.match)),
        ("rule", rule.name),
        *(("books", f"{line.debit} → {line.credit}: {_amount_of(line.amount)}") for line in rule.transfers),
    ]


def _amount_of(amount: Any) -> str:
    if amount.rest:
        return f"the rest of {amount.amount}"
    return f"{amount.bps / 100:g} % of {amount.amount}" if amount.bps is not None else amount.amount
