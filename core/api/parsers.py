"""JSON as the contract wants it: an object, UTF-8, no key twice, nothing that cannot be stored."""

import json
import sys
from collections.abc import Iterable, Mapping
from typing import IO, Any, NoReturn

from django.conf import settings
from rest_framework.parsers import BaseParser

from core.errors import BadRequest

# Longer ones are beyond 64 bits and beyond every field's bounds; Python refuses to read very long ones at all.
_INTEGER_LENGTH_MAX = 20


class MalformedBody(BadRequest):
    code = "malformed_body"
    message = "The body is not a JSON object in UTF-8."


class DuplicateKey(BadRequest):
    code = "duplicate_key"
    message = "A key stands twice in one object of the body."


class StrictJSONParser(BaseParser):
    """Refuses with 400 what is broken or ambiguous; what is merely wrong is for the serializers."""

    media_type = "application/json"

    def parse(
        self, stream: IO[bytes], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        return parse_object(stream.read())


def parse_object(raw: bytes) -> dict[str, Any]:
    """
    Return the JSON object in `raw`; an empty body is an empty object.

    :raises MalformedBody: no UTF-8, no JSON, no object, too deep, or text nobody can store.
    :raises DuplicateKey: one object names a key twice.
    """
    if not raw.strip():
        return {}
    try:
        body = json.loads(
            raw.decode("utf-8"),
            object_pairs_hook=_object_once,
            parse_constant=_refuse_constant,
            parse_float=_bounded_float,
            parse_int=_bounded_int,
        )
    except (ValueError, RecursionError) as broken:  # UnicodeDecodeError and JSONDecodeError are ValueErrors.
        raise MalformedBody from broken
    if not isinstance(body, dict):
        raise MalformedBody
    _refuse_unstorable(body)
    return body


def _object_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise DuplicateKey
    return found


def _bounded_float(text: str) -> float:
    """What a double cannot hold becomes the largest one, which every field's bounds refuse in the field's own words."""
    return max(min(float(text), sys.float_info.max), -sys.float_info.max)


def _bounded_int(text: str) -> int | float:
    return int(text) if len(text) <= _INTEGER_LENGTH_MAX else _bounded_float(text)


def _refuse_constant(name: str) -> NoReturn:
    raise MalformedBody(f"{name} is not JSON.")


def _refuse_unstorable(body: dict[str, Any]) -> None:
    """Walk level by level: no recursion, and the depth is bounded."""
    level: list[Any] = [body]
    for _depth in range(settings.JSON_DEPTH_MAX):
        for value in level:
            _refuse_unstorable_value(value)
        level = [inner for value in level for inner in _inside(value)]
        if not level:
            return
    raise MalformedBody(f"The body is nested more than {settings.JSON_DEPTH_MAX} deep.")


def _refuse_unstorable_value(value: Any) -> None:
    if not isinstance(value, str):
        return
    if "\0" in value:
        raise MalformedBody("A text of the body holds NUL.")
    try:
        value.encode()
    except UnicodeEncodeError as half:
        raise MalformedBody("The body holds half of a surrogate pair.") from half


def _inside(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return [*value.keys(), *value.values()]
    return value if isinstance(value, list) else ()
