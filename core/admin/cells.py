"""How the operators' pages show things: links, tables, money, facts."""

import json
from collections.abc import Callable, Container, Iterable, Sequence
from functools import cache, partial
from operator import attrgetter
from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import quote
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html, format_html_join

from core.money import CURRENCY_DIGITS, format_minor


def link_to(label: str, key: object, text: object) -> str:
    """Link to a row's page by its model's label, for example `link_to("ledger.batch", 7, "bat_…")`."""
    url = _url(label, "change", _KEY)
    return _link(url.replace(_KEY, quote(str(key))), text) if url else str(text)


def list_link(label: str, query: str, text: object) -> str:
    """Link to a list that is searched or filtered, for example `list_link("ledger.journal", "q=bat_…", "…")`."""
    url = _url(label, "changelist")
    return _link(f"{url}?{query}", text) if url else str(text)


def list_url(label: str, query: str = "") -> str:
    """Return where a list is, searched or filtered; empty where the room has no such page."""
    url = _url(label, "changelist")
    return f"{url}?{query}" if url and query else url


def change_url(label: str, key: object) -> str:
    """Return where a row's page is; empty where the room has no such page."""
    url = _url(label, "change", _KEY)
    return url.replace(_KEY, quote(str(key)))


def page_link(name: str, text: object, *args: object, query: str = "") -> str:
    """Link to one of our own pages by its URL's name, for example `page_link("billing_ruleset_compare", "…")`."""
    url = reverse(f"{admin.site.name}:{name}", args=args)
    return _link(f"{url}?{query}" if query else url, text)


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


def facts(rows: Iterable[tuple[object, object]]) -> str:
    """Show names and what is said of each; unlike a table's cells, sentences break on a phone."""
    lines = format_html_join("", "<div><dt>{}</dt><dd>{}</dd></div>", rows)
    return format_html('<dl class="house-facts house-wrap">{}</dl>', lines)


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
