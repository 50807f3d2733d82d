"""Where the money of an order went: everybody's part that one may see, why, and how far it has come."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.models import Account
from core.errors import NotFound, Refusal
from core.languages import say_money
from core.money import Money
from orders.selectors import lines_of
from portal.pages.base import CustomerPage, TextPage
from portal.pages.earning.wording import TONES, booked_in_words, brought_in_words
from proofs.sankey import sankey_of
from proofs.where_it_went import OTHERS, PLATFORM, Part, Reason, Step, WhereItWent, where_it_went
from proofs.wording import part_in_words, state_in_words, step_in_words
from sharing.models import WonLine


@dataclass(frozen=True, slots=True)
class Why:
    """A sentence, what it came to, and when that is in somebody's wallet."""

    sentence: str
    amount: Money
    state: str
    tone: str
    releases_at: datetime | None


@dataclass(frozen=True, slots=True)
class Row:
    """One part of the money, as the table says it."""

    anchor: str
    what: str
    who: str
    original: Money
    gone: Money
    amount: Money
    states: list[tuple[str, str]]
    whys: list[Why]


@dataclass(frozen=True, slots=True)
class BookedStep:
    """What happened to the money: where from, where to."""

    title: str
    at: datetime
    is_booked: bool
    transfers: list[tuple[str, str, Money, str]]
    rule: str


class OrderMoneyPage(CustomerPage, TextPage):
    """/orders/<id>/money, for its buyer and seller; operators see the whole"""

    template_name = "portal/earning/money.html"

    def refuse_entry(self) -> HttpResponseBase | None:
        is_operator = self.actor is not None and self.actor.acting.is_staff
        return None if is_operator else super().refuse_entry()

    def show_refusal(self, refusal: Refusal) -> HttpResponse:
        if not isinstance(refusal, NotFound):
            return super().show_refusal(refusal)
        answer = TemplateResponse(self.request, "portal/order_not_there.html", self.get_context_data())
        answer.status_code = refusal.status
        return answer.render()

    def get(self, request: HttpRequest, order_id: str) -> HttpResponse:
        viewer = self.customer.acting
        story = where_it_went(order_id, visible_to=viewer)
        order, currency = story.order, story.order.currency
        names = {index: _who(part, viewer) for index, part in enumerate(story.parts)}
        rows = list(_rows(story, names))
        return self.render_to_response(
            self.get_context_data(
                order=order,
                story=story,
                rows=rows,
                steps=[_step(step, story, viewer) for step in story.steps],
                paid=Money(order.paid_minor, currency),
                refunded=Money(order.refunded_minor, currency),
                is_operator=viewer.is_staff,
                option=sankey_of(story, payer=_payer(story, viewer), names=names, link_of=lambda place: f"#{place}"),
                columns=[_("What"), _("Who"), _("Has now")],
                table=[(row.what, row.who, say_money(row.amount)) for row in rows],
            )
        )


def _payer(story: WhereItWent, viewer: Account) -> str:
    """Whose money it was, in the words of whoever looks; whose wallet it came from is the buyer's business."""
    order = story.order
    if order.payer_id == viewer.pk or (order.buyer_id == viewer.pk and order.payer is None):
        return _("You")
    if order.payer is not None and (viewer.is_staff or order.buyer_id == viewer.pk):
        return order.payer.name
    return order.buyer.name if order.buyer is not None else _("The customer")


def _who(part: Part, viewer: Account) -> str:
    if part.account == viewer.public_id:
        return _("You")
    return settings.SITE_NAME if part.party == PLATFORM else part.name


def _rows(story: WhereItWent, names: dict[int, str]) -> Iterator[Row]:
    currency = story.order.currency
    titles = _titles_of_lines(story)
    for index, part in enumerate(story.parts):
        yield Row(
            anchor=f"part-{index}",
            what=part_in_words(part.party, part.role),
            who=names[index],
            original=Money(part.original_minor, currency),
            gone=Money(part.gone_minor, currency),
            amount=Money(part.amount_minor, currency),
            states=[(state_in_words(status, part.party), TONES.get(status, "plain")) for status in part.statuses],
            whys=[_why(reason, currency, titles) for reason in part.reasons] or [*_known_from_the_part(part, currency)],
        )


def _titles_of_lines(story: WhereItWent) -> dict[int, str]:
    """What the lines are called that somebody brought; most orders have none."""
    if not any(reason.won for part in story.parts for reason in part.reasons):
        return {}
    return {line.pk: line.title for line in lines_of([story.order])[story.order.pk]}


def _why(reason: Reason, currency: str, titles: dict[int, str]) -> Why:
    sentence = reason.why if reason.won is None else _brought(reason.won, reason.won_by, titles)
    return Why(
        sentence,
        Money(reason.amount_minor, currency),
        state_in_words(reason.status),
        TONES.get(reason.status, "plain"),
        reason.releases_at if reason.status in ("pending", "held") else None,
    )


def _brought(won: WonLine, won_by: str, titles: dict[int, str]) -> str:
    return brought_in_words(won.share.program, titles.get(won.line, ""), won_by)


def _known_from_the_part(part: Part, currency: str) -> Iterator[Why]:
    """What is shown without a reason of its own is explained by what it is."""
    sentence = {
        OTHERS: _("What the seller, agents and those who brought people have, whom this page does not name to you."),
        PLATFORM: _(
            "The platform's fee, less what it gives on to agents, to those who brought people, and as cashback."
        ),
        "share_charge": _("The seller gives a part of the sale to whoever brought the customer by a shared code."),
    }.get(part.party)
    if sentence is not None:
        state = part.statuses[0]
        yield Why(sentence, Money(part.amount_minor, currency), state_in_words(state), TONES.get(state, "plain"), None)


def _step(step: Step, story: WhereItWent, viewer: Account) -> BookedStep:
    people = _people(story, viewer)
    return BookedStep(
        title=step_in_words(step.event.type),
        at=step.event.occurred_at,
        is_booked=bool(step.transfers),
        transfers=[
            (
                booked_in_words(booked.debit, people),
                booked_in_words(booked.credit, people),
                Money(booked.transfer.amount_minor, booked.transfer.currency),
                _explanation(booked.transfer.public_id, viewer),
            )
            for booked in step.transfers
        ],
        rule=f"{step.rule.version}: {step.rule.rule}" if step.rule else "",
    )


def _people(story: WhereItWent, viewer: Account) -> dict[str, str]:
    """How accounts are called here: those of the parts one sees, the two of the trade, and oneself."""
    order = story.order
    parties = [order.seller, order.buyer, *([order.payer] if viewer.is_staff else [])]
    known = {account.public_id: account.name for account in parties if account is not None}
    known |= {part.account: part.name for part in story.parts if part.account}
    return known | {viewer.public_id: _("you")}


def _explanation(transfer: str, viewer: Account) -> str:
    """Where operators read which rule booked a transfer, and why no other."""
    return reverse("admin:billing_ruleset_explain", args=[transfer]) if viewer.is_staff else ""
