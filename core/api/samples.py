"""
Examples for the schema where nobody wrote one: the shape is read off the schema, so that it cannot be wrong.
"""

from functools import cache
from typing import Any

from django.apps import apps

from core.ids import PublicIdField

ULID = "01J9ZK3Q6V8M2N4P6R8T0V2X4Z"
MOMENT = "2026-10-01T09:30:00Z"
NAMES = {"currency": "GBP", "name": "Anna Keller"}
DEPTH_MAX = 8

Document = dict[str, Any]


def add_samples(document: Document) -> None:
    """Give every JSON body of every operation an example."""
    for operations in document["paths"].values():
        for operation in operations.values():
            bodies = [operation.get("requestBody", {}), *_effects(operation["responses"])]
            for media in (body.get("content", {}).get("application/json") for body in bodies):
                if media and not {"example", "examples"} & media.keys():
                    media["example"] = sample(media["schema"], document)


def sample(schema: Document, document: Document, name: str = "", of: str = "", depth: int = 0) -> Any:
    """Return a value of this shape; `name` is the member it stands in, `of` the component around it."""
    if "$ref" in schema:
        of = schema["$ref"].rsplit("/", 1)[1]
        schema = document["components"]["schemas"][of]
    for several in ("allOf", "oneOf", "anyOf"):
        if several in schema:
            return sample(schema[several][0], document, name, of, depth)
    if "example" in schema or "default" in schema:
        return schema.get("example", schema.get("default"))
    if "enum" in schema:
        return schema["enum"][0]
    match schema.get("type"):
        case "object":
            members = schema.get("properties", {}) if depth < DEPTH_MAX else {}
            return {key: sample(inner, document, key, of, depth + 1) for key, inner in members.items()}
        case "array":
            return [sample(schema["items"], document, name.removesuffix("s"), of, depth + 1)]
        case "integer":
            return max(schema.get("minimum", 0), 1)
        case "number":
            return 51.5
        case "boolean":
            return True
    return _text(schema, name, of)


def _text(schema: Document, name: str, of: str) -> Any:
    if schema.get("format") == "date-time":
        return MOMENT
    if schema.get("nullable") and name == "next":
        return None
    text = _public_id(of if name == "id" else name) or NAMES.get(name, "text")
    return text[: schema.get("maxLength", len(text))]


@cache
def _public_id(name: str) -> str | None:
    """Return an id as the model of this name has it: `order`, `OrderDocument` → `ord_…`."""
    wanted = name.replace("_", "").lower().removesuffix("document").removesuffix("ref")
    for model in apps.get_models() if wanted else ():
        called = model._meta.model_name or ""
        if called != wanted and not (len(wanted) > 4 and called.startswith(wanted)):
            continue
        field = next((field for field in model._meta.fields if isinstance(field, PublicIdField)), None)
        if field is not None:
            return f"{field.prefix}_{ULID}"
        if hasattr(model, "public_id"):
            return str(model(pk=1).public_id)  # type: ignore[attr-defined]
    return None


def _effects(answers: Document) -> list[Document]:
    return [answer for status, answer in answers.items() if status.startswith("2")]
