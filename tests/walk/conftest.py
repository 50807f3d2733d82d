from collections.abc import Iterator
from typing import Any

import pytest

from tests.conftest import cloned_database
from tests.walk.world import World


@pytest.fixture(scope="package")
def world(django_db_setup: None, django_db_blocker: Any) -> Iterator[World]:
    """One for all walks: every request is undone."""
    with django_db_blocker.unblock(), cloned_database():
        yield World()
