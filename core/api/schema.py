"""
How drf-spectacular reads our views.

A handler says what it takes and answers with `@extend_schema(request=Input, responses={201: OrderDocument})`
and which refusals are its own with `@refuses(OrderNotPayable, AmountMismatch)`. The rest is read off
the view: what every log-in, key, body, list and path adds. `responses=Document(many=True)` on a GET is a
list document `{results, next}`.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any, TypeVar

from django.apps import apps
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ComponentRegistry, force_instance, is_serializer
from rest_framework import serializers

from core.api.audiences import ACCOUNTS
from core.api.fields import Input
from core.api.idempotency import KEY_LENGTH_MAX, IdempotencyKeyInUse, IdempotencyKeyRequired, IdempotencyKeyReused
from core.api.parsers import DuplicateKey, MalformedBody
from core.api.problems import UnsupportedMediaType
from core.api.samples import add_samples
from core.errors import (
    PROBLEM_TYPE,
    BodyTooLarge,
    CursorInvalid,
    Forbidden,
    MalformedRequest,
    NotAuthenticated,
    NotFound,
    Refusal,
    TooManyAttempts,
    Unprocessable,
)

Handler = TypeVar("Handler", bound=Callable[..., Any])
Document = dict[str, Any]

EFFECTS = ("POST", "PUT", "PATCH")

PROBLEM_COMPONENTS: dict[str, Document] = {
    "FieldProblem": {
        "type": "object",
        "required": ["field", "code", "detail"],
        "properties": {
            "field": {"type": "string", "example": "lines.0.quantity"},
            "code": {"type": "string"},
            "detail": {"type": "string"},
        },
    },
    "Problem": {
        "type": "object",
        "description": "RFC 9457. `code` is stable, `detail` is for people. Further members give details.",
        "required": ["type", "title", "status", "code", "detail"],
        "properties": {
            "type": {"type": "string", "format": "uri"},
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "code": {"type": "string"},
            "detail": {"type": "string"},
            "errors": {"type": "array", "items": {"$ref": "#/components/schemas/FieldProblem"}},
        },
    },
}


def refuses(*refusals: type[Refusal]) -> Callable[[Handler], Handler]:
    """Say which refusals of its own a handler may answer with."""

    def note(handler: Handler) -> Handler:
        handler.refusals = refusals  # type: ignore[attr-defined]
        return handler

    return note


class ContractSchema(AutoSchema):
    """Adds to each operation what its view's base does around the handler."""

    view: Any  # An ApiView; its module is loaded later than this one.

    def get_operation(
        self, path: str, path_regex: str, path_prefix: str, method: str, registry: ComponentRegistry
    ) -> Document | None:
        operation = super().get_operation(path, path_regex, path_prefix, method, registry)
        if operation is None or not hasattr(self.view, "audience"):
            return operation
        self._complete_answers(operation["responses"])
        operation["responses"] |= problem_answers(self._refusals(operation))
        operation["responses"] = dict(sorted(operation["responses"].items()))
        if self.method in self.view.public:
            operation["security"] = [*operation.get("security", []), {}]
        audience = self.view.audience.get(self.method, self.view.audience.get("*"))
        if audience is not None and not audience >= ACCOUNTS:
            operation["x-audience"] = sorted(audience)  # Which kinds of caller may call; everybody where it is absent.
        if self.method in self.view.own_login:
            operation["x-own-login"] = True  # Never through a link.
        return operation

    def get_tags(self) -> list[str]:
        """Calls stand under the room that answers them."""
        return [str(apps.get_app_config(type(self.view).__module__.partition(".")[0]).verbose_name)]

    def get_summary(self) -> str:
        return super().get_summary() or re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type(self.view).__name__).capitalize()

    def get_operation_id(self) -> str:
        words = [word for word in re.split(r"[/{}-]+", self.path.removeprefix("/api/v1")) if word]
        by_id = [f"by_{word}" if f"{{{word}}}" in self.path else word for word in words]
        return "_".join([self.method.lower(), *by_id]).replace("-", "_")

    def get_description(self) -> str:  # type: ignore[override]
        return self._handler().__doc__ or ""

    def get_override_parameters(self) -> list[Any]:
        given = super().get_override_parameters()
        query = getattr(self.view, "Query", None)
        if self.method != "GET" or query is None or not query().fields or query in given:
            return given
        return [*given, query]

    def _get_parameters(self) -> list[Document]:
        return [*super()._get_parameters(), *self._headers(), *self._page_parameters()]

    def get_serializer_name(self, serializer: Any, direction: str) -> str:
        """Views name their inputs `Input`: the component is named after the view as well."""
        return type(serializer).__qualname__.replace(".", "")

    def _map_basic_serializer(self, serializer: Any, direction: str) -> Document:
        schema = super()._map_basic_serializer(serializer, direction)
        if isinstance(serializer, Input):
            schema["additionalProperties"] = False
        if not type(serializer).__dict__.get("__doc__"):
            schema.pop("description", None)
        return schema

    def _handler(self) -> Any:
        return getattr(self.view, self.method.lower())

    def _is_keyed(self) -> bool:
        return hasattr(self.view, "audience") and self.method in self.view.keyed | self.view.remote

    def _is_page(self) -> bool:
        return self.method == "GET" and hasattr(self.view, "answer_list")

    def _headers(self) -> list[Document]:
        headers = []
        if self._is_keyed():
            key = {"type": "string", "minLength": 1, "maxLength": KEY_LENGTH_MAX, "pattern": "^[ -~]+$"}
            text = "One per intended effect, kept over retries: a repeat gets the first answer."
            headers.append(_header("Idempotency-Key", key, text, required=True))
        if hasattr(self.view, "audience") and self.view.get_authenticators():
            text = "Acts as this linked account for one call."
            account = {"type": "string", "pattern": "^acc_[0-9A-Z]{26}$"}
            headers.append(_header("Acting-Account", account, text, required=False))
        return headers

    def _page_parameters(self) -> list[Document]:
        if not self._is_page():
            return []
        limit = {"type": "integer", "minimum": 1, "maximum": 200, "default": 50}
        return [
            {"in": "query", "name": "limit", "schema": limit},
            {"in": "query", "name": "cursor", "schema": {"type": "string"}, "description": "The `next` of a page."},
        ]

    def _complete_answers(self, answers: Document) -> None:
        """Lists are pages, CSV is text, and the house's headers are said."""
        for status, answer in answers.items():
            content = answer.get("content", {})
            csv = content.pop("text/csv", None)
            for media in content.values():
                if media.get("schema", {}).get("type") == "array":
                    media["schema"] = list_document(media["schema"])
                    for example in media.get("examples", {}).values():
                        example["value"] = {"results": example["value"], "next": None}
            if csv is not None and self._is_page() and status == "200":
                content["text/csv"] = {"schema": {"type": "string"}}
            if status.startswith("2") and self.view.get_authenticators():
                said = answer.setdefault("headers", {})
                said["Acting-Account"] = {"schema": {"type": "string"}, "description": "Who acted."}
            if status.startswith("2") and self._is_keyed():
                said["Idempotent-Replayed"] = {"schema": {"type": "string", "enum": ["true"]}}

    def _refusals(self, operation: Document) -> Iterable[type[Refusal]]:
        """Every refusal of this operation: the handler's own, then what its surroundings add."""
        yield from getattr(self._handler(), "refusals", ())
        yield MalformedRequest
        for authenticator in self.view.get_authenticators():
            yield NotAuthenticated
            yield from getattr(authenticator, "refusals", ())
            if self.method not in ("GET", "HEAD"):
                yield from getattr(authenticator, "refusals_of_effects", ())
            if self.method in self.view.own_login:
                yield from getattr(authenticator, "refusals_of_own_login", ())
        if self._is_keyed():
            yield from (IdempotencyKeyRequired, IdempotencyKeyInUse, IdempotencyKeyReused)
        if self.method in EFFECTS:
            yield from (MalformedBody, DuplicateKey, BodyTooLarge, UnsupportedMediaType)
        if self.view.audience.get(self.method, self.view.audience.get("*")) is not None:
            yield Forbidden
        if "{" in self.path:
            yield NotFound
        if self._is_page():
            yield CursorInvalid
        yield from map(field_fault, self._field_codes(operation))

    def _field_codes(self, operation: Document) -> set[str]:
        """The faults that the body or the query alone may show; the answer's code is its first fault's."""
        codes = {"limit_invalid"} if self._is_page() else set()
        if "requestBody" in operation:
            codes |= fault_codes(self.get_request_serializer())
        queries = [given for given in self.get_override_parameters() if is_serializer(given)]
        return codes.union(*(fault_codes(query) for query in queries)) - {"unknown_field"} | (
            {"unknown_field"} if "requestBody" in operation else set()
        )


class FieldFault(Unprocessable):
    """What a field refuses; in the document one example stands for all of them."""

    message = "Some fields are not as they should be."


def fault_codes(field: Any) -> set[str]:
    """Return every code with which a serializer or field, or one inside it, may refuse a value."""
    field = force_instance(field)
    if not isinstance(field, serializers.Field):
        return set()
    inner = [*getattr(field, "fields", {}).values(), *filter(None, [getattr(field, "child", None)])]
    return set(field.error_messages).union(*(fault_codes(one) for one in inner))


def field_fault(code: str) -> type[Refusal]:
    """A fault of a field, as a refusal for the document."""
    return type(code, (FieldFault,), {"code": code})


def problem_answers(refusals: Iterable[type[Refusal]]) -> dict[str, Document]:
    """Return the answers of an operation that refuses with these, by status."""
    by_status: dict[int, dict[str, type[Refusal]]] = defaultdict(dict)
    for refusal in refusals:
        by_status[refusal.status].setdefault(refusal.code, refusal)
    return {str(status): _problem_answer(status, by_code) for status, by_code in by_status.items()}


def _problem_answer(status: int, by_code: dict[str, type[Refusal]]) -> Document:
    codes = set(by_code)
    only = {"type": "object", "properties": {"code": {"type": "string", "enum": sorted(codes)}}}
    media = {
        "schema": {"allOf": [{"$ref": "#/components/schemas/Problem"}, only]},
        "examples": {refusal.code: {"value": _example(refusal)} for refusal in _shown(by_code.values())},
    }
    answer: Document = {
        "description": f"{HTTPStatus(status).phrase}: {', '.join(f'`{code}`' for code in sorted(codes))}",
        "content": {PROBLEM_TYPE: media},
    }
    if any(issubclass(one, TooManyAttempts) or one.retry_after_seconds is not None for one in by_code.values()):
        answer["headers"] = {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds."}}
    return answer


def _shown(refusals: Iterable[type[Refusal]]) -> list[type[Refusal]]:
    field_faults = sorted((r for r in refusals if issubclass(r, FieldFault)), key=lambda r: r.code != "required")
    others = sorted((r for r in refusals if not issubclass(r, FieldFault)), key=lambda r: r.code)
    return [*others, *field_faults[:1]]


def _example(refusal: type[Refusal]) -> Document:
    example = {
        "type": f"urn:marketplace:problem:{refusal.code}",
        "title": HTTPStatus(refusal.status).phrase,
        "status": refusal.status,
        "code": refusal.code,
        "detail": refusal.message,
    }
    if issubclass(refusal, FieldFault):
        example["errors"] = [{"field": "name", "code": refusal.code, "detail": "This field is not as it should be."}]
    return example


def list_document(rows: Document) -> Document:
    """Return the schema of one page of a list."""
    cursor = {"type": "string", "nullable": True, "description": "Cursor of the next page, null at the end."}
    return {"type": "object", "required": ["results", "next"], "properties": {"results": rows, "next": cursor}}


def finish_document(result: Document, **_: Any) -> Document:
    """Postprocessing hook: add what every refusal refers to and missing examples, drop the generator's own marks."""
    schemas = result.setdefault("components", {}).setdefault("schemas", {})
    schemas |= PROBLEM_COMPONENTS
    drop_marks(schemas)
    add_samples(result)
    return result


def drop_marks(schema: Any) -> None:
    """Enums stand where they are used, so nobody needs drf-spectacular's mark of them."""
    if isinstance(schema, dict):
        schema.pop("x-spec-enum-id", None)
    for inner in schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ():
        drop_marks(inner)


def _header(name: str, schema: Document, text: str, *, required: bool) -> Document:
    return {"in": "header", "name": name, "schema": schema, "description": text, "required": required}
