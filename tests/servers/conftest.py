"""Real servers in directories of their own; whatever a test leaves running is stopped after it."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg2
import pytest

from marketplace.servers import DATABASE, POSTGRES_PORT, ROLE, Embedded, Launcher, Places

Launch = Callable[..., Launcher]


@pytest.fixture
def launch(tmp_path: Path, open_dir: Path) -> Iterator[Launch]:
    """Join the servers of a VAR_DIR, one in `tmp_path` unless another is named (in `open_dir`, which outlives us)."""
    launchers: list[Launcher] = []

    def joined(var_dir: Path = tmp_path / "var") -> Launcher:
        launchers.append(Launcher(Embedded(Places.of(var_dir), durable=False)))
        launchers[-1].join()
        return launchers[-1]

    yield joined

    for launcher in launchers:
        launcher.leave()


@pytest.fixture
def open_dir() -> Iterator[Path]:
    """A short directory that everybody may enter, unlike `tmp_path`."""
    directory = Path(tempfile.mkdtemp(dir="/tmp", prefix="m"))
    directory.chmod(0o755)
    yield directory
    shutil.rmtree(directory)


class Notes:
    """Rows that are there or not, to see whether data have survived."""

    def __init__(self, launcher: Launcher) -> None:
        self._sockets = launcher.places.sockets

    def connect(self) -> "psycopg2.extensions.connection":
        connection = psycopg2.connect(host=str(self._sockets), port=POSTGRES_PORT, dbname=DATABASE, user=ROLE)
        connection.autocommit = True
        return connection

    def run(self, statement: str) -> list[tuple]:
        connection = self.connect()
        try:
            with connection.cursor() as cursor:
                cursor.execute(statement)
                return cursor.fetchall() if cursor.description else []
        finally:
            connection.close()

    def write(self, note: str) -> None:
        self.run("CREATE TABLE IF NOT EXISTS note (note text)")
        self.run(f"INSERT INTO note VALUES ('{note}')")

    def read(self) -> list[str]:
        return [note for (note,) in self.run("SELECT note FROM note")]
