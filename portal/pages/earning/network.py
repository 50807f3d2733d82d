"""Who came through one: a tree to walk, what its levels brought, and the code and link that let others come."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from accounts.models import Account
from core import clock
from core.api.lists import after_cursor, write_cursor
from core.errors import CursorInvalid, NotFound, Refusal
from core.money import Money
from core.pages import page_url
from core.qr import qr_svg
from distribution.chains import referrers_of
from distribution.people import brought_by, brought_counts, brought_through
from distribution.selectors import BroughtSum, brought_sums
from portal.pages.base import CustomerPage, TextPage
from portal.pages.scanning import with_query

NEWEST_FIRST = ("-id",)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who came through one, as the API shows them: `below` None on the last level, where it is not said."""

    account: Account
    level: int
    since: datetime
    below: int | None


@dataclass(frozen=True, slots=True)
class Branch:
    """Some of those directly below somebody, and where the rest of them is."""

    people: list[Person]
    more: str


@dataclass(frozen=True, slots=True)
class LevelRow:
    """One level of those who came: how many stand on it, and what it brought; `level` None: sellers."""

    level: int | None
    people: int | None
    brought: list[tuple[Money, Money, int]]


class Network(CustomerPage, TextPage):
    """/network?after="""

    template_name = "portal/earning/network.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        own = self.customer.acting
        levels = brought_by(own)
        link = with_query(page_url("portal:register"), {"referral_code": own.referral_code})
        return self.render_to_response(
            self.get_context_data(
                branch=branch_of(levels[0], request),
                levels=list(_level_rows(levels, brought_sums(visible_to=own))),
                above=[found.account for found in referrers_of(account=own.public_id, at=clock.now())][:1],
                code=own.referral_code,
                link=link,
                qr=qr_svg(link),
            )
        )


class Through(CustomerPage, TextPage):
    """/network/<account>?after=: who came through somebody who came through one; htmx puts it into the tree"""

    template_name = "portal/earning/through.html"

    def get(self, request: HttpRequest, account_id: str) -> HttpResponse:
        person, below = brought_through(account_id, viewer=self.customer.acting)
        context = self.get_context_data(person=person, branch=branch_of(below, request))
        answer = self.render_to_response(context)
        if request.headers.get("HX-Request") == "true":
            answer = TemplateResponse(request, "portal/earning/_branch.html", context)
        answer["Vary"] = "HX-Request"
        return answer

    def show_refusal(self, refusal: Refusal) -> HttpResponse:
        if not isinstance(refusal, NotFound):
            return super().show_refusal(refusal)
        answer = TemplateResponse(self.request, "portal/earning/through_not_there.html", self.get_context_data())
        answer.status_code = refusal.status
        return answer.render()


def branch_of(rows: Any, request: HttpRequest) -> Branch:
    """Return a page of those directly below somebody, the newest first; a cursor that is no good begins anew."""
    try:
        behind = after_cursor(rows, NEWEST_FIRST, request.GET.get("after"))
    except CursorInvalid:
        behind = rows.order_by(*NEWEST_FIRST)
    found = list(behind[: settings.PEOPLE_PER_PAGE + 1])
    page = found[: settings.PEOPLE_PER_PAGE]
    more = write_cursor(page[-1], NEWEST_FIRST) if len(found) > len(page) else ""
    return Branch(list(_people(page)), with_query(request.path, {"after": more}) if more else "")


def _people(places: Iterable[Any]) -> Iterable[Person]:
    places = list(places)
    deepest = settings.REFERRAL_LEVELS_MAX[""]
    counts = brought_counts(place.account_id for place in places if place.level < deepest)
    for place in places:
        below = counts.get(place.account_id, 0) if place.level < deepest else None
        yield Person(place.account, place.level, place.from_at, below)


def _level_rows(levels: list[Any], sums: list[BroughtSum]) -> Iterable[LevelRow]:
    """One row for each level that may be paid, also where it brought nothing; and one for sellers, where they did."""
    for number, people in enumerate(levels, 1):
        yield LevelRow(number, people.count(), _brought(sums, number))
    if sellers := _brought(sums, None):
        yield LevelRow(None, None, sellers)


def _brought(sums: list[BroughtSum], level: int | None) -> list[tuple[Money, Money, int]]:
    return [
        (Money(one.left_minor, one.currency), Money(one.reversed_minor, one.currency), one.orders)
        for one in sums
        if one.level == level
    ]
