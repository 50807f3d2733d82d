"""Lists: newest first, by cursor, or as streamed CSV; a page is one indexed look-up at any depth."""

import base64
import csv
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db.models import Model, Q, QuerySet
from django.http import StreamingHttpResponse
from django.http.response import HttpResponseBase
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.views import ApiView
from core.errors import CursorInvalid, FieldError, InvalidInput

_KEY_MAX = 2**63 - 1
_CURSOR_LENGTH_MAX = 400


class CSVRenderer(BaseRenderer):
    """Lets `Accept: text/csv` through content negotiation; the rows are streamed by the view."""

    media_type = "text/csv"
    format = "csv"

    def render(self, data: Any, *args: Any, **kwargs: Any) -> bytes:
        return JSONRenderer().render(data)


class ListView(ApiView):
    """
    A list of one query set.

    `ordering`: model fields, `-` for descending; the last must be unique.
    `csv_columns`: the columns of the CSV; empty where the contract marks no CSV.
    """

    ordering: ClassVar[Sequence[str]] = ("-id",)
    csv_columns: ClassVar[Sequence[str]] = ()

    def get_renderers(self) -> list[BaseRenderer]:
        return [JSONRenderer(), CSVRenderer()] if self.csv_columns else [JSONRenderer()]

    def answer_list(
        self,
        rows: QuerySet | Sequence[QuerySet],
        output: Callable[[Sequence[Any]], Iterable[Mapping[str, Any]]],
        *,
        ordering: Sequence[str] | None = None,
    ) -> HttpResponseBase:
        """
        Answer one page as JSON, or everything as CSV; `output` turns a page's rows into documents.

        `rows`: several query sets of one model without common rows are one list, where each has an index that
        is in order and both together have none.
        """
        ordering = ordering or self.ordering
        limit = read_limit(self.request)
        if self.request.accepted_renderer.format == "csv":
            assert isinstance(rows, QuerySet), "No list of several parts is marked CSV."
            pages = every_page(rows, ordering)
            return stream_csv((document for page in pages for document in output(page)), self.csv_columns)
        cursor = self.request.query_params.get("cursor")
        parts = [rows] if isinstance(rows, QuerySet) else rows
        found = list(merge_pages([after_cursor(part, ordering, cursor) for part in parts], ordering, limit + 1))
        page, more = found[:limit], len(found) > limit
        following = write_cursor(page[-1], ordering) if more else None
        return Response({"results": list(output(page)), "next": following})

    def answer_csv(self, documents: Iterable[Mapping[str, Any]]) -> StreamingHttpResponse:
        """Answer documents that do not come from one query set as CSV."""
        return stream_csv(documents, self.csv_columns)


def read_limit(request: Request) -> int:
    """Return how many rows a page may have, from `?limit=`."""
    raw = request.query_params.get("limit")
    if raw is None:
        return settings.PAGE_SIZE
    if not (raw.isascii() and raw.isdigit() and len(raw) < 10 and 1 <= int(raw) <= settings.PAGE_SIZE_MAX):
        detail = f"A limit is a whole number from 1 to {settings.PAGE_SIZE_MAX}."
        raise InvalidInput([FieldError("limit", "limit_invalid", detail)])
    return int(raw)


def after_cursor(rows: QuerySet, ordering: Sequence[str], cursor: str | None) -> QuerySet:
    """
    Return the rows behind the cursor, in order.

    :raises CursorInvalid: this list did not make it.
    """
    ordered = rows.order_by(*ordering)
    if not cursor:
        return ordered
    values = read_cursor(cursor, rows.model, ordering)
    # The range of the first field is said by itself: an index finds its beginning by that, and not by the rest.
    behind = Q(**{f"{ordering[0].lstrip('-')}__{'lte' if ordering[0].startswith('-') else 'gte'}": values[0]})
    beyond_any = Q()
    for index, name in enumerate(ordering):
        same = {field.lstrip("-"): value for field, value in zip(ordering[:index], values[:index], strict=True)}
        beyond = "lt" if name.startswith("-") else "gt"
        beyond_any |= Q(**same, **{f"{name.lstrip('-')}__{beyond}": values[index]})
    return ordered.filter(behind & beyond_any)


def merge_pages(parts: Sequence[QuerySet], ordering: Sequence[str], size: int) -> QuerySet:
    """Return the first rows of several ordered query sets together, in one statement: each gives no more than that."""
    first, *others = [part[:size] for part in parts]
    return first.union(*others, all=True).order_by(*ordering)[:size] if others else first


def write_cursor(row: Model, ordering: Sequence[str]) -> str:
    """Return the opaque cursor that points behind `row`."""
    values = [getattr(row, name.lstrip("-")) for name in ordering]
    plain = [value.isoformat() if isinstance(value, datetime) else value for value in values]
    return base64.urlsafe_b64encode(json.dumps(plain).encode()).decode().rstrip("=")


def read_cursor(cursor: str, model: type[Model], ordering: Sequence[str]) -> list[Any]:
    """Read a cursor's values back, each as its model field understands it."""
    if len(cursor) > _CURSOR_LENGTH_MAX:
        raise CursorInvalid
    try:
        values = json.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
        fields = [model._meta.get_field(name.lstrip("-")) for name in ordering]
        if not isinstance(values, list) or len(values) != len(fields) or any(isinstance(v, bool) for v in values):
            raise CursorInvalid
        return [_checked_value(field.to_python(value)) for field, value in zip(fields, values, strict=True)]  # type: ignore[union-attr]
    except (ValueError, TypeError, OverflowError, RecursionError, ValidationError) as broken:
        raise CursorInvalid from broken


def _checked_value(value: Any) -> Any:
    if value is None or (isinstance(value, int) and not -_KEY_MAX <= value <= _KEY_MAX):
        raise CursorInvalid
    if isinstance(value, str) and ("\0" in value or not value.isprintable()):
        raise CursorInvalid
    return value


def every_page(rows: QuerySet, ordering: Sequence[str]) -> Iterator[list[Any]]:
    """Yield all rows page by page; each page is a query of its own, so that no snapshot grows old."""
    cursor = None
    while page := list(after_cursor(rows, ordering, cursor)[: settings.PAGE_SIZE_MAX]):
        yield page
        cursor = write_cursor(page[-1], ordering)


class _Echo:
    """What the csv module writes into: hands each line straight back."""

    def write(self, line: str) -> str:
        return line


def stream_csv(documents: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> StreamingHttpResponse:
    """Answer rows as they are read. Texts that a spreadsheet would run as a formula are quoted (OWASP)."""
    writer = csv.writer(_Echo())

    def lines() -> Iterator[str]:
        yield writer.writerow(columns)
        for document in documents:
            yield writer.writerow([_cell(document.get(column)) for column in columns])

    return StreamingHttpResponse(lines(), content_type="text/csv; charset=utf-8")


def _cell(value: Any) -> Any:
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r"):
        return f"'{value}"
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return json.dumps(value) if isinstance(value, dict | list) else value
