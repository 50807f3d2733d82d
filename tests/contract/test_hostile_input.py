"""
Every operation is given what nobody should send: a clear 4xx, or an answer, and never a 5xx.

Where schemathesis draws at random, this goes through the same list at every path, parameter and field:
in `make test` through every third of it, beginning elsewhere for each, in `make bench` through all of it.
"""

import json
import os
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import quote

import pytest
from django.test import Client

from core.api.documents import openapi
from tests.conftest import cloned_database
from tests.contract.world import World, make_world

MILLION = 1_000_000
STEP = 1 if "SCHEMATHESIS_EXAMPLES" in os.environ else 3

TEXTS = [
    "",
    " ",
    "\0",
    "a\0b",
    "x" * 5000,
    "é" * 300,
    "\u202e\u200d\ufeff",
    "'; DROP TABLE accounts_account; --",
    "%s%n{}{0}",
    "../../etc/passwd",
    "-1",
    "0",
    "9" * 30,
    "9" * 5000,
    "1e309",
    "NaN",
    "٣",
    "null",
    "2026-02-30T00:00:00Z",
    "0001-01-01T00:00:00+14:00",
    "evt_7ZZZZZZZZZZZZ",
    "acc_" + "0" * 26,
]
BROKEN_PATHS = ["%00", "%ff%fe", "%ED%A0%80", "%2F", "..%2f", *(quote(text, safe="") for text in TEXTS if text)]
BROKEN_QUERIES = ["%00", "%ff", "a%00", "%ED%A0%80", "a&{name}=b", "[]", *(quote(text) for text in TEXTS)]
BROKEN_BODIES = [
    b"",
    b"{",
    b"[]",
    b"null",
    b'"text"',
    b"\xff",
    b"\xef\xbb\xbf{}",
    b'{"a": "\xc3\x28"}',
    b'{"a": 1, "a": 2}',
    b'{"a": NaN}',
    b'{"a": 1e999}',
    b'{"a": ' + b"9" * 5000 + b"}",
    b'{"a": "\\ud800"}',
    b'{"\\u0000": 1}',
    b'{"a":' * 5000 + b"1" + b"}" * 5000,
    b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
]
VALUES: list[Any] = [
    None,
    True,
    -1,
    0,
    2**31,
    2**53,
    2**63,
    10**400,
    0.5,
    -0.0,
    1e308,
    [],
    {},
    [None],
    [[]],
    [{}],
    {"a": {"a": 1}},
    {"amount": 2**53, "currency": "GBP"},
    {"": ""},
    *TEXTS,
]


def operations() -> list[tuple[str, str]]:
    return [(method.upper(), path) for path, methods in openapi()["paths"].items() for method in methods]


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: Any) -> Iterator[World]:
    with django_db_blocker.unblock(), cloned_database():
        yield make_world()


def some(values: Sequence[Any], where: str) -> Sequence[Any]:
    """The part of a list that this place gets; the same in every run."""
    return values[sum(where.encode()) % STEP :: STEP]


class Caller:
    """Sends one operation's requests, each with a session and a key of its own."""

    def __init__(self, world: World, method: str, path: str) -> None:
        self.world, self.method, self.path = world, method, path
        self.operation = openapi()["paths"][path][method.lower()]
        self.client = Client(raise_request_exception=False)
        self.number = 0
        self.authorization = ""

    def send(self, path: str, body: Any = None) -> None:
        self.number += 1
        if not self.authorization or "session" in self.path:  # Those may end the session that they come in.
            self.authorization = self.world.authorization(self.operation.get("x-audience"))
        raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        answer = self.client.generic(
            self.method,
            path,
            raw,
            content_type="application/json",
            headers={"Authorization": self.authorization, "Idempotency-Key": f"{self.path}-{self.number}"},
        )
        shown = f"{self.method} {path[:200]} {raw[:200]!r} → {answer.status_code}"
        assert answer.status_code < 500, shown
        if answer.status_code >= 400:
            assert answer["Content-Type"] == "application/problem+json", shown
            assert answer.json()["code"], shown

    @property
    def good_path(self) -> str:
        path = self.path
        for name, id_ in self.world.ids.items():
            path = path.replace(f"{{{name}}}", id_)
        return path.replace("{", "").replace("}", "")

    @property
    def schema(self) -> dict[str, Any] | None:
        content = self.operation.get("requestBody", {}).get("content", {}).get("application/json")
        return resolve(content["schema"]) if content else None


def resolve(schema: dict[str, Any]) -> dict[str, Any]:
    if "$ref" in schema:
        return openapi()["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    if "allOf" in schema and len(schema["allOf"]) == 1:
        return resolve(schema["allOf"][0])
    return schema


def sample(schema: dict[str, Any]) -> Any:
    """The smallest value that looks right."""
    schema = resolve(schema)
    if "oneOf" in schema:
        return sample(schema["oneOf"][0])
    if "enum" in schema:
        return schema["enum"][0]
    match schema.get("type"):
        case "object":
            return {name: sample(inner) for name, inner in schema.get("properties", {}).items()}
        case "array":
            return [sample(schema["items"])]
        case "integer" | "number":
            return max(schema.get("minimum", 1), 1)
        case "boolean":
            return True
    if schema.get("format") == "date-time":
        return "2026-01-01T00:00:00Z"
    return "GBP" if "A-Z" in schema.get("pattern", "") else "x"


@pytest.mark.parametrize(("method", "path"), operations())
class TestEveryOperation:
    """A refusal in a problem document, whatever stands where."""

    def test_in_the_path(self, world, method, path):
        caller = Caller(world, method, path)
        for name in [part[1:-1] for part in path.split("/") if part.startswith("{")]:
            for text in some(BROKEN_PATHS, path + name):
                caller.send(path.replace(f"{{{name}}}", text).replace("{", "").replace("}", ""))

    def test_in_the_query(self, world, method, path):
        caller = Caller(world, method, path)
        for parameter in caller.operation.get("parameters", []):
            if parameter["in"] == "query":
                for text in some(BROKEN_QUERIES, path + parameter["name"]):
                    caller.send(f"{caller.good_path}?{parameter['name']}={text.format(name=parameter['name'])}")

    def test_in_the_body(self, world, method, path):
        caller = Caller(world, method, path)
        if caller.schema is None:
            return
        good = world.place_ids(sample(caller.schema))
        for raw in some(BROKEN_BODIES, path):
            caller.send(caller.good_path, raw)
        caller.send(caller.good_path, good | {"x" * 500: 1})
        for name in some(list(good), path):
            caller.send(caller.good_path, good | {name: "x" * MILLION})
        for name in good:
            for value in some(VALUES, path + name):
                caller.send(caller.good_path, good | {name: value})
