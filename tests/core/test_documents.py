"""The OpenAPI document and its pages."""

import re

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
        assert yaml.safe_load(answer.content) == answer.json() == openapi()

    @pytest.mark.parametrize("ask", [{"headers": {"Accept": "application/yaml"}}, {"query_params": {"format": "yaml"}}])
    def test_it_is_yaml_for_who_asks(self, db, ask):
        answer = Client().get("/api/schema/", **ask)

        assert answer.content.startswith(b"openapi: ")
        assert yaml.safe_load(answer.content) == openapi()

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
