"""What the operators' pages have in common: lists that stay fast, and rows that nobody edits by hand."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any, ClassVar

from django.core.paginator import Paginator
from django.db import connection
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.urls import path
from unfold.admin import ModelAdmin

from core.admin.cells import money_field
from core.admin.pages import as_view
from core.ids import PublicIdField, decode_key

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
    pages: ClassVar[Sequence[str]] = ()  # Names of methods made with `@page`.
    beside: ClassVar[Sequence[tuple[str, str, str]]] = ()  # Pages in the sidebar: title, icon, method.
    waiting_query: ClassVar[str] = ""  # Filters the list to its `rows_waiting`.
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

    def get_urls(self) -> list[Any]:
        own = [as_view(self, name) for name in self.pages]
        return [path(view.path, view, name=self.page_name(view.name)) for view in own] + super().get_urls()

    def page_name(self, method: str) -> str:
        """Return by which name `reverse` knows a page of this list."""
        return f"{self.opts.app_label}_{self.opts.model_name}_{method}"

    def rows_waiting(self) -> QuerySet | None:
        """Return the rows that wait for somebody: how many stands beside this list in the sidebar of every page."""
        return None

    def find(self, queryset: QuerySet, term: str) -> QuerySet | None:
        """Return the rows that a term names exactly; None leaves the term to `search_fields`."""
        key = decode_key(self.key_prefix, term) if self.key_prefix else None
        return None if key is None else queryset.filter(pk=key)


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
