"""The OpenAPI document and its pages, without a request to anybody else."""

import json
from functools import cache
from typing import Any

import yaml
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe
from drf_spectacular.generators import SchemaGenerator

JSON_TYPE = "application/vnd.oai.openapi+json"
YAML_TYPE = "application/vnd.oai.openapi"
PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "font-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)


@require_safe
def schema(request: HttpRequest) -> HttpResponse:
    """GET /api/schema/: JSON, which is YAML as well; or YAML proper, by Accept or `?format=yaml`."""
    if request.GET.get("format") == "yaml" or "yaml" in request.headers.get("Accept", ""):
        return HttpResponse(as_yaml(), content_type=f"{YAML_TYPE}; charset=utf-8")
    return HttpResponse(as_json(), content_type=f"{JSON_TYPE}; charset=utf-8")


@require_safe
def pages(request: HttpRequest) -> HttpResponse:
    """GET /api/docs/: the document for people, with a form for each call."""
    page = render(request, "core/docs.html")
    page["Content-Security-Policy"] = PAGE_POLICY
    return page


@cache
def openapi() -> dict[str, Any]:
    """Return the document; the same for everybody for as long as the process lives."""
    return SchemaGenerator().get_schema(request=None, public=True)


@cache
def as_json() -> str:
    return json.dumps(openapi(), ensure_ascii=False)


@cache
def as_yaml() -> bytes:
    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)  # In C it takes a tenth of the time.
    return yaml.dump(json.loads(as_json()), Dumper=dumper, sort_keys=False, allow_unicode=True).encode()
