"""Sharing an item: what it brings, the code to hang up or send, and what came of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, ClassVar

from django.conf import settings
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _

from catalog.selectors import stores_of
from core import clock
from core.errors import NotFound, Refusal
from core.languages import say_day
from core.money import Money
from core.qr import qr_svg
from portal.forms import PlainForm, ShareForm
from portal.pages.base import CustomerPage, FormPage, TextPage
from portal.pages.items import PageOfItem
from portal.wording import share_terms_in_words
from sharing.models import Share, ShareProgram
from sharing.reports import BY_DAY, BY_ITEM, SHARE, SHARER, Row, added_up, report_rows
from sharing.services import make_share, revoke_share
from sharing.shares import (
    LIVE,
    budgets_of,
    find_program,
    get_share,
    has_budget_left,
    share_url,
    shares_of,
    state_of,
)

POSTER_SIZES = ("A4", "A6")


class ShareItem(CustomerPage, PageOfItem, FormPage):
    """/items/<id>/share: what it would bring, and then the code"""

    template_name = "portal/share_item.html"
    form_class = ShareForm
    refused_beside = {"store_closed": "store"}

    def get_form(self, form_class: Any = None) -> Any:
        form, seller = super().get_form(form_class), self.customer.acting
        stores = stores_of(seller.public_id, visible_to=None) if seller.side == "seller" else ()
        form.offer_stores([(store.public_id, store.name) for store in stores])
        return form

    def get(self, request: HttpRequest, item_id: str) -> HttpResponse:
        return self.show_form(self.get_form(), status=200)

    def show_form(self, form: Any, *, status: int) -> HttpResponse:
        """An item that nothing is given for (any more) is there all the same."""
        item = self.find_item()
        program = find_program(item)
        if program is None:
            return redirect("portal:item", item.public_id)
        answer = self.render_to_response(self.get_context_data(form=form, item=item, terms=_terms_of(program)))
        answer.status_code = status
        return answer

    def act(self, form: Any) -> HttpResponse:
        store = form.cleaned_data["store"] or None
        share = make_share(item=self.kwargs["item_id"], store=store, actor=self.customer, now=clock.now())
        return redirect("portal:share", share.public_id)


class Shares(CustomerPage, TextPage):
    """/shares: the own ones, and what came of all of them"""

    template_name = "portal/shares.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        sharer = self.customer.acting
        pages = Paginator(shares_of(sharer).order_by("-id"), settings.SHARES_PER_PAGE)
        page = pages.get_page(request.GET.get("page"))
        shares = [(share, qr_svg(share_url(share.pk)), state_of(share)) for share in page]
        return self.render_to_response(
            self.get_context_data(page=page, shares=shares, **report_of(SHARER, sharer.pk, with_items=True))
        )


class PageOfShare(CustomerPage):
    """What pages about one share have in common: it is its sharer's."""

    template_not_there: ClassVar[str] = "portal/share_not_there.html"

    def find_share(self) -> Share:
        return get_share(self.kwargs["share_id"], visible_to=self.customer.acting)

    def show_refusal(self, refusal: Refusal) -> HttpResponse:
        if not isinstance(refusal, NotFound):
            return super().show_refusal(refusal)
        answer = TemplateResponse(self.request, self.template_not_there, self.get_context_data())
        answer.status_code = refusal.status
        return answer.render()


class OneShare(PageOfShare, FormPage):
    """/shares/<id>: its code, its terms, what came of it; its form takes it out of use"""

    template_name = "portal/share.html"
    form_class = PlainForm

    def get(self, request: HttpRequest, share_id: str) -> HttpResponse:
        return self.show_form(self.get_form(), status=200)

    def show_form(self, form: Any, *, status: int) -> HttpResponse:
        share = self.find_share()
        url = share_url(share.pk)
        answer = self.render_to_response(
            self.get_context_data(
                form=form,
                share=share,
                url=url,
                qr=qr_svg(url),
                state=state_of(share),
                terms=_terms_of(share.program),
                **report_of(SHARE, share.pk),
                sizes=POSTER_SIZES,
            )
        )
        answer.status_code = status
        return answer

    def act(self, form: Any) -> HttpResponse:
        revoke_share(share=self.kwargs["share_id"], actor=self.customer, now=clock.now())
        return redirect("portal:share", self.kwargs["share_id"])


class Poster(PageOfShare, TextPage):
    """/shares/<id>/poster?size=A4|A6: to be printed"""

    template_name = "portal/poster.html"

    def get(self, request: HttpRequest, share_id: str) -> HttpResponse:
        share = self.find_share()
        if state_of(share) != LIVE:
            return redirect("portal:share", share_id)
        wanted = request.GET.get("size", "").upper()
        size = wanted if wanted in POSTER_SIZES else POSTER_SIZES[0]
        url = share_url(share.pk)
        context = self.get_context_data(
            share=share,
            item=share.item,
            url=url,
            qr=qr_svg(url),
            size=size,
            stylesheet=f"portal/poster_{size.lower()}.css",
            sizes=POSTER_SIZES,
        )
        return self.render_to_response(context)


def _terms_of(program: ShareProgram) -> list[tuple[str, str]]:
    budget = budgets_of([program.item_id]).get(program.item_id)
    return list(share_terms_in_words(program, has_budget_left(budget)))


def report_of(scope: str, key: int, *, with_items: bool = False) -> dict[str, Any]:
    """Return what came of a share, or of all of a sharer's, as pages show it; a constant number of statements."""
    every_day = report_rows(scope, key, by=BY_DAY)
    whole, days = added_up(every_day), every_day[-settings.SHARE_DAYS_SHOWN :]
    items = report_rows(scope, key, by=BY_ITEM)[: settings.SHARES_PER_PAGE] if with_items else []
    return {
        "came": came_of(whole),
        "funnel": _funnel(whole),
        "days_option": _by_day(days),
        "days_columns": [_("Day"), _("Scans"), _("Visitors"), _("Paid orders")],
        "days_table": [(_day(row), row.scans.human, row.scans.visitors, row.orders) for row in days],
        "items": [(row, came_of(row)) for row in items],
    }


def came_of(row: Row) -> dict[str, Any]:
    """Return a report's figures as the pages say them: the way from a look to an order, and money by currency."""
    earned = [
        {
            state: Money(getattr(one, f"{state}_minor"), one.currency)
            for state in ("pending", "released", "held", "reversed")
        }
        for one in row.earned
    ]
    return {"scans": row.scans, "orders": row.orders, "earned": earned}


@dataclass(frozen=True, slots=True)
class FunnelStep:
    """How many came so far, in hundredths of those who began; drawn as a bar of that width."""

    title: str
    count: int
    percent: int


def _funnel(row: Row) -> list[FunnelStep]:
    begun = row.scans.human
    steps = [(_("Scans"), begun), (_("Visitors"), row.scans.visitors), (_("Paid orders"), row.orders)]
    return [FunnelStep(title, count, min(100, round(100 * count / begun)) if begun else 0) for title, count in steps]


def _by_day(days: Sequence[Row]) -> dict[str, Any]:
    figures = (
        (_("Scans"), [row.scans.human for row in days]),
        (_("Visitors"), [row.scans.visitors for row in days]),
        (_("Paid orders"), [row.orders for row in days]),
    )
    return {
        "house": {"whole": True},
        "legend": {},
        "xAxis": {"type": "category", "data": [_day(row) for row in days]},
        "yAxis": {"type": "value"},
        "series": [{"type": "bar", "name": name, "data": counts, "barMaxWidth": 24} for name, counts in figures],
    }


def _day(row: Row) -> str:
    return say_day(date.fromisoformat(row.of)) if row.of else ""
