"""What puts the book right: journals taken back by two people, and the results of replay and repair."""

from collections.abc import Mapping
from typing import Any

from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import get_object_or_404, redirect
from django.utils.html import format_html
from unfold.decorators import action, display

from accounts.browser import operator_of
from billing.admin.forms import ReversalForm, sent
from billing.models import JournalReversal
from billing.services.repairing import REPAIR
from billing.services.replaying import REPLAY
from billing.services.reversing import approve_reversal, request_reversal, withdraw_reversal
from core import clock
from core.admin import ReadOnlyAdmin, attempt, link_to, page, show_page, shows_result, table
from core.ids import decode_key, encode_key
from core.money import format_minor


class StateFilter(admin.SimpleListFilter):
    title = "state"
    parameter_name = "state"
    states = {
        "requested": Q(approved_at=None, withdrawn_at=None),
        "reversed": Q(approved_at__isnull=False),
        "withdrawn": Q(withdrawn_at__isnull=False),
    }

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(state, state) for state in self.states]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        state = self.states.get(self.value() or "")
        return queryset.filter(state) if state else queryset


@admin.register(JournalReversal)
class JournalReversalAdmin(ReadOnlyAdmin):
    """One operator asks, another approves; then it is booked at once."""

    icon = "undo"
    waiting_query = "state=requested"
    list_display = ("journal", "state", "reason", "requested_by", "requested_at", "approved_by", "approved_at")
    list_display_links = ("reason",)
    list_select_related = ("requested_by", "approved_by")
    list_filter = (StateFilter,)
    search_fields = ("reason__exact",)
    search_help_text = "jrn_…"
    pages = ("ask", "approve", "withdraw")
    actions_list = ("go_ask",)

    def find(self, queryset: QuerySet, term: str) -> QuerySet | None:
        return queryset.filter(journal_id=decode_key("jrn", term) or 0)

    def rows_waiting(self) -> QuerySet:
        return JournalReversal.objects.filter(StateFilter.states["requested"])

    @display(description="journal")
    def journal(self, wish: JournalReversal) -> str:
        return link_to("ledger.journal", wish.journal_id, encode_key("jrn", wish.journal_id))

    @display(description="state", label={"requested": "warning", "reversed": "success", "withdrawn": "info"})
    def state(self, wish: JournalReversal) -> str:
        return wish.status

    def has_ask_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("billing.add_journalreversal")

    @action(description="Ask for a reversal", icon="add", permissions=["ask"])
    def go_ask(self, request: HttpRequest) -> HttpResponse:
        return redirect("admin:billing_journalreversal_ask")

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.method != "GET" or not self.has_view_permission(request):
            return super().change_view(request, object_id, *args, **kwargs)
        wish = get_object_or_404(JournalReversal.objects.select_related("requested_by", "approved_by"), pk=object_id)
        context = {"wish": wish, "journal": self.journal(wish), "event": _event_link(wish)}
        return show_page(request, self, "billing/reversal.html", title="Take a journal back", original=wish, **context)

    @page("ask/", permission="billing.add_journalreversal")
    def ask(self, request: HttpRequest) -> HttpResponse:
        form = ReversalForm(sent(request), initial={"journal": request.GET.get("journal", "")})
        if request.method == "POST" and form.is_valid():
            asked = form.cleaned_data
            wish = attempt(request, lambda: request_reversal(actor=operator_of(request), now=clock.now(), **asked))
            if wish:
                self.log_addition(request, wish, f"Asked for: {asked['reason']}")
                messages.success(request, "Asked for. Another operator approves it here.")
                return redirect("admin:billing_journalreversal_change", wish.pk)
        lead = (
            "All transfers of the journal are booked the other way round, under a journal of their own, once a "
            "second person has approved it. What a wallet cannot give any more becomes a debt of its owner."
        )
        context = {"form": form, "lead": lead, "button": "Ask for the reversal"}
        return show_page(request, self, "core/form.html", title="Take a journal back", **context)

    @page("<int:wish_id>/approve/", permission="billing.change_journalreversal")
    def approve(self, request: HttpRequest, wish_id: int) -> HttpResponse:
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        journal = _journal_of(wish_id)
        done = attempt(request, lambda: approve_reversal(journal=journal, actor=operator_of(request), now=clock.now()))
        if done:
            self.log_change(request, done, "Approved.")
            messages.success(request, "The journal is taken back; the book shows it now.")
        return redirect("admin:billing_journalreversal_change", wish_id)

    @page("<int:wish_id>/withdraw/", permission="billing.change_journalreversal")
    def withdraw(self, request: HttpRequest, wish_id: int) -> HttpResponse:
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        journal = _journal_of(wish_id)
        done = attempt(request, lambda: withdraw_reversal(journal=journal, now=clock.now()))
        if done:
            self.log_change(request, done, "Withdrawn.")
            messages.success(request, "Withdrawn. The journal may be asked for again.")
        return redirect("admin:billing_journalreversal_change", wish_id)


def _journal_of(wish_id: int) -> str:
    return encode_key("jrn", get_object_or_404(JournalReversal, pk=wish_id).journal_id)


def _event_link(wish: JournalReversal) -> str:
    if wish.event_id is None:
        return ""
    return link_to("ledger.journal", wish.event_id, encode_key("jrn", wish.event_id))


@shows_result(REPLAY)
def show_replay(result: Mapping[str, Any]) -> str:
    """By how much each account would differ, the largest differences first."""
    accounts = sorted(result["accounts"], key=lambda account: -abs(account["difference"]))
    lines = [
        (account["code"], account["currency"], *(_signed(account, name) for name in ("before", "after", "difference")))
        for account in accounts
    ]
    head = ["account", "currency", "as booked", "by this version", "difference"]
    said = f"{result['changed']:,} of {result['events']:,} events would be booked otherwise."
    more = [f"{count} would not be booked: {reason}." for reason, count in _pairs(result["refused"])]
    if result["waiting"]:
        more.append(f"{result['waiting']} wait to be booked and are left out.")
    if result["accounts_left_out"]:
        more.append(f"{result['accounts_left_out']} further accounts differ by less.")
    shown = table(head, lines, numbers=set(head[2:])) if lines else format_html("<p>{}</p>", "No account would differ.")
    return format_html("<p>{}</p>{}", " ".join([said, *more]), shown)


@shows_result(REPAIR)
def show_repair(result: Mapping[str, Any]) -> str:
    """What was put right, and what could not be."""
    said = f"{result['repaired']:,} of {result['events']:,} events were taken back and booked again."
    skipped = [(reason.replace("_", " "), count) for reason, count in _pairs(result["skipped"])]
    shown = table(["left as it was, because", "events"], skipped, numbers={"events"}) if skipped else ""
    return format_html("<p>{}</p>{}", said, shown)


def _pairs(counts: Any) -> list[tuple[str, int]]:
    return [(counted["reason"], counted["count"]) for counted in counts]


def _signed(account: Mapping[str, Any], name: str) -> str:
    return format_minor(account[name], account["currency"])
