"""The forest of people, walked up and down one step at a time; places bound, moved and ended."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from unfold.decorators import display

from accounts.admin.finding import either, key_of
from accounts.browser import operator_of
from accounts.models import Account
from core import clock
from core.admin import ReadOnlyAdmin, link_to, page, page_link, show_page, table
from distribution import services
from distribution.admin.people_steps import Given, ReferrerForm, Steps, WhyForm
from distribution.models import Referral
from distribution.people import brought_counts, original_referrers, places_of

STEPS_UP_MAX = 20
BELOW_PER_PAGE = 50
STATE_COLOURS = {"lasts": "success", "ended": "warning"}


@admin.register(Referral)
class ReferralAdmin(ReadOnlyAdmin):
    """Found by id or rule number, or by the id of the account or its referrer."""

    icon = "diversity_3"
    list_display = ("rule_number", "shown_state", "shown_account", "shown_referrer", "via", "from_at", "until_at")
    list_select_related = ("account", "referrer", "decided_by", "ended_by")
    search_fields = ("public_id__exact", "rule_number__startswith")
    search_help_text = "ref_…, acc_… or the beginning of a rule number"
    fields = (
        "public_id",
        "rule_number",
        "shown_state",
        "shown_account",
        "shown_referrer",
        "via",
        "is_original",
        "from_at",
        "until_at",
        "reason",
        "decided_by",
        "ending",
        "end_reason",
        "ended_by",
    )
    readonly_fields = fields
    pages = ("walk", "bind", "move", "end")

    def find(self, queryset: QuerySet, term: str) -> QuerySet | None:
        key = key_of(term)
        return None if key is None else queryset.filter(either(key, "account_id", "referrer_id"))

    @display(description="state", label=STATE_COLOURS)
    def shown_state(self, place: Referral) -> str:
        return "ended" if place.until_at else "lasts"

    @display(description="account")
    def shown_account(self, place: Referral) -> str:
        return walk_link(place.account)

    @display(description="referrer")
    def shown_referrer(self, place: Referral) -> str:
        return walk_link(place.referrer)

    @page("of/<int:account_id>/", permission="distribution.view_referral")
    def walk(self, request: HttpRequest, account_id: int) -> HttpResponse:
        """One account: those above, step by step, the places it has had, and those directly below, page by page."""
        account = get_object_or_404(Account, pk=account_id)
        last = places_of(account).first()
        below, more = children_of(account, before=request.GET.get("before", ""))
        original = original_referrers([account.pk]).get(account.pk)
        sections = [
            ("Above", above_table(account), f"First brought by {original.name}." if original else ""),
            ("Directly below", people_table(below), "" if below else "Nobody."),
            ("The places it has had", places_table(places_of(account)[:BELOW_PER_PAGE]), ""),
        ]
        links = self._links(account, last)
        if more:
            links.append((f"?before={below[-1].pk}", "Further down the list"))
        return show_page(
            request,
            self,
            "distribution/admin/sections.html",
            title=account.name,
            lead=_standing(last, brought_counts([account.pk]).get(account.pk, 0)),
            sections=sections,
            links=links,
        )

    def _links(self, account: Account, last: Referral | None) -> list[tuple[str, str]]:
        url = self._url
        if last is None or last.until_at is not None:
            return [(url("bind", account.pk), "Put below a referrer")]
        changing = ("move", "Move below another") if last.referrer_id else ("bind", "Put below a referrer")
        return [(url(changing[0], account.pk), changing[1]), (url("end", account.pk), "End the place")]

    @page("of/<int:account_id>/bind/", permission="distribution.add_referral")
    def bind(self, request: HttpRequest, account_id: int) -> HttpResponse:
        return self._place_below(request, account_id, "Put {} below a referrer", "Put there", services.bind_referral)

    @page("of/<int:account_id>/move/", permission="distribution.change_referral")
    def move(self, request: HttpRequest, account_id: int) -> HttpResponse:
        return self._place_below(request, account_id, "Move {} below another referrer", "Move", services.move_referral)

    def _place_below(
        self, request: HttpRequest, account_id: int, title: str, button: str, service: Any
    ) -> HttpResponse:
        account, actor = get_object_or_404(Account, pk=account_id), operator_of(request)

        def look(given: Given) -> Sequence[tuple[str, object]]:
            last = places_of(account).first()
            return [
                ("Account", account.name),
                ("Stands below", last.referrer.name if last and last.referrer else "nobody"),
                ("Would stand below", given["referrer"].name),
                ("Directly below it, and going with it", brought_counts([account.pk]).get(account.pk, 0)),
                ("Reason", given["reason"]),
            ]

        def do(given: Given) -> str:
            place = service(account=account, **given, actor=actor, now=clock.now())
            return f"{account.name} stands below {given['referrer'].name} now: {place.rule_number}."

        return Steps(
            title=title.format(account.name),
            lead="From now on those above have a part in what it buys. Past sales stay as they were shared out.",
            form=ReferrerForm,
            look=look,
            do=do,
            button=button,
            back=self._url("walk", account.pk),
        ).answer(request, self, account)

    @page("of/<int:account_id>/end/", permission="distribution.change_referral")
    def end(self, request: HttpRequest, account_id: int) -> HttpResponse:
        account, actor = get_object_or_404(Account, pk=account_id), operator_of(request)

        def look(given: Given) -> Sequence[tuple[str, object]]:
            last = places_of(account).first()
            return [
                ("Account", account.name),
                ("Directly below it", brought_counts([account.pk]).get(account.pk, 0)),
                ("They move up to", last.referrer.name if last and last.referrer else "the top"),
                ("Reason", given["reason"]),
            ]

        def do(given: Given) -> str:
            services.end_referral(account=account, **given, actor=actor, now=clock.now())
            return f"The place of {account.name} has ended."

        return Steps(
            title=f"End the place of {account.name}",
            lead="Nobody earns by having brought it any more, nor it by having brought others. Those below move up.",
            form=WhyForm,
            look=look,
            do=do,
            button="End the place",
            back=self._url("walk", account.pk),
            grave=True,
        ).answer(request, self, account)

    def _url(self, method: str, key: int) -> str:
        return reverse(f"admin:{self.page_name(method)}", args=[key])


def walk_link(account: Account | None) -> str:
    return page_link("distribution_referral_walk", account.name, account.pk) if account else "-"


def _standing(last: Referral | None, below: int) -> str:
    if last is None:
        return "It has no place yet: it gets one when its registration is heard, or when it is put below somebody."
    if last.until_at is not None:
        return f"Left on {last.until_at:%Y-%m-%d %H:%M} ({last.get_ending_display()})."
    return f"{below} directly below. Stands there since {last.from_at:%Y-%m-%d %H:%M}: {last.get_via_display()}."


def children_of(account: Account, *, before: str) -> tuple[list[Referral], bool]:
    """One page of those directly below, the newest first, and whether there are more."""
    below = Referral.objects.select_related("account").filter(referrer=account, until_at=None).order_by("-id")
    if before.isascii() and before.isdigit() and len(before) < 19:
        below = below.filter(pk__lt=int(before))
    found = list(below[: BELOW_PER_PAGE + 1])
    return found[:BELOW_PER_PAGE], len(found) > BELOW_PER_PAGE


def above_table(account: Account) -> str:
    """Those above by pointers as they stand; whoever left is shown, and counts for nothing."""
    rows: list[tuple[object, ...]] = []
    place = places_of(account).first()
    while place is not None and place.referrer is not None and len(rows) < STEPS_UP_MAX:
        referrer, place = place.referrer, places_of(place.referrer).first()
        state = "left" if place is None or place.until_at else "live"
        rows.append((walk_link(referrer), place.rule_number if place else "-", state))
    return table(["account", "rule number", "state"], rows) if rows else "Nobody: it stands at the top."


def people_table(places: Sequence[Referral]) -> str:
    counts = brought_counts(place.account_id for place in places)
    rows = [
        (walk_link(place.account), place.via, f"{place.from_at:%Y-%m-%d}", counts.get(place.account_id, 0))
        for place in places
    ]
    return table(["account", "via", "since", "below it"], rows, numbers={"below it"}) if rows else ""


def places_table(places: QuerySet[Referral]) -> str:
    rows = [
        (
            link_to("distribution.referral", place.pk, place.rule_number),
            walk_link(place.referrer),
            place.via,
            f"{place.from_at:%Y-%m-%d %H:%M}",
            f"{place.until_at:%Y-%m-%d %H:%M}" if place.until_at else "-",
        )
        for place in places
    ]
    return table(["rule number", "below", "via", "from", "until"], rows) if rows else ""
