"""The test run has PostgreSQL and Redis of its own, started before the first test and stopped after the last."""

from typing import IO

import pytest
from django.conf import settings

from marketplace.servers import Launcher, ServersUnavailable, claim

LAUNCHER = pytest.StashKey[Launcher]()
CLAIM = pytest.StashKey[IO[bytes]]()


def pytest_configure(config: pytest.Config) -> None:
    embedded = settings.EMBEDDED_SERVERS
    if embedded is None or _is_xdist_worker(config):
        return
    launcher = Launcher(embedded)
    try:
        launcher.join()
    except ServersUnavailable as refusal:
        pytest.exit(str(refusal), returncode=pytest.ExitCode.USAGE_ERROR)
    config.stash[LAUNCHER] = launcher
    _claim_databases(config, launcher)


def pytest_unconfigure(config: pytest.Config) -> None:
    if launcher := config.stash.get(LAUNCHER, None):
        launcher.leave()


def _claim_databases(config: pytest.Config, launcher: Launcher) -> None:
    """Two runs would drop each other's test databases."""
    lock = claim(launcher.places.var_dir / "tests.lock")
    if lock is None:
        launcher.leave()
        pytest.exit(
            "Another test run uses these servers: give this one its own, for example VAR_DIR=/tmp/second pytest.",
            returncode=pytest.ExitCode.USAGE_ERROR,
        )
    config.stash[CLAIM] = lock


def _is_xdist_worker(config: pytest.Config) -> bool:
    """Workers use the servers of the process that has started them."""
    return hasattr(config, "workerinput")
