import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.urls import get_resolver

from billing.check import check_document
from billing.event_types import Amount, Party, TypeSpec
from billing.types import all_types
from core.api.audiences import ACCOUNTS
from core.api.lists import ListView
from core.api.views import ApiView
from tests.docs.pages import DOCS, blocks, rows_after

PAGE = DOCS / "api.md"
METHODS = ("get", "post", "put", "patch", "delete")


def views(patterns: list[Any] | None = None, before: str = "") -> Iterator[tuple[str, type[ApiView]]]:
    """Every view of the API with its path as the page writes it."""
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        path = before + str(pattern.pattern)
        if hasattr(pattern, "url_patterns"):
            yield from views(pattern.url_patterns, path)
        elif path.startswith("api/v1/"):
            yield re.sub(r"<\w+:(\w+)>", r"{\1}", path.removeprefix("api/v1")), pattern.callback.view_class


def calls() -> dict[str, str]:
    """Each call, with its marks, and who may make it."""
    found = {}
    for path, view in views():
        for method in (name for name in METHODS if hasattr(view, name)):
            verb = method.upper()
            keyed = verb in view.keyed | getattr(view, "remote", frozenset())
            is_csv = verb == "GET" and issubclass(view, ListView) and bool(view.csv_columns)
            found[f"`{verb} {path}`" + " K" * keyed + " C" * is_csv] = who(view, verb)
    return found


def who(view: type[ApiView], verb: str) -> str:
    if verb in view.public:
        return "public"
    audience = view.audience.get(verb, view.audience.get("*", ACCOUNTS))
    return "everybody" if audience >= ACCOUNTS else " ".join(sorted(audience))


class TestTheListOfCalls:
    """docs/api.md lists every call with who may make it."""

    def test_it_is_what_the_urls_say(self) -> None:
        _header, *rows = rows_after(PAGE.read_text(), "<!-- calls -->")
        assert {row[0]: row[1] for row in rows} == calls()
        assert len(rows) == len(calls())


class TestTheDocument:
    """The rule set on the page is one that the check understands."""

    @pytest.fixture
    def document(self) -> dict[str, Any]:
        return json.loads(blocks(PAGE, "json")[0].text)

    def test_its_rules_are_sound(self, db: None, document: dict[str, Any]) -> None:
        parking = TypeSpec("parking.paid", (Party("operator"),), (Amount("gross"),), external=True)
        problems = check_document(document, {**all_types(), "parking.paid": parking})
        assert {problem.code for problem in problems} == {"uncovered"}, problems  # It leaves the other types out.
        assert not {problem.type for problem in problems} & set(document["types"])
