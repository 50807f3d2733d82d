"""What accounts did, and who really did it: read by account and time, among however many millions."""

from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.contrib.admin import SimpleListFilter
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from unfold.decorators import display

from accounts.admin.finding import account_link, key_of
from accounts.models import Behaviour, Link
from accounts.terms import BEHAVIOUR_KINDS
from core.admin import ReadOnlyAdmin, link_to, list_link, pretty_json

KINDS_SHOWN_WITHOUT_ACCOUNT = timedelta(
    days=1
)  # One kind among all accounts' has no index: so far back and no further.
PERIODS = {"1": "last 24 hours", "7": "last 7 days", "30": "last 30 days"}
LISTS = {"ord": "orders.order", "itm": "catalog.item", "lnk": "accounts.link", "ses": "accounts.session"}


class KindFilter(SimpleListFilter):
    title = "kind"
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(kind, kind) for kind in BEHAVIOUR_KINDS]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        if self.value() not in BEHAVIOUR_KINDS:
            return queryset
        if not request.GET.get("q"):
            queryset = queryset.filter(recorded_at__gte=timezone.now() - KINDS_SHOWN_WITHOUT_ACCOUNT)
        return queryset.filter(kind=self.value())


class PeriodFilter(SimpleListFilter):
    title = "recorded"
    parameter_name = "days"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return list(PERIODS.items())

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        if self.value() not in PERIODS:
            return queryset
        return queryset.filter(recorded_at__gte=timezone.now() - timedelta(days=int(self.value() or 0)))


@admin.register(Behaviour)
class BehaviourAdmin(ReadOnlyAdmin):
    """Found by its id, or by whose storage it is in; a kind alone is shown for the last day."""

    icon = "footprint"
    key_prefix = "bhv"
    list_display = ("occurred_at", "kind", "storage", "really", "as_whom", "shown_object", "origin")
    list_select_related = ("account", "login_account", "acting_account")
    list_filter = (KindFilter, PeriodFilter)
    search_fields = ("id",)
    search_help_text = "acc_… for what is recorded for an account, or bhv_…"
    fields = (
        "public_id",
        "kind",
        "storage",
        "really",
        "as_whom",
        "shown_object",
        "shown_session",
        "through",
        "shown_data",
        "occurred_at",
        "recorded_at",
    )
    readonly_fields = fields

    def get_search_results(self, request: HttpRequest, queryset: QuerySet, search_term: str) -> tuple[QuerySet, bool]:
        """Only ids find something: no other column is indexed for itself."""
        term = search_term.strip()
        found = self.find(queryset, term) if term else queryset
        return (queryset.none() if found is None else found), False

    def find(self, queryset: QuerySet, term: str) -> QuerySet | None:
        key = key_of(term)
        return super().find(queryset, term) if key is None else queryset.filter(account_id=key)

    @display(description="recorded for")
    def storage(self, behaviour: Behaviour) -> str:
        return account_link(behaviour.account)

    @display(description="really acted")
    def really(self, behaviour: Behaviour) -> str:
        return account_link(behaviour.login_account)

    @display(description="as")
    def as_whom(self, behaviour: Behaviour) -> str:
        return account_link(behaviour.acting_account)

    @display(description="object")
    def shown_object(self, behaviour: Behaviour) -> str:
        label = LISTS.get(behaviour.object_id.partition("_")[0])
        if label is None:
            return behaviour.object_id or "-"
        return list_link(label, f"q={behaviour.object_id}", behaviour.object_id)

    @display(description="session")
    def shown_session(self, behaviour: Behaviour) -> str:
        session = behaviour.session_id
        return list_link("accounts.session", f"q={session}", session) if session else "-"

    @display(description="origin", label={"own": "success", "linked": "info"})
    def origin(self, behaviour: Behaviour) -> str:
        return "own" if behaviour.link_id is None else "linked"

    @display(description="through")
    def through(self, behaviour: Behaviour) -> str:
        link = Link.objects.filter(pk=behaviour.link_id).first() if behaviour.link_id else None
        return link_to("accounts.link", link.pk, link.public_id) if link else "-"

    @display(description="data")
    def shown_data(self, behaviour: Behaviour) -> str:
        return pretty_json(behaviour.data)
