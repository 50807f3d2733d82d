"""Who got what of which sale: the parts as a list, and a page that says of one line why."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from unfold.decorators import display

from accounts.models import Account
from core.admin import ReadOnlyAdmin, facts, link_to, list_link, page, page_link, show_page, shown_money, table
from core.ids import decode_key
from distribution import selectors
from distribution.admin.escrow import MINUTES, escrow_table, kept_in_all
from distribution.models import AllocatedLine, Allocation, Area
from distribution.plans import compile_plan

GIVEN_UP = "given up"
COLOURS = {
    "pending": "info",
    "released": "success",
    "reversed": "warning",
    selectors.ESCROW: "warning",
    GIVEN_UP: "info",
}
ROLE_WORDS = {
    Allocation.Role.AGENT: "agent",
    Allocation.Role.REFERRER: "brought the buyer",
    Allocation.Role.MERCHANT_REFERRER: "brought the seller",
    Allocation.Role.CASHBACK: "cashback",
}
REASON_WORDS = {
    "vacant": "the area had no agent",
    "no_area": "the store's chain has no area of this level",
    "no_store": "the line belongs to no store",
    "nobody": "nobody had brought them, or all who had were gone",
    "self_dealing": "it was the buyer, or linked with the buyer",
    "cap": "more than the plan lets one account have of an order",
}


class EscrowFilter(admin.SimpleListFilter):
    """Each choice has an index in the order of the list."""

    title = "escrow"
    parameter_name = "kept"
    states = {
        "now": ("in escrow now", ~Q(escrow="") & Q(escrow_ended_at=None)),
        "given": ("given from escrow", Q(escrow_ended_at__isnull=False, account__isnull=False)),
        "given_up": ("kept too long: the platform's", Q(escrow_ended_at__isnull=False, account=None)),
    }

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(state, words) for state, (words, _rows) in self.states.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        chosen = self.states.get(self.value() or "")
        return queryset.filter(chosen[1]) if chosen else queryset


@admin.register(Allocation)
class AllocationAdmin(ReadOnlyAdmin):
    """Found by its id or its line's, its order, the account that has it, or the area."""

    icon = "call_split"
    key_prefix = "alc"
    list_display = (
        "shown_id",
        "shown_role",
        "shown_owner",
        "shown_status",
        "original",
        "left",
        "shown_area",
        "shown_order",
        "paid_at",
    )
    list_select_related = ("line", "account", "area")
    list_filter = ("role", EscrowFilter)
    search_fields = ("order__exact",)
    search_help_text = "alc_…, lin_…, ord_…, acc_…, or an area (BR:3550308)"
    pages = ("line", "escrow")
    beside = (("Escrow", "lock_clock", "escrow"),)

    def find(self, queryset: QuerySet, term: str) -> QuerySet | None:
        """Whose key is looked up first: PostgreSQL then knows how much there is of it."""
        if term.startswith("acc_"):
            return queryset.filter(account_id=_key_of(Account.objects.filter(public_id=term)))
        if term.startswith("lin_"):
            return queryset.filter(line_id=decode_key("lin", term))
        scheme, colon, code = term.partition(":")
        if colon:
            return queryset.filter(area_id=_key_of(Area.objects.filter(scheme=scheme.upper(), code=code)))
        return super().find(queryset, term)

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """What their money is now is asked once for all rows that are shown."""
        listed = super().get_changelist_instance(request)
        listed.result_list = list(listed.result_list)
        for state in selectors.states_of(listed.result_list):
            state.allocation.money_now = _status(state)  # type: ignore[attr-defined]
        return listed

    @display(description="allocation")
    def shown_id(self, row: Allocation) -> str:
        return row.public_id

    @display(description="role")
    def shown_role(self, row: Allocation) -> str:
        """Short: the list has many columns."""
        words = row.role.replace("_", " ")
        return words if row.level is None else f"{words} {row.level}"

    @display(description="of")
    def shown_owner(self, row: Allocation) -> str:
        return _owner(row)

    @display(description="status", label=COLOURS)
    def shown_status(self, row: Allocation) -> str:
        return row.money_now  # type: ignore[attr-defined]

    @display(description="at first")
    def original(self, row: Allocation) -> str:
        return shown_money(row.original_minor, row.line.currency)

    @display(description="left")
    def left(self, row: Allocation) -> str:
        return shown_money(row.amount_minor, row.line.currency)

    @display(description="area")
    def shown_area(self, row: Allocation) -> str:
        return link_to("distribution.area", row.area.pk, row.area.public_code) if row.area else "-"

    @display(description="order")
    def shown_order(self, row: Allocation) -> str:
        return _order_link(row.order)

    @display(description="paid")
    def paid_at(self, row: Allocation) -> Any:
        return row.line.paid_at

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> HttpResponse:
        """A part is understood with the whole line around it."""
        if request.method != "GET" or not self.has_view_permission(request):
            return super().change_view(request, object_id, *args, **kwargs)
        return self._show_line(request, get_object_or_404(Allocation, pk=object_id).line_id)

    @page("line/<int:line>/", permission="distribution.view_allocation")
    def line(self, request: HttpRequest, line: int) -> HttpResponse:
        """One line of an order: who stood behind it, what it gave to whom, and why not to others."""
        return self._show_line(request, line)

    def _show_line(self, request: HttpRequest, key: int) -> HttpResponse:
        line = get_object_or_404(AllocatedLine.objects.select_related("plan"), pk=key)
        parts = list(line.allocations.select_related("account", "area").order_by("id"))
        for part in parts:
            part.line = line
        people = _People(line)
        sections = [
            ("The sale", facts(_facts(line, people)), ""),
            ("From the fee to the parts", _sums_table(line, parts), _gone_words(line)),
            (
                "The parts",
                _parts_table(selectors.states_of(parts)) if parts else "",
                "" if parts else "Nobody got any.",
            ),
            ("Why each", facts((_owner(part), part.why) for part in parts) if parts else "", ""),
            (
                "Who got nothing, or less",
                _not_paid_table(line, people) if line.not_paid else "",
                "" if line.not_paid else "Everybody whom the plan names got all of it.",
            ),
            ("Who stood behind it then", _chain_table(line, people), _placement_words(line)),
        ]
        return show_page(
            request,
            self,
            "distribution/admin/sections.html",
            title=f"How {line.public_line} was shared out",
            sections=[section for section in sections if section[1] or section[2]],
            links=[],
        )

    @page("escrow/", permission="distribution.view_allocation")
    def escrow(self, request: HttpRequest) -> HttpResponse:
        """What is kept for agents who are not known yet."""
        sheet, pages = escrow_table(request.GET.get("p"))
        return show_page(
            request,
            self,
            "distribution/admin/escrow.html",
            title="Escrow",
            in_all=kept_in_all(),
            sheet=sheet,
            pages=pages,
        )


class _People:
    """Everybody whom a line names by public id; read at once."""

    def __init__(self, line: AllocatedLine) -> None:
        refused = {row.get("account") for row in line.not_paid}
        behind = {link["account"] for kind in ("agents", "referrers") for link in line.chain[kind]}
        named = {line.seller, line.buyer, line.chain["merchant_referrer"], *refused, *behind} - {None}
        found = Account.objects.filter(public_id__in=named).values_list("public_id", "pk", "name")
        self._found = {public_id: (key, name) for public_id, key, name in found}

    def link(self, public_id: str | None) -> str:
        if public_id is None or public_id not in self._found:
            return public_id or "-"
        key, name = self._found[public_id]
        return link_to("accounts.account", key, name or public_id)


def _facts(line: AllocatedLine, people: _People) -> list[tuple[str, Any]]:
    return [
        ("order", _order_link(line.order)),
        ("events", list_link("events.eventrecord", f"q={line.order}", "of the order and its money")),
        ("paid", f"{line.paid_at:{MINUTES}}"),
        ("plan", link_to("distribution.plan", line.plan_id, line.plan)),
        ("seller", people.link(line.seller)),
        ("buyer", people.link(line.buyer)),
        ("store", list_link("catalog.store", f"q={line.store}", line.store) if line.store else "none"),
        ("to the wallets", f"{line.releases_at:{MINUTES}}" if line.releases_at else "after completion"),
    ]


def _sums_table(line: AllocatedLine, parts: Sequence[Allocation]) -> str:
    """From the fee to the pool to the roles, with what refunds took."""
    plan = compile_plan(line.plan)
    reversed_minor = sum(part.reversed_minor for part in parts)
    by_role = {
        "agents (or escrow)": line.agents_minor,
        "who brought the buyer": line.referrers_minor,
        "who brought the seller": line.merchant_referrer_minor,
        "cashback": line.cashback_minor,
    }
    rows: list[tuple[str, int, int | None]] = [
        ("the platform's fee of the line", line.fee_minor, line.fee_refunded_minor),
        (f"the pool: {plan.pool_bps / 100:g} % of it, rounded down", line.pool_minor, line.gone_minor),
        *((f"of the pool: {words}", minor, None) for words, minor in by_role.items()),
        ("of the pool: the platform", line.platform_minor, line.gone_minor - reversed_minor),
    ]
    shown = [(words, *(shown_money(amount, line.currency) for amount in amounts)) for words, *amounts in rows]
    return table(["", "at first", "refunds took"], shown, numbers={"at first", "refunds took"})


def _gone_words(line: AllocatedLine) -> str:
    if not line.gone_minor:
        return ""
    gone, pool = (shown_money(minor, line.currency) for minor in (line.gone_minor, line.pool_minor))
    return f"Refunds took {gone} of the pool of {pool}, and of everybody's part the same part."


def _parts_table(states: Sequence[selectors.AllocationState]) -> str:
    rows = []
    for state in states:
        part = state.allocation
        currency = part.line.currency
        rows.append(
            (
                _role(part.role, part.level),
                _owner(part),
                f"{part.rate_bps / 100:g} %",
                *(
                    shown_money(minor, currency)
                    for minor in (part.original_minor, part.reversed_minor, part.amount_minor)
                ),
                link_to("wallets.earning", state.earning, _status(state)) if state.earning else _status(state),
                _came_by(part),
            )
        )
    head = ["role", "of", "of the pool", "at first", "reversed", "left", "money", "came by"]
    return table(head, rows, numbers=set(head[2:6]))


def _came_by(part: Allocation) -> str:
    if part.credited_by:
        return list_link("events.eventrecord", f"q={part.credited_by}", "escrow")
    return "escrow" if part.escrow else "the sale"


def _not_paid_table(line: AllocatedLine, people: _People) -> str:
    rows = [
        (
            _role(refused["role"], refused.get("level")),
            people.link(refused.get("account")),
            _area_link(refused.get("area")),
            shown_money(refused["amount"], line.currency),
            REASON_WORDS.get(refused["reason"], refused["reason"]),
        )
        for refused in line.not_paid
    ]
    return table(["role", "who", "area", "not given", "because"], rows, numbers={"not given"})


def _chain_table(line: AllocatedLine, people: _People) -> str:
    rows = list(_chain_rows(line.chain, people))
    return table(["role", "area", "who", "rule number"], rows) if rows else ""


def _chain_rows(chain: Mapping[str, Any], people: _People) -> Iterator[tuple[Any, ...]]:
    for link in chain["agents"]:
        number = link["rule_number"]
        seat = list_link("distribution.agentseat", f"q={number}", number) if number else "-"
        who = people.link(link["account"]) if link["account"] else "vacant"
        yield _role(Allocation.Role.AGENT, link["level"]), _area_link(link["area"]), who, seat
    for link in chain["referrers"]:
        number = link["rule_number"]
        place = list_link("distribution.referral", f"q={number}", number)
        yield _role(Allocation.Role.REFERRER, link["level"]), "-", people.link(link["account"]), place
    if chain["merchant_referrer"]:
        yield ROLE_WORDS[Allocation.Role.MERCHANT_REFERRER], "-", people.link(chain["merchant_referrer"]), "-"


def _placement_words(line: AllocatedLine) -> str:
    if line.chain["waiting"]:
        return "The store's place waited to be decided."
    if line.chain["placement"]:
        return f"The store stood by {line.chain['placement']}."
    return "The line belongs to no store, or its store stood nowhere."


def _status(state: selectors.AllocationState) -> str:
    return GIVEN_UP if state.allocation.is_given_up else state.status


def _role(role: str, level: int | None) -> str:
    words = ROLE_WORDS[Allocation.Role(role)]
    return words if level is None else f"{words}, level {level}"


def _owner(row: Allocation) -> str:
    if row.account is not None:
        return link_to("accounts.account", row.account_id, row.account.name or row.account.public_id)
    if row.is_given_up:
        return "the platform"
    waits_for = f"agent of {row.area.public_code}" if row.area else "undecided place"
    return page_link("distribution_allocation_escrow", f"escrow: {waits_for}")


def _order_link(order: str) -> str:
    return list_link("orders.order", f"q={order}", order)


def _area_link(code: str | None) -> str:
    return list_link("distribution.area", f"q={code}", code) if code else "-"


def _key_of(rows: QuerySet) -> int:
    """The key of the only row, or one that no row has."""
    return rows.values_list("pk", flat=True).first() or 0
