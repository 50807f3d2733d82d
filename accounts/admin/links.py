"""Links between accounts: seen, and ended for a reason. Nobody makes one here: both sides prove themselves."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin import SimpleListFilter
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from unfold.decorators import action, display

from accounts import services
from accounts.admin.finding import account_link, either, key_of
from accounts.admin.forms import ReasonForm
from accounts.browser import operator_of
from accounts.link_graph import cap_words, mirror_words, switch_words
from accounts.models import Link
from accounts.terms import BEHAVIOUR_KINDS
from core import clock
from core.admin import ReadOnlyAdmin, attempt, page_link, shown_money, table


class StateFilter(SimpleListFilter):
    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("living", "living"), ("ended", "ended")]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        return queryset.filter(ended_at__isnull=self.value() == "living") if self.value() else queryset


@admin.register(Link)
class LinkAdmin(ReadOnlyAdmin):
    """Found by its id, or by the id of either side."""

    icon = "link"
    list_display = ("public_id", "shown_state", "shown_inviter", "shown_invitee", "switching", "paying", "linked_at")
    list_select_related = ("inviter", "invitee", "ended_by", "proposed_by")
    list_filter = (StateFilter,)
    search_fields = ("public_id__exact",)
    search_help_text = "lnk_…, or acc_… for all links of an account"
    fields = (
        "public_id",
        "shown_state",
        "shown_inviter",
        "shown_invitee",
        "switching",
        "mirroring",
        "paying",
        "spending",
        "linked_at",
        "ended_at",
        "shown_ended_by",
        "end_reason",
        "proposal",
        "graph",
    )
    readonly_fields = fields
    actions_detail = ("end",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Link]:
        return super().get_queryset(request).prefetch_related("spendings")

    def find(self, queryset: QuerySet, term: str) -> QuerySet | None:
        key = key_of(term)
        return None if key is None else queryset.filter(either(key, "inviter_id", "invitee_id"))

    @display(description="state", label={"living": "success", "ended": "info"})
    def shown_state(self, link: Link) -> str:
        return "ended" if link.ended_at else "living"

    @display(description="inviter")
    def shown_inviter(self, link: Link) -> str:
        return account_link(link.inviter)

    @display(description="invitee")
    def shown_invitee(self, link: Link) -> str:
        return account_link(link.invitee)

    @display(description="switching")
    def switching(self, link: Link) -> str:
        return switch_words(link)

    @display(description="also recorded")
    def mirroring(self, link: Link) -> str:
        return mirror_words(link, kinds_in_all=len(BEHAVIOUR_KINDS))

    @display(description="the other's log-in")
    def paying(self, link: Link) -> str:
        return cap_words(link)

    @display(description="paid so far")
    def spending(self, link: Link) -> str:
        rows = [
            (account_link(link.inviter if spent.owner_id == link.inviter_id else link.invitee), money)
            for spent in link.spendings.all()
            for money in [shown_money(spent.spent_minor, spent.currency)]
        ]
        return (
            table(["from the wallet of", "paid, less refunds"], rows, numbers={"paid, less refunds"}) if rows else "-"
        )

    @display(description="ended by")
    def shown_ended_by(self, link: Link) -> str:
        return account_link(link.ended_by)

    @display(description="proposed terms")
    def proposal(self, link: Link) -> str:
        if link.proposed_terms is None:
            return "-"
        lines = [(name.replace("_", " "), _written(value)) for name, value in link.proposed_terms.items()]
        return table([f"by {link.proposed_by}", ""], lines)

    @display(description="graph")
    def graph(self, link: Link) -> str:
        return page_link("accounts_account_graph", f"Links around {link.inviter.name}", link.inviter_id)

    def has_end_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        living = object_id is None or Link.objects.filter(pk=object_id, ended_at=None).exists()
        return living and request.user.has_perm("accounts.change_link")

    @action(
        description="End the link",
        url_path="end",
        permissions=["end"],
        dialog={
            "title": "End this link",
            "description": "At once, and for every session that acts through it. Both sides read who did, and why.",
            "form_class": ReasonForm,
            "form_submit_text": "End the link",
        },
    )
    def end(self, request: HttpRequest, form: ReasonForm, object_id: str) -> HttpResponse:
        link, reason, operator = Link.objects.get(pk=object_id), form.cleaned_data["reason"], operator_of(request)
        ended = attempt(
            request,
            lambda: services.end_link_for_sides(link=link.public_id, reason=reason, actor=operator, now=clock.now()),
        )
        if ended:
            self.log_change(request, ended, f"Ended: {reason}")
            messages.success(request, "The link has ended.")
        return redirect("admin:accounts_link_change", object_id)


def _written(value: Any) -> str:
    if isinstance(value, dict):
        return shown_money(value["amount"], value["currency"])
    return ", ".join(value) if isinstance(value, list) else str(value or "nothing")
