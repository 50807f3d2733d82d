import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.journeys.house import House


@pytest.fixture(scope="session")
def house() -> Iterator[House]:
    """`make run` with its demo world, for all journeys of this test process."""
    directory = Path(tempfile.mkdtemp(dir="/tmp", prefix="house"))
    try:
        with House(directory / "var") as running:
            yield running
    finally:
        shutil.rmtree(directory, ignore_errors=True)
