"""What the operators' pages have in common: lists that stay fast, and rows that nobody edits by hand."""

import json
from functools import cache, cached_property
from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.admin.utils import quote
from django.core.paginator import Paginator
from django.db import connection
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html
from unfold.admin import ModelAdmin

from core.ids import decode_key

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


def pretty_json(value: Any) -> str:
    """Show a document as people read it."""
    text = json.dumps(value, indent=2, ensure_ascii=False)
    return format_html('<pre class="font-mono text-xs" style="white-space: pre-wrap">{}</pre>', text)


class ReadOnlyAdmin(HouseAdmin):
    """Rows that only the house's own services write: money, events, sessions."""

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


from core import job_admin  # noqa: E402, F401 - the pages of jobs are made of what stands above
