"""The OpenAPI document and its pages."""

import re
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
import yaml
from django.contrib.staticfiles import finders
from django.test import Client
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import SchemaGenerator

from core.api.documents import openapi


class TestSchema:
    """/api/schema/"""

    def test_it_is_json_by_default_and_so_yaml_too(self, db):
        answer = Client().get("/api/schema/")

        assert answer["Content-Type"].startswith("application/vnd.oai.openapi+json")
        assert yaml.load(answer.content, yaml.CSafeLoader) == answer.json() == openapi()

    @pytest.mark.parametrize("ask", [{"headers": {"Accept": "application/yaml"}}, {"query_params": {"format": "yaml"}}])
    def test_it_is_yaml_for_who_asks(self, db, ask):
        answer = Client().get("/api/schema/", **ask)

        assert answer.content.startswith(b"openapi: ")
        assert yaml.load(answer.content, yaml.CSafeLoader) == openapi()

    def test_it_is_made_without_a_warning(self):
        GENERATOR_STATS.reset()
        SchemaGenerator().get_schema(request=None, public=True)

        assert not {**GENERATOR_STATS._warn_cache, **GENERATOR_STATS._error_cache}

    def test_every_operation_says_what_it_is_and_refuses_in_problem_documents(self):
        for path, operations in openapi()["paths"].items():
            for method, operation in operations.items():
                where = f"{method} {path}"
                assert operation["summary"], where
                assert any(status.startswith("2") for status in operation["responses"]), where
                for status, answer in operation["responses"].items():
                    assert status.startswith(("2", "3")) or list(answer["content"]) == ["application/problem+json"], (
                        where
                    )

    def test_every_json_body_has_an_example_that_fits(self):
        document = openapi()
        resolver = {"components": as_json_schema(document["components"])}
        for path, operations in document["paths"].items():
            for method, operation in operations.items():
                for media in json_bodies(operation):
                    shown = [example["value"] for example in media.get("examples", {}).values()]
                    shown += [media["example"]] if "example" in media else []
                    assert shown, f"{method} {path}"
                    for value in shown:
                        jsonschema.validate(value, as_json_schema(media["schema"]) | resolver)


def json_bodies(operation: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The JSON of a request and of every answer."""
    for body in [operation.get("requestBody", {}), *operation["responses"].values()]:
        for media_type, media in body.get("content", {}).items():
            if "json" in media_type:
                yield media


def as_json_schema(schema: Any) -> Any:
    """OpenAPI 3.0 says `nullable` where JSON Schema has a type."""
    if isinstance(schema, list):
        return [as_json_schema(inner) for inner in schema]
    if not isinstance(schema, dict):
        return schema
    plain = {name: as_json_schema(inner) for name, inner in schema.items() if name not in ("nullable", "example")}
    return {"anyOf": [plain, {"type": "null"}]} if schema.get("nullable") is True else plain


class TestPages:
    """/api/docs/"""

    def test_everything_comes_from_this_site(self, db):
        answer = Client().get("/api/docs/")
        html = answer.content.decode()

        assert "default-src 'none'" in answer["Content-Security-Policy"]
        assert "'unsafe-inline'" not in answer["Content-Security-Policy"].split("style-src")[0]
        assert not re.search(r"<script(?![^>]*\bsrc=)|https?://|\son\w+=", html)
        for asset in re.findall(r'(?:src|href)="/static/([^"]+)"', html):
            assert finders.find(asset), asset
