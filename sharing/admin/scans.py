"""Who looked at which share, as far as anybody knows: read by share and time, among however many millions."""

from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.contrib.admin import SimpleListFilter
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.text import Truncator
from unfold.decorators import display

from accounts.models import Account
from core.admin import ReadOnlyAdmin, link_to
from sharing.codes import share_id_of
from sharing.models import Scan, ScanClaim, ScanClass, Share

SHOWN_WITHOUT_SHARE = timedelta(days=1)  # One class among all shares' has no index: so far back and no further.
AGENT_SHOWN = 60  # characters: what lies behind is on the scan's own page
COLOURS = {
    ScanClass.HUMAN: "success",
    ScanClass.BOT: "danger",
    ScanClass.PREVIEW: "warning",
    ScanClass.SELF: "info",
}


class ClassFilter(SimpleListFilter):
    title = "class"
    parameter_name = "class"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(name, name) for name in ScanClass.values]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        if self.value() not in ScanClass.values:
            return queryset
        if not request.GET.get("q"):
            queryset = queryset.filter(recorded_at__gte=timezone.now() - SHOWN_WITHOUT_SHARE)
        return queryset.filter(scan_class=self.value())


@admin.register(Scan)
class ScanAdmin(ReadOnlyAdmin):
    """Found by its id, by its share, by what a poster says, or by who has claimed it; a class alone for a day."""

    icon = "qr_code_scanner"
    key_prefix = "scn"
    ordering = ("-recorded_at",)
    list_display = (
        "scanned_at",
        "shown_class",
        "classifier",
        "shown_repeat",
        "shown_share",
        "shown_signals",
        "shown_agent",
    )
    list_select_related = ("share",)
    list_filter = (ClassFilter,)
    search_fields = ("id",)
    search_help_text = "scn_…, shr_…, acc_… for what an account has claimed, or a poster's code or address"
    fields = readonly_fields = (
        "public_id",
        "shown_share",
        "shown_class",
        "classifier",
        "shown_repeat",
        "shown_signals",
        "agent",
        "claimed_by",
        "scanned_at",
        "recorded_at",
    )

    def get_search_results(self, request: HttpRequest, queryset: QuerySet, search_term: str) -> tuple[QuerySet, bool]:
        """Only what names something exactly finds it."""
        term = search_term.strip()
        found = self.find(queryset, term) if term else queryset
        return (queryset.none() if found is None else found), False

    def find(self, queryset: QuerySet, term: str) -> QuerySet | None:
        if term.startswith("shr_"):
            share = Share.objects.filter(public_id=term).values_list("pk", flat=True).first()
            return queryset.filter(share_id=share)
        if term.startswith("acc_"):
            claims = ScanClaim.objects.filter(account=Account.objects.filter(public_id=term).first())
            return queryset.filter(pk__in=claims.values("scan_id"))
        by_id = super().find(queryset, term)
        if by_id is not None:
            return by_id
        share_id = share_id_of(term.rpartition("/")[2])
        return None if share_id is None else queryset.filter(share_id=share_id)

    @display(description="class", label=COLOURS)
    def shown_class(self, scan: Scan) -> str:
        return scan.scan_class

    @display(description="visitor", label={"first look": "success", "repeat": "warning"})
    def shown_repeat(self, scan: Scan) -> str:
        return "repeat" if scan.is_repeat else "first look"

    @display(description="share")
    def shown_share(self, scan: Scan) -> str:
        return link_to("sharing.share", scan.share_id, scan.share.public_id)

    @display(description="said")
    def shown_signals(self, scan: Scan) -> str:
        return ", ".join(scan.signals) or "-"

    @display(description="client")
    def shown_agent(self, scan: Scan) -> str:
        return Truncator(scan.agent).chars(AGENT_SHOWN) or "-"

    @display(description="claimed by")
    def claimed_by(self, scan: Scan) -> str:
        claim = ScanClaim.objects.select_related("account").filter(scan_id=scan.pk).first()
        return link_to("accounts.account", claim.account_id, claim.account.name) if claim else "-"
