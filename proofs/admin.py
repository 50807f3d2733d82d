"""For operators, on the page of an order: where all of its money went, to whom and why."""

from collections.abc import Iterator
from typing import Any

from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from accounts.models import Account
from core.admin import link_to, page_link, shown_money, table
from core.admin.row_pages import on_row_page
from orders.models import Order
from proofs.sankey import sankey_of
from proofs.where_it_went import Reason, Step, WhereItWent, where_it_went
from proofs.wording import part_in_words, state_in_words, step_in_words

PART_HEAD = ["part", "of", "at payment", "given back", "has now", "state", "why"]
STEP_HEAD = ["step", "rule", "from", "to", "amount", "journal", ""]
SUMS = ("at payment", "given back", "has now", "amount")


@on_row_page("orders.order")
def money_of_order(request: HttpRequest, order: Order) -> str:
    """The whole of it, as the proof of the order's money has it; nothing before anything is paid."""
    if not order.paid_minor:
        return ""
    assert isinstance(request.user, Account)
    story = where_it_went(order.public_id, visible_to=request.user)
    currency = order.currency
    names = {index: part.name for index, part in enumerate(story.parts)}
    payer = story.order.payer.name if story.order.payer else story.order.institution
    context = {
        "story": story,
        "option": sankey_of(story, payer=payer, names=names, link_of=lambda place: f"#{place}"),
        "columns": ["part", "of", "has now"],
        "rows": [
            (part_in_words(part.party, part.role), part.name, shown_money(part.amount_minor, currency))
            for part in story.parts
        ],
        "parts": table(PART_HEAD, _part_rows(story), numbers=SUMS),
        "steps": table(STEP_HEAD, _step_rows(story), numbers=SUMS),
        "paid": shown_money(order.paid_minor, currency),
        "refunded": shown_money(order.refunded_minor, currency),
        "page": reverse("portal:order-money", args=[order.public_id]),
    }
    return render_to_string("proofs/where_it_went.html", context, request)


def _part_rows(story: WhereItWent) -> Iterator[list[Any]]:
    currency, accounts = story.order.currency, _keys_of(story.parts)
    for index, part in enumerate(story.parts):
        yield [
            format_html('<span id="part-{}">{}</span>', index, part_in_words(part.party, part.role)),
            link_to("accounts.account", accounts[part.account], part.name) if part.account else "",
            shown_money(part.original_minor, currency),
            shown_money(part.gone_minor, currency),
            shown_money(part.amount_minor, currency),
            ", ".join(state_in_words(status, part.party) for status in part.statuses),
            format_html_join(SafeString("<br>"), "{}", ((_why(reason, currency),) for reason in part.reasons)),
        ]
    yield [
        format_html('<span id="back">{}</span>', "Given back to whoever paid"),
        *["", "", ""],
        shown_money(story.order.refunded_minor, currency),
        *["", ""],
    ]


def _keys_of(parts: Any) -> dict[str, int]:
    wanted = {part.account for part in parts if part.account}
    return dict(Account.objects.filter(public_id__in=wanted).values_list("public_id", "pk"))


def _why(reason: Reason, currency: str) -> str:
    amount = shown_money(reason.amount_minor, currency)
    if reason.won is not None:
        won = reason.won
        named = link_to("sharing.wonline", won.pk, f"share {won.share.public_id}, {reason.won_by or 'no touch'}")
        return format_html("{}: {}", named, amount)
    if reason.allocation is not None:
        return format_html("{} {}", link_to("distribution.allocation", reason.allocation.pk, reason.why), amount)
    return format_html("{} {}", reason.why, amount)


def _step_rows(story: WhereItWent) -> Iterator[list[Any]]:
    for step in story.steps:
        if not step.transfers:
            yield [_step_title(step), "waits to be booked", "", "", "", "", ""]
        for number, booked in enumerate(step.transfers):
            transfer = booked.transfer
            yield [
                "" if number else _step_title(step),
                "" if number else _rule(step),
                booked.debit,
                booked.credit,
                shown_money(transfer.amount_minor, transfer.currency),
                link_to("ledger.journal", transfer.journal_id, step.event.public_id.replace("evt_", "jrn_")),
                page_link("billing_ruleset_explain", "why?", transfer.public_id),
            ]


def _step_title(step: Step) -> str:
    return format_html('{}<br><span class="text-xs">{}</span>', step_in_words(step.event.type), step.event.type)


def _rule(step: Step) -> str:
    return link_to("billing.ruleset", step.rule.rule_set, f"{step.rule.version}: {step.rule.rule}") if step.rule else ""
