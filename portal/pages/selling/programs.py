"""What a seller gives to those who bring customers: programs of items, what they bring, and what a change means."""

from collections.abc import Iterable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core import clock
from core.languages import say_number
from core.money import Money
from portal.forms import PlainForm
from portal.pages.base import FormPage, TextPage
from portal.pages.selling.forms import ProgramForm, fields_of_program
from portal.pages.selling.items import PageOfItems
from portal.pages.selling.parts import SellingPage, a_page_of
from portal.wording import earning_in_words
from sharing.models import ShareBudget
from sharing.reports import BY_ITEM, BY_SHARER, ITEM, SELLER, Row, report_rows
from sharing.services import end_program, set_program
from sharing.shares import budgets_of, find_program, programs_of, shares_out

_SHARERS_SHOWN = 20


class Programs(SellingPage, TextPage):
    """/sell/programs: those in force, with what each has brought; and the funnel of all"""

    template_name = "portal/selling/programs.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        seller = self.customer.acting
        page, more = a_page_of(programs_of(seller).filter(until_at=None), request.GET)
        brought = {row.of: row for row in report_rows(SELLER, seller.pk, by=BY_ITEM)}
        budgets = budgets_of(program.item_id for program in page)
        context = self.get_context_data(
            programs=[
                (
                    program,
                    earning_in_words(program),
                    came_of(brought.get(program.item.public_id)),
                    budget_of(budgets.get(program.item_id)),
                )
                for program in page
            ],
            funnel=funnel_chart("funnel", brought.values()),
            more=more,
        )
        return self.render_to_response(context)


class ItemProgram(PageOfItems, FormPage):
    """/sell/items/<id>/program: its terms, what they have brought, and what other terms would mean"""

    template_name = "portal/selling/program.html"
    form_class = ProgramForm
    refused_beside = {"host_invalid": "hosts"}

    def get(self, request: HttpRequest, item_id: str) -> HttpResponse:
        return self.show_form(self.get_form(), status=200)

    def get_form_kwargs(self) -> dict[str, Any]:
        item = self.own_item()
        program = find_program(item)
        initial = fields_of_program(program) if program else {}
        return {**super().get_form_kwargs(), "currency": item.currency, "initial": initial}

    def show_form(self, form: Any, *, status: int) -> HttpResponse:
        item = self.own_item()
        program, out = find_program(item), shares_out(item)
        rows = report_rows(ITEM, item.pk, by=BY_SHARER)
        context = self.get_context_data(
            form=form,
            item=item,
            program=program,
            given=earning_in_words(program) if program else "",
            out=sum(out.values()),
            out_before=sum(count for version, count in out.items() if program and version != program.version),
            budget=budget_of(budgets_of([item.pk]).get(item.pk)),
            funnel=funnel_chart("funnel", rows),
            sharers=[(row.name, came_of(row)) for row in rows[:_SHARERS_SHOWN]],
        )
        answer = self.render_to_response(context)
        answer.status_code = status
        return answer

    def act(self, form: Any) -> HttpResponse:
        item = self.kwargs["item_id"]
        set_program(item=item, terms=form.terms(), actor=self.customer, now=clock.now())
        return self.done(_("These terms are in force now, for shares that are made from now on."), "sell-program", item)


class EndProgram(PageOfItems, FormPage):
    """/sell/items/<id>/program/end: asked first, since no code leads anywhere after it"""

    template_name = "portal/selling/program_end.html"
    form_class = PlainForm
    gone = gettext_lazy("This item has no program, or not any more.")

    def get(self, request: HttpRequest, item_id: str) -> HttpResponse:
        return self.show_form(self.get_form(), status=200)

    def show_form(self, form: Any, *, status: int) -> HttpResponse:
        item = self.own_item()
        program = find_program(item)
        if program is None:
            return self.done(_("This item has no program."), "sell-program", item.public_id)
        context = self.get_context_data(form=form, item=item, program=program, out=sum(shares_out(item).values()))
        answer = self.render_to_response(context)
        answer.status_code = status
        return answer

    def act(self, form: Any) -> HttpResponse:
        item = self.kwargs["item_id"]
        end_program(item=item, actor=self.customer, now=clock.now())
        return self.done(_("The program is ended."), "sell-program", item)


def came_of(row: Row | None) -> dict[str, Any]:
    """Return what a row of a report says; without a row nothing has come of it."""
    if row is None:
        return {"visitors": 0, "scans": 0, "orders": 0, "cost": []}
    kept = [(one.currency, one.pending_minor + one.released_minor + one.held_minor) for one in row.earned]
    return {
        "visitors": row.scans.visitors,
        "scans": row.scans.human,
        "orders": row.orders,
        "cost": [Money(minor, currency) for currency, minor in kept],
    }


def budget_of(budget: ShareBudget | None) -> dict[str, Any] | None:
    """Return what an item's shares may cost and have cost; None where there is no limit."""
    if budget is None or budget.limit_minor is None:
        return None
    spent, limit = Money(budget.spent_minor, budget.currency), Money(budget.limit_minor, budget.currency)
    left = Money(max(limit.minor - spent.minor, 0), budget.currency)
    return {"spent": spent, "limit": limit, "left": left}


def funnel_chart(name: str, rows: Iterable[Row]) -> dict[str, Any]:
    """Return what the chart from looks to paid orders needs, and the table that says the same."""
    found = list(rows)
    steps = [
        (_("Scans by people"), sum(row.scans.human for row in found)),
        (_("Visitors"), sum(row.scans.visitors for row in found)),
        (_("Paid orders"), sum(row.orders for row in found)),
    ]
    bars = {"type": "bar", "barMaxWidth": 36, "data": [count for _title, count in reversed(steps)]}
    option = {
        "house": {"whole": True, "labels": True},
        "xAxis": {"type": "value"},
        "yAxis": {"type": "category", "data": [str(title) for title, _count in reversed(steps)]},
        "series": [bars],
    }
    return {
        "id": name,
        "option": option,
        "caption": _("From the scan to the order"),
        "columns": [_("Step"), _("How many")],
        "rows": [(str(title), say_number(count)) for title, count in steps] if steps[0][1] else [],
    }
