"""What the platform takes of a sale: one operator writes a version, another one puts it in force."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.db.models import BooleanField, ExpressionWrapper, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from unfold.decorators import action, display

from accounts.browser import operator_of
from billing.admin.forms import ActivationForm, sent
from catalog import selectors, services
from catalog.admin.forms import FeeLineForm, FeeLineFormSet, FeeScheduleForm
from catalog.fees import problems_of
from catalog.models import FeeSchedule
from core import clock
from core.admin import ReadOnlyAdmin, attempt, page, show_page, shown_money, table

STATUS_COLOURS = {"active": "success", "draft": "warning", "superseded": "info"}


@admin.register(FeeSchedule)
class FeeScheduleAdmin(ReadOnlyAdmin):
    """A version is never edited: one writes the next, starting from any other."""

    icon = "percent"
    list_display = ("name", "version", "shown_status", "effective", "created_by", "activated_by", "activated_at")
    list_select_related = ("created_by", "activated_by")
    sortable_by = ("version",)
    ordering = ("-version",)
    search_fields = ("public_id__startswith",)
    search_help_text = "fee_…"
    pages = ("write", "activate")
    actions_list = ("go_write",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[FeeSchedule]:
        """Active versions stay active; whether a later one charges by now is asked of the clock."""
        rows: QuerySet[FeeSchedule] = super().get_queryset(request)
        gone = selectors.superseded_fee_schedules(clock.now())
        return rows.annotate(superseded=ExpressionWrapper(Q(pk__in=gone), output_field=BooleanField()))

    @display(description="status", label=STATUS_COLOURS)
    def shown_status(self, schedule: FeeSchedule) -> str:
        active = schedule.status == FeeSchedule.Status.ACTIVE
        return "superseded" if active and schedule.superseded else schedule.status  # type: ignore[attr-defined]

    @display(description="in force from")
    def effective(self, schedule: FeeSchedule) -> Any:
        is_draft = schedule.status == FeeSchedule.Status.DRAFT
        return schedule.effective_from or ("when it is put in force" if is_draft else "since ever")

    def has_write_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("catalog.add_feeschedule")

    @action(description="Write a version", icon="edit", permissions=["write"])
    def go_write(self, request: HttpRequest) -> HttpResponse:
        return redirect("admin:catalog_feeschedule_write")

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> HttpResponse:
        """The version rule by rule, with what can be done with it."""
        if request.method != "GET" or not self.has_view_permission(request):
            return super().change_view(request, object_id, *args, **kwargs)
        schedule = get_object_or_404(self.get_queryset(request), pk=object_id)
        status = self.shown_status(schedule)
        return show_page(
            request,
            self,
            "catalog/fee_schedule.html",
            title=str(schedule),
            original=schedule,
            status=status,
            colour=STATUS_COLOURS[status],
            effective=self.effective(schedule),
            problems=problems_of(schedule.rules),
            rules=rules_table(schedule.rules),
        )

    @page("write/", permission="catalog.add_feeschedule")
    def write(self, request: HttpRequest) -> HttpResponse:
        """A line for each rule; kept as the next version, a draft."""
        posted = sent(request)
        start = _start(request)
        lines = [FeeLineForm.filled_from(rule) for rule in start.rules]
        form = FeeScheduleForm(posted, initial={"name": start.name})
        rules = FeeLineFormSet(posted, initial=lines, prefix="rules")
        if posted and all([form.is_valid(), rules.is_valid()]):
            written = [rule for line in rules if (rule := line.document())]
            kept = self._keep(request, written, form.cleaned_data)
            if kept:
                return redirect("admin:catalog_feeschedule_change", kept.pk)
        context = {"form": form, "rules": rules, "start": start}
        return show_page(request, self, "catalog/fee_schedule_write.html", title="Write a fee schedule", **context)

    def _keep(self, request: HttpRequest, rules: Sequence[Any], asked: Mapping[str, Any]) -> FeeSchedule | None:
        if not rules:
            messages.error(request, "A fee schedule has a rule at least.")
            return None
        kept = attempt(request, lambda: services.draft_fee_schedule(rules=rules, **asked, actor=operator_of(request)))
        if kept:
            self.log_addition(request, kept, "Drafted.")
            messages.success(
                request, f"Kept as {kept}, a draft that charges nobody. Another operator puts it in force."
            )
        return kept

    @page("<int:schedule_id>/activate/", permission="catalog.change_feeschedule")
    def activate(self, request: HttpRequest, schedule_id: int) -> HttpResponse:
        """What is charged now and what will be; the second person confirms it."""
        draft = get_object_or_404(selectors.fee_schedules(), pk=schedule_id)
        form = ActivationForm(sent(request), initial={"effective_from": draft.effective_from})
        if request.method == "POST" and form.is_valid():
            wanted, now = form.cleaned_data["effective_from"], clock.now()
            activated = attempt(
                request,
                lambda: services.activate_fee_schedule(
                    schedule=draft.public_id, effective_from=wanted, actor=operator_of(request), now=now
                ),
            )
            if activated:
                self.log_change(request, activated, "Put in force.")
                since = f"{activated.effective_from:%Y-%m-%d %H:%M}"
                messages.success(request, f"{activated} is in force from {since} UTC.")
                return redirect("admin:catalog_feeschedule_change", activated.pk)
        in_force = selectors.fee_schedule_in_force(clock.now())
        return show_page(
            request,
            self,
            "catalog/fee_schedule_activate.html",
            title=f"Put {draft} in force",
            original=draft,
            form=form,
            problems=problems_of(draft.rules),
            needs_another=settings.FEE_SCHEDULE_SECOND_PERSON and draft.created_by_id == request.user.pk,
            in_force=in_force,
            now_charged=rules_table(in_force.rules),
            then_charged=rules_table(draft.rules),
        )


def _start(request: HttpRequest) -> FeeSchedule:
    """The version that the next one is written from: the asked one, else what is in force."""
    asked = FeeSchedule.objects.filter(public_id=request.GET.get("from", "")).first()
    return asked or selectors.fee_schedule_in_force(clock.now())


def rules_table(rules: Sequence[Mapping[str, Any]]) -> str:
    """Each rule as people read it; the most specific one that matches decides."""
    lines = ((_match(rule["match"]), f"{rule['rate_bps'] / 100:g} %", _fixed(rule)) for rule in rules)
    return table(["for", "rate", "and per line"], lines, numbers={"rate", "and per line"})


def _match(match: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {value}" for name, value in sorted(match.items())) or "every sale"


def _fixed(rule: Mapping[str, Any]) -> str:
    fixed = rule.get("fixed")
    return shown_money(fixed["amount"], fixed["currency"]) if fixed else "-"
