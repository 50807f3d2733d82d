"""What the operators' pages have in common: lists that stay fast, and rows that nobody edits by hand."""

import json
from collections.abc import Callable, Container, Iterable, Sequence
from functools import cache, cached_property, partial
from operator import attrgetter
from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.admin.utils import quote
from django.core.paginator import Paginator
from django.db import connection
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html, format_html_join
from unfold.admin import ModelAdmin

from core.ids import PublicIdField, decode_key
from core.money import CURRENCY_DIGITS, format_minor

COUNTED_EXACTLY_MAX = 5_000


class EstimatingPaginator(Paginator):
    """
    Counts small lists exactly and takes PostgreSQL's estimate for large ones.

    An exact count reads the whole table, which takes a second per ten million rows. Late pages would read
    every row before them: they end where counting does, and what lies further is found by searching.
    """

    @cached_property
    def num_pages(self) -> int:
        reached = min(self.count, COUNTED_EXACTLY_MAX)
        return max(1, -(-reached // self.per_page))

    @cached_property
    def count(self) -> int:
        rows: QuerySet = self.object_list  # type: ignore[assignment]
        counted = rows.order_by()[: COUNTED_EXACTLY_MAX + 1].count()
        if counted <= COUNTED_EXACTLY_MAX:
            return counted
        return max(counted, estimated_rows(rows.model)) if not rows.query.where else counted


def estimated_rows(model: type[Model]) -> int:
    """Return how many rows PostgreSQL believes a table has (its last ANALYZE)."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT reltuples::bigint FROM pg_class WHERE oid = %s::regclass", [model._meta.db_table])
        return cursor.fetchone()[0]


class HouseAdmin(ModelAdmin):
    """
    Lists that stay under 300 ms with a million rows, found by exact public id.

    Search fields name their look-up: `public_id__exact`. The default of Django looks inside every row.
    Nobody sorts by a click unless `sortable_by` names the column: a million rows are sorted by an index only.
    `key_prefix`: rows without a `public_id` column are found by the id that encodes their bigint key.
    """

    key_prefix: ClassVar[str] = ""
    icon: ClassVar[str] = "table_rows"  # In the sidebar; a name of Material Symbols.
    sortable_by: Any = ()
    paginator = EstimatingPaginator
    show_full_result_count = False
    list_per_page = 25
    list_max_show_all = 25
    ordering: Any = ("-pk",)
    list_select_related: Any = True

    def get_search_results(self, request: HttpRequest, queryset: QuerySet, search_term: str) -> tuple[QuerySet, bool]:
        term = search_term.strip()
        found = self.find(queryset, term) if term else None
        return (found, False) if found is not None else super().get_search_results(request, queryset, search_term)

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        listed = super().get_changelist_instance(request)
        if not (listed.query or listed.has_active_filters):
            listed.full_result_count = listed.result_count  # Else unfold offers to show all of what is shown.
        return listed

    def badge(self) -> str:
        """Return what stands beside this list in the sidebar of every page: a cheap figure, or nothing."""
        return ""

    def find(self, queryset: QuerySet, term: str) -> QuerySet | None:
        """Return the rows that a term names exactly; None leaves the term to `search_fields`."""
        key = decode_key(self.key_prefix, term) if self.key_prefix else None
        return None if key is None else queryset.filter(pk=key)


def link_to(label: str, key: object, text: object) -> str:
    """Link to a row's page by its model's label, for example `link_to("ledger.batch", 7, "bat_…")`."""
    url = _url(label, "change", _KEY)
    return _link(url.replace(_KEY, quote(str(key))), text) if url else str(text)


def list_link(label: str, query: str, text: object) -> str:
    """Link to a list that is searched or filtered, for example `list_link("ledger.journal", "q=bat_…", "…")`."""
    url = _url(label, "changelist")
    return _link(f"{url}?{query}", text) if url else str(text)


_KEY = "the-key"


@cache
def _url(label: str, page: str, *args: str) -> str:
    """Looked up once: a list has hundreds of links. Empty where the room has no such page."""
    try:
        return reverse(f"{admin.site.name}:{label.replace('.', '_')}_{page}", args=args)
    except NoReverseMatch:
        return ""


def _link(url: str, text: object) -> str:
    return format_html('<a class="text-primary-600 dark:text-primary-500" href="{}">{}</a>', url, text)


def table(head: Sequence[str], rows: Iterable[Sequence[object]], *, numbers: Container[str] = ()) -> str:
    """Show rows under their heads; the columns in `numbers` stand to the right. Wide ones scroll by themselves."""
    sides = ["house-number" if name in numbers else "" for name in head]
    heads = format_html_join("", '<th class="{}">{}</th>', zip(sides, head, strict=True))
    row = partial(format_html_join, "", '<td class="{}">{}</td>')
    body = format_html_join("", "<tr>{}</tr>", ((row(zip(sides, cells, strict=True)),) for cells in rows))
    lines = format_html("<thead><tr>{}</tr></thead><tbody>{}</tbody>", heads, body)
    return format_html('<div class="house-scroll"><table class="house-table">{}</table></div>', lines)


def shown_money(minor: int | None, currency: str) -> str:
    """Write minor units for people, never broken between figure and currency."""
    return "-" if minor is None else f"{format_minor(minor, currency)}\N{NO-BREAK SPACE}{currency}"


def money_field(name: str, currency: str = "currency") -> Callable[[Any], str]:
    """Show a row's `…_minor` column as money; `currency` may follow a relation, such as `order.currency`."""
    currency_of = attrgetter(currency)

    def shown(row: Any) -> str:
        return shown_money(getattr(row, name), currency_of(row))

    shown.__name__ = name  # By which the admin tells columns apart.
    shown.short_description = name.removesuffix("_minor").replace("_", " ")  # type: ignore[attr-defined]
    return shown


def payload_table(payload: dict[str, Any]) -> str:
    """Show an event's facts line by line, its amounts as money."""
    currency = payload.get("currency")
    return table(["name", "value"], ((name, _fact(name, value, currency)) for name, value in sorted(payload.items())))


def _fact(name: str, value: Any, currency: Any) -> str:
    if name.endswith("_minor") and type(value) is int and currency in CURRENCY_DIGITS:
        return shown_money(value, currency)
    if value is None:
        return "-"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def pretty_json(value: Any) -> str:
    """Show a document as people read it."""
    text = json.dumps(value, indent=2, ensure_ascii=False)
    return format_html('<pre class="font-mono text-xs" style="white-space: pre-wrap">{}</pre>', text)


class ReadOnlyAdmin(HouseAdmin):
    """
    Rows that only the house's own services write: money, events, sessions.

    A page that names no `fields` shows all of its row, the public id first and amounts as money.
    """

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        if self.fields:
            return self.fields
        hidden = self.exclude or ()
        columns = [column for column in self.opts.fields if not column.primary_key and column.name not in hidden]
        columns.sort(key=lambda column: not isinstance(column, PublicIdField))
        names = [column.name for column in columns]
        has_money = "currency" in names
        shown = [money_field(name) if has_money and name.endswith("_minor") else name for name in names]
        return [*shown, *self.readonly_fields]

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


from core import job_admin  # noqa: E402, F401 - the pages of jobs are made of what stands above
