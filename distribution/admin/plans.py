"""Versions of the plan: write, check, read, compare, put in force, try over past sales."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.html import format_html
from unfold.decorators import action, display

from accounts.browser import operator_of
from accounts.models import Account
from billing.admin.forms import DocumentForm, MomentInput, PeriodForm, now_to_the_minute, sent
from billing.document_text import write_document
from core import clock
from core.admin import ReadOnlyAdmin, attempt, facts, link_to, page, show_page, shown_money, shows_result, table
from core.money import format_minor
from distribution import services
from distribution.models import Plan
from distribution.plan_words import (
    EXAMPLE_FEE_MINOR,
    PLATFORM_OF_POOL,
    PLATFORM_OF_REST,
    Shares,
    compare_plans,
    shares_of,
    written_terms,
)
from distribution.plans import plan_timeline
from distribution.services.previewing import PREVIEW

STATUS_COLOURS = {"active": "success", "draft": "warning", "retired": "info"}
VERSIONS_LISTED_MAX = 50
PERIOD_SHOWN = timedelta(days=7)
EXAMPLE_DIGITS = "GBP"  # Two digits; the example is of no currency.


class PlanActivationForm(forms.Form):
    """From when a plan is to be in force."""

    effective_from = forms.DateTimeField(
        required=False,
        widget=MomentInput(),
        label="In force from",
        help_text="UTC. Empty: from now on. What was paid before stays as it was shared out.",
    )


@admin.register(Plan)
class PlanAdmin(ReadOnlyAdmin):
    """A version is never edited, so what one looks at is what one puts in force: the next is written from any other."""

    icon = "pie_chart"
    list_display = ("shown_name", "shown_status", "given", "effective", "created_by", "activated_by", "activated_at")
    list_select_related = ("created_by", "activated_by")
    list_filter = ("status",)
    sortable_by = ()
    ordering = ("-version",)
    search_fields = ("public_id__exact",)
    search_help_text = "pln_…"
    actions_list = ("go_write", "go_compare")
    pages = ("write", "compare", "activate", "preview")

    @display(description="version")
    def shown_name(self, plan: Plan) -> str:
        return str(plan)

    @display(description="status", label=STATUS_COLOURS)
    def shown_status(self, plan: Plan) -> str:
        return plan.status

    @display(description="gives of 100.00 of fee")
    def given(self, plan: Plan) -> str:
        return _example(shares_of(plan.document).given_minor)

    @display(description="in force from")
    def effective(self, plan: Plan) -> Any:
        if plan.status == Plan.Status.DRAFT:
            return "-"
        return plan.effective_from or "since ever"

    def has_write_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("distribution.add_plan")

    @action(description="Write a version", icon="edit", permissions=["write"])
    def go_write(self, request: HttpRequest) -> HttpResponse:
        return redirect("admin:distribution_plan_write")

    @action(description="Compare versions", icon="difference")
    def go_compare(self, request: HttpRequest) -> HttpResponse:
        return redirect("admin:distribution_plan_compare")

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> HttpResponse:
        """The version as people read it, with what can be done with it."""
        if request.method != "GET" or not self.has_view_permission(request):
            return super().change_view(request, object_id, *args, **kwargs)
        plan = _plan(object_id)
        source = write_document(plan.document)
        is_draft = plan.status == Plan.Status.DRAFT
        return show_page(
            request,
            self,
            "distribution/admin/plan.html",
            title=str(plan),
            original=plan,
            colour=STATUS_COLOURS[plan.status],
            effective=self.effective(plan),
            problems=services.written_problems(plan.document, source) if is_draft else [],
            shares=_shares_table(shares_of(plan.document)),
            terms=facts(written_terms(plan.document)),
            source=source.text,
        )

    @page("write/", permission="distribution.add_plan")
    def write(self, request: HttpRequest) -> HttpResponse:
        """Text with its problems beside it; kept as the next version when asked to."""
        review = None
        if request.method == "POST":
            form = DocumentForm(request.POST, request.FILES)
            if form.is_valid():
                review = services.review_plan(text=form.written())
                kept = self._keep(request, review) if "keep" in request.POST else None
                if kept:
                    return redirect("admin:distribution_plan_change", kept.pk)
                form = DocumentForm(initial={"text": review.text})
        else:
            start = _asked_version(request.GET.get("from")) or _in_force()
            form = DocumentForm(initial={"text": write_document(start.document).text if start else ""})
        context: dict[str, Any] = {"form": form, "review": review}
        if review and review.document:
            context["shares"] = _shares_table(shares_of(review.document))
        return show_page(request, self, "distribution/admin/plan_write.html", title="Write a plan", **context)

    def _keep(self, request: HttpRequest, review: services.PlanReview) -> Plan | None:
        if review.document is None:
            messages.error(request, "This is no plan yet: its problems are beside it.")
            return None
        document = review.document
        kept = attempt(request, lambda: services.draft_plan(document=document, actor=operator_of(request)))
        if kept:
            self.log_addition(request, kept, "Drafted.")
            left = f" {len(review.problems)} problems are left." if review.problems else " It is sound."
            messages.success(request, f"Kept as {kept}, a draft.{left}")
        return kept

    @page("compare/", permission="distribution.view_plan")
    def compare(self, request: HttpRequest) -> HttpResponse:
        """Two versions, part by part; by default the newest and the one in force."""
        versions = list(Plan.objects.order_by("-version").defer("document")[:VERSIONS_LISTED_MAX])
        new = _asked_version(request.GET.get("new")) or (_plan(versions[0].pk) if versions else None)
        old = _asked_version(request.GET.get("old")) or _in_force() or new
        context: dict[str, Any] = {"versions": versions, "old": old, "new": new}
        if new and old:
            context |= {"changes": compare_plans(old.document, new.document), "sums": _sums_table(old, new)}
        return show_page(request, self, "distribution/admin/plan_compare.html", title="Compare plans", **context)

    @page("<int:plan_id>/activate/", permission="distribution.change_plan")
    def activate(self, request: HttpRequest, plan_id: int) -> HttpResponse:
        """What is given away, what will change and from when; the second person confirms it."""
        draft = _plan(plan_id)
        form = PlanActivationForm(sent(request))
        if request.method == "POST" and form.is_valid():
            activated = attempt(
                request,
                lambda: services.activate_plan(
                    plan=draft.public_id,
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
                return redirect("admin:distribution_plan_change", activated.pk)
        in_force = _in_force()
        return show_page(
            request,
            self,
            "distribution/admin/plan_activate.html",
            title=f"Put {draft} in force",
            original=draft,
            form=form,
            in_force=in_force,
            given=_example(shares_of(draft.document).given_minor),
            given_now=_example(shares_of(in_force.document).given_minor) if in_force else "0.00",
            sums=_sums_table(in_force, draft),
            changes=compare_plans(in_force.document if in_force else None, draft.document),
            problems=services.written_problems(draft.document, write_document(draft.document)),
            needs_another=settings.PLAN_SECOND_PERSON and draft.created_by_id == request.user.pk,
        )

    @page("<int:plan_id>/preview/", permission="distribution.add_plan")
    def preview(self, request: HttpRequest, plan_id: int) -> HttpResponse:
        """Ask for a preview; the job's page shows the difference per person."""
        plan = _plan(plan_id)
        form = PeriodForm(sent(request), initial=_last_days())
        if request.method == "POST" and form.is_valid():
            period = form.cleaned_data
            job = attempt(request, lambda: services.request_preview(plan=plan, actor=operator_of(request), **period))
            if job:
                return redirect("admin:core_job_change", job.pk)
        lead = (
            "The sales paid in this period are shared out by this version, by who stood behind each of them, without "
            "writing anything. The result says who would have got how much more or less, before refunds."
        )
        context = {"original": plan, "form": form, "lead": lead, "button": "Try it"}
        return show_page(request, self, "core/form.html", title=f"Try {plan} over past sales", **context)


@shows_result(PREVIEW)
def show_preview(result: Mapping[str, Any]) -> str:
    """Who would have got how much more or less, the largest differences first."""
    rows = sorted(result["accounts"], key=lambda row: -abs(row["difference"]))
    named = [row["account"]["id"] for row in rows if row["account"]]
    keys = dict(Account.objects.filter(public_id__in=named).values_list("public_id", "pk"))
    head = ["person", "got", "would have got", "difference"]
    lines = [
        (
            _person(row["account"], keys),
            *(shown_money(row[name], row["currency"]) for name in ("before", "after")),
            f"{'+' if row['difference'] > 0 else ''}{shown_money(row['difference'], row['currency'])}",
        )
        for row in rows
    ]
    said = f"{result['changed']:,} of {result['events']:,} sales would have been shared out otherwise."
    if result["accounts_left_out"]:
        said += f" {result['accounts_left_out']:,} further accounts differ by less."
    shown = table(head, lines, numbers=set(head[1:])) if lines else format_html("<p>{}</p>", "Nobody's part differs.")
    return format_html("<p>{}</p>{}", said, shown)


def _person(ref: Mapping[str, Any] | None, keys: Mapping[str, int]) -> str:
    if ref is None:
        return "somebody who is gone"
    return link_to("accounts.account", keys[ref["id"]], ref["name"] or ref["id"]) if ref["id"] in keys else ref["id"]


def _plan(pk: Any) -> Plan:
    return get_object_or_404(Plan.objects.select_related("created_by", "activated_by"), pk=pk)


def _asked_version(pk: str | None) -> Plan | None:
    return _plan(pk) if pk and pk.isdecimal() and len(pk) < len(str(2**63)) else None


def _in_force() -> Plan | None:
    compiled = plan_timeline().at(clock.now())
    return Plan.objects.get(pk=compiled.id) if compiled else None


def _last_days() -> dict[str, Any]:
    now = now_to_the_minute()
    return {"since": now - PERIOD_SHOWN, "until": now}


def _example(minor: int) -> str:
    return format_minor(minor, EXAMPLE_DIGITS)


def _shares_table(shares: Shares) -> str:
    """Who gets how much of 100.00 of fee."""
    rows = [
        (row.who, _example(row.minor), "-" if row.rate_bps is None else f"{row.rate_bps / 100:g} %")
        for row in shares.rows
    ]
    rows.append((format_html("<strong>{}</strong>", "All"), _example(EXAMPLE_FEE_MINOR), ""))
    head = ["who", "of 100.00", "of the pool"]
    return table(head, rows, numbers=set(head[1:]))


def _sums_table(old: Plan | None, new: Plan) -> str:
    """What each has of 100.00 of fee by one version and by another."""
    before = shares_of(old.document).by_who if old else {}
    after = shares_of(new.document).by_who
    everybody = sorted(dict.fromkeys([*after, *before]), key=[PLATFORM_OF_POOL, PLATFORM_OF_REST].__contains__)
    rows = [
        (
            who,
            _example(before.get(who, 0)),
            _example(after.get(who, 0)),
            _signed(after.get(who, 0) - before.get(who, 0)),
        )
        for who in everybody
    ]
    head = ["of 100.00 of fee", str(old) if old else "now", str(new), "difference"]
    return table(head, rows, numbers=set(head[1:]))


def _signed(minor: int) -> str:
    return f"{'+' if minor > 0 else ''}{_example(minor)}" if minor else "-"
