"""Where stores stand: the queue of what waits, and the operator's word."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from unfold.decorators import action, display

from accounts.browser import operator_of
from billing.admin.forms import sent
from core import clock
from core.admin import ReadOnlyAdmin, attempt, link_to, page, show_page, table
from distribution import services
from distribution.areas.codes import PUBLIC_CODE_LENGTH_MAX
from distribution.models import Placement

MINUTES = "%Y-%m-%d %H:%M UTC"
COLOURS = {"waiting": "warning", "settled": "success", "ended": "info"}


class AreaForm(forms.Form):
    """In which area a store stands."""

    area = forms.CharField(
        max_length=PUBLIC_CODE_LENGTH_MAX,
        label="Area",
        help_text="Its code: BR:3550308, or 3550308 where that is enough.",
    )


class StateFilter(admin.SimpleListFilter):
    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("waiting", "waits for a decision"), ("settled", "settled, now"), ("ended", "ended")]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        wanted = {
            "waiting": Q(is_waiting=True),
            "settled": Q(is_waiting=False, until_at=None),
            "ended": Q(is_waiting=False, until_at__isnull=False),
        }
        chosen = wanted.get(self.value() or "")
        return queryset if chosen is None else queryset.filter(chosen)


@admin.register(Placement)
class PlacementAdmin(ReadOnlyAdmin):
    """Found by its id or number, or by its store's id; what waits is decided here."""

    icon = "pin_drop"
    waiting_query = "state=waiting"
    list_display = ("store_name", "shown_state", "shown_area", "evidence", "doubt", "border", "from_at", "until_at")
    list_select_related = ("store", "area")
    list_filter = (StateFilter, "evidence")
    search_fields = ("public_id__exact", "rule_number__startswith", "store__public_id__exact")
    search_help_text = "plc_…, sto_… or the beginning of a rule number"
    fields = (
        "public_id",
        "rule_number",
        "shown_store",
        "shown_state",
        "shown_area",
        "evidence",
        "border",
        "doubt",
        "shown_proposal",
        "proposed_number",
        "decided_by",
        "decided_at",
        "from_at",
        "until_at",
    )
    readonly_fields = fields
    pages = ("decide",)
    actions_detail = ("go_decide",)

    def rows_waiting(self) -> QuerySet:
        return Placement.objects.filter(is_waiting=True)

    def lookup_allowed(self, lookup: str, value: Any, request: Any = None) -> bool:
        return lookup == "area__id__exact" or super().lookup_allowed(lookup, value, request)

    @display(description="store")
    def store_name(self, placement: Placement) -> str:
        """Plain: the list makes it the link to the placement."""
        return placement.store.name

    @display(description="store")
    def shown_store(self, placement: Placement) -> str:
        return link_to("catalog.store", placement.store_id, placement.store.name)

    @display(description="state", label=COLOURS)
    def shown_state(self, placement: Placement) -> str:
        if placement.is_waiting:
            return "waiting"
        return "settled" if placement.until_at is None else "ended"

    @display(description="area")
    def shown_area(self, placement: Placement) -> str:
        area = placement.area
        return link_to("distribution.area", area.pk, f"{area.name} ({area.public_code})") if area else "none proposed"

    @display(description="proposed was")
    def shown_proposal(self, placement: Placement) -> str:
        area = placement.proposed_area
        return link_to("distribution.area", area.pk, f"{area.name} ({area.public_code})") if area else "-"

    @display(description="to the border")
    def border(self, placement: Placement) -> str:
        return "-" if placement.border_m is None else f"{placement.border_m:,.0f} m"

    def has_decide_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        if not request.user.has_perm("distribution.change_placement"):
            return False
        return object_id is None or Placement.objects.filter(pk=object_id, is_waiting=True).exists()

    @action(description="Decide where it stands", icon="pin_drop", permissions=["decide"])
    def go_decide(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return redirect("admin:distribution_placement_decide", object_id)

    @page("<int:placement_id>/decide/", permission="distribution.change_placement")
    def decide(self, request: HttpRequest, placement_id: int) -> HttpResponse:
        """What is known, and the area that is proposed; whatever is sent counts as of the beginning."""
        waiting = get_object_or_404(Placement.objects.select_related("store__seller", "area"), pk=placement_id)
        form = AreaForm(sent(request), initial={"area": waiting.area.public_code if waiting.area else ""})
        if request.method == "POST" and form.is_valid():
            decided = attempt(
                request,
                lambda: services.decide_placement(
                    placement=waiting.public_id,
                    area=form.cleaned_data["area"],
                    actor=operator_of(request),
                    now=clock.now(),
                ),
            )
            if decided is not None:
                self.log_change(request, decided, f"Decided: {decided.area}.")
                messages.success(request, f"{waiting.store.name} stands in {decided.area}.")
                return redirect(f"{reverse('admin:distribution_placement_changelist')}?state=waiting")
        return show_page(
            request,
            self,
            "distribution/admin/areas_decide.html",
            title=f"Where does {waiting.store.name} stand?",
            original=waiting,
            form=form,
            known=_known(waiting),
        )


def _known(placement: Placement) -> str:
    store = placement.store
    place = f"{store.latitude}, {store.longitude}" if store.latitude is not None else "none given"
    lines = [
        ("waits because", placement.get_doubt_display()),
        ("since", f"{placement.from_at:{MINUTES}}"),
        ("until", f"{placement.until_at:{MINUTES}}" if placement.until_at else "it goes on"),
        ("address", store.address or "none given"),
        ("coordinates now", place),
        ("declared area now", store.area_code or "none"),
        ("proposed", placement.area or "nothing"),
        ("seller", link_to("accounts.account", store.seller_id, store.seller.name)),
    ]
    return table(["", ""], lines)
