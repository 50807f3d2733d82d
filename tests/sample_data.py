"""Real data for tests: nothing is copied into the project, and tests that want it skip where it is not there."""

import os
from pathlib import Path

import pytest

from marketplace.servers import PROJECT_DIR

SAMPLE_DATA_DIR = Path(os.environ.get("SAMPLE_DATA_DIR") or PROJECT_DIR.parent / "shared" / "data")


def sample_file(name: str) -> Path:
    """Return a file under SAMPLE_DATA_DIR; skip the test where it is not there."""
    path = SAMPLE_DATA_DIR / name
    if not path.exists():
        pytest.skip(f"There is no {name}: set SAMPLE_DATA_DIR to a directory that has it.")
    return path
