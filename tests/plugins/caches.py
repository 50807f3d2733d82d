"""What a process remembers of its database must not outlive the database: each test may have another."""

from collections.abc import Iterator

import pytest

from billing.versions import compiled
from distribution.plans import compiled_plan
from events.delivery import low_water


@pytest.fixture(autouse=True)
def forget_the_last_database() -> Iterator[None]:
    _forget()
    yield
    _forget()


def _forget() -> None:
    compiled.cache_clear()
    compiled_plan.cache_clear()
    low_water.forget()
