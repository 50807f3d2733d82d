"""What is kept for agents who are not known yet: for which area or store, since when and until when."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.paginator import Page, Paginator
from django.db.models import F, OuterRef, QuerySet, Subquery, Sum

from core.admin import link_to, list_link, page_link, shown_money, table
from distribution.models import Area, Placement
from distribution.services.escrow import in_escrow, undecided
from ledger.models import LedgerAccount

MINUTES = "%Y-%m-%d %H:%M UTC"
KEPT_AT_ONCE = 50
ESCROW = "escrow:"
UNDECIDED = undecided("")


def kept() -> QuerySet[LedgerAccount]:
    """The ledger's accounts that keep something: at most two for each area and store, whatever was sold."""
    return LedgerAccount.objects.filter(code__startswith=ESCROW, credits_minor__gt=F("debits_minor"))


def kept_in_all() -> list[str]:
    """What is kept in all, by currency."""
    sums = kept().values_list("currency").annotate(minor=Sum(F("credits_minor") - F("debits_minor")))
    return [shown_money(minor, currency) for currency, minor in sums.order_by("currency")]


def escrow_table(page: str | None) -> tuple[str, Page]:
    """One page of what is kept, by the book; as many statements for any number of sales and areas."""
    pages = Paginator(kept().annotate(since=Subquery(_oldest())).order_by("code", "currency"), KEPT_AT_ONCE).get_page(
        page
    )
    accounts: list[Any] = list(pages.object_list)  # With `since`, which Paginator's type forgets.
    areas, placements = _areas(accounts), _placements(accounts)
    rows = []
    for account in accounts:
        since: datetime | None = account.since
        rows.append(
            (
                _waits_for(account.code, areas, placements),
                shown_money(account.balance_minor, account.currency),
                f"{since:{MINUTES}}" if since else "-",
                f"{since + settings.ESCROW_PERIOD:{MINUTES}}" if since else "-",
                list_link("distribution.allocation", f"kept=now&escrow={account.code}", "parts"),
                link_to("ledger.ledgeraccount", account.pk, "account"),
            )
        )
    head = ["waits for", "kept", "since", "the platform's from", "of sales", "in the book"]
    return (table(head, rows, numbers={"kept"}) if rows else ""), pages


def _oldest() -> QuerySet:
    """When the sale was paid of which the oldest part is still kept in an account."""
    parts = in_escrow().filter(escrow=OuterRef("code"), line__currency=OuterRef("currency"))
    return parts.filter(reversed_minor__lt=F("original_minor")).values("line__paid_at")[:1]


def _areas(accounts: Sequence[LedgerAccount]) -> dict[str, Area]:
    codes = [account.code.removeprefix(ESCROW) for account in accounts if not account.code.startswith(UNDECIDED)]
    named = [code.partition(":")[::2] for code in codes]
    found = Area.objects.filter(scheme__in={scheme for scheme, _ in named}, code__in={code for _, code in named})
    return {area.public_code: area for area in found}


def _placements(accounts: Sequence[LedgerAccount]) -> dict[str, Placement]:
    """Where the stores stand, or wait to; by their public ids."""
    stores = [account.code.removeprefix(UNDECIDED) for account in accounts if account.code.startswith(UNDECIDED)]
    found = Placement.objects.filter(store__public_id__in=stores, until_at=None).select_related("store", "area")
    return {placement.store.public_id: placement for placement in found}


def _waits_for(code: str, areas: dict[str, Area], placements: dict[str, Placement]) -> str:
    """Link to what has to be done: to appoint an agent, or to say where a store stands."""
    if not code.startswith(UNDECIDED):
        area = areas.get(code.removeprefix(ESCROW))
        return page_link("distribution_agentseat_area", f"an agent of {area}", area.pk) if area else code
    placement = placements.get(code.removeprefix(UNDECIDED))
    if placement is None:
        return "the decision where the store stood"
    if placement.is_waiting:
        return link_to("distribution.placement", placement.pk, f"the decision where {placement.store.name} stands")
    return page_link("distribution_agentseat_area", f"an agent above {placement.store.name}", placement.area_id)
