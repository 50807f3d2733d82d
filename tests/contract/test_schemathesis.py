"""
The OpenAPI document and the running code say the same, and no input gives a 5xx.

schemathesis makes requests from the document, right and wrong ones, and checks every answer against
it. `make test` has a fixed budget and fixed seeds; `make bench` sets SCHEMATHESIS_EXAMPLES for a long run.
"""

import os
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis import Case, GenerationMode
from schemathesis.config import (
    CoveragePhaseConfig,
    GenerationConfig,
    PhasesConfig,
    ProjectConfig,
    ProjectsConfig,
    SchemathesisConfig,
)
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from marketplace.wsgi import application
from tests.conftest import cloned_database
from tests.contract.world import World, make_world

EXAMPLES = int(os.environ.get("SCHEMATHESIS_EXAMPLES", "6"))
LONG = "SCHEMATHESIS_EXAMPLES" in os.environ

CHECKS = [
    schemathesis.checks.not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]

config = SchemathesisConfig(
    seed=None if LONG else 2,
    projects=ProjectsConfig(
        default=ProjectConfig(
            phases=PhasesConfig(coverage=CoveragePhaseConfig(enabled=LONG)),
            generation=GenerationConfig(modes=[GenerationMode.POSITIVE, GenerationMode.NEGATIVE], database="none"),
        )
    ),
)


@schemathesis.hook
def before_load_schema(context: Any, raw_schema: dict[str, Any]) -> None:
    """Clients must expect new members; this test must not: what is answered has to be in the document."""
    for name, component in raw_schema["components"]["schemas"].items():
        if name != "Problem" and "properties" in component:
            component.setdefault("additionalProperties", False)


schema = schemathesis.openapi.from_wsgi("/api/schema/", application, config=config)


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: Any) -> Iterator[World]:
    """One for all operations: what one request leaves behind, the next one has to live with."""
    with django_db_blocker.unblock(), cloned_database():
        yield make_world()


@schema.parametrize()
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=not LONG,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_every_operation_answers_as_the_document_says(case: Case, world: World) -> None:
    if case.meta is None or case.meta.generation.mode == GenerationMode.POSITIVE:
        case.path_parameters = {name: world.ids.get(name, value) for name, value in case.path_parameters.items()}
        case.body = world.place_ids(case.body)
    case.headers.pop("Acting-Account", None)
    audience = case.operation.definition.raw.get("x-audience")

    case.call_and_validate(headers={"Authorization": world.authorization(audience)}, checks=CHECKS)
