"""Statements over HTTP: pages by a place in the booking order, or the whole as CSV."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from django.conf import settings
from django.core import signing
from django.http.response import HttpResponseBase
from django.utils.dateparse import parse_datetime
from rest_framework.response import Response

from core.api.lists import ListView, read_limit
from core.errors import CursorInvalid
from ledger.statements import StatementPlace


class Row(Protocol):
    """A line of a statement, which knows its place."""

    @property
    def place(self) -> StatementPlace: ...


AnyRow = TypeVar("AnyRow", bound=Row)
ReadPage = Callable[[int, StatementPlace | None], Sequence[AnyRow]]


class StatementView(ListView):
    """A list whose pages are read by `read_page(limit, after)`."""

    def answer_statement(
        self,
        *,
        scope: str,
        read_page: ReadPage[AnyRow],
        documents: Callable[[Sequence[AnyRow]], Iterable[Mapping[str, Any]]],
    ) -> HttpResponseBase:
        """Answer one page as JSON, or everything as CSV; a cursor is good within its `scope` only."""
        if self.request.accepted_renderer.format == "csv":
            return self.answer_csv(document for page in every_page(read_page) for document in documents(page))
        limit = read_limit(self.request)
        rows = read_page(limit + 1, read_place(self.request.query_params.get("cursor"), scope))
        page, more = rows[:limit], len(rows) > limit
        following = write_place(page[-1].place, scope) if more else None
        return Response({"results": list(documents(page)), "next": following})


def every_page(read_page: ReadPage[AnyRow]) -> Iterator[Sequence[AnyRow]]:
    """Yield a statement page by page; each page is a query of its own, so that no snapshot grows old."""
    after = None
    while page := read_page(settings.PAGE_SIZE_MAX, after):
        yield page
        after = page[-1].place


def write_place(place: StatementPlace, scope: str) -> str:
    """Write a statement's cursor; signed, because it carries a balance."""
    values = [place.booked_at.isoformat(), place.movement_id, place.transfer_id, place.balance_before_minor]
    return signing.dumps(values, salt=scope)


def read_place(cursor: str | None, scope: str) -> StatementPlace | None:
    """
    Read a statement's cursor back.

    :raises CursorInvalid: this statement did not make it.
    """
    if not cursor:
        return None
    try:
        booked_at, *numbers = signing.loads(cursor, salt=scope)
    except (signing.BadSignature, ValueError) as broken:
        raise CursorInvalid from broken
    moment = parse_datetime(booked_at)
    assert moment is not None
    return StatementPlace(moment, *numbers)
