"""The embedded PostgreSQL."""

import os
import shutil
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import psycopg2
from psycopg2 import sql

from .binaries import postgres_programs
from .errors import ServersUnavailable
from .places import POSTGRES_PORT, Places
from .processes import Process, is_living
from .server import EmbeddedServer

SUPERUSER = "postgres"
ROLE = "marketplace"
DATABASE = "marketplace"
CONNECT_SECONDS_MAX = 5
INITDB_SECONDS_MAX = 120

HERE = "/proc/self/cwd"
"""
The data directory, as the server sees it: its working directory.

It is entered before root's rights are dropped, so nobody needs a right to walk there: VAR_DIR may lie in
root's closed home, be as long as it likes and have any name.
"""

OPTIONS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "port": str(POSTGRES_PORT),
    "max_connections": "200",
    "max_wal_size": "4GB",
    "shared_buffers": "1GB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %q%d ",
}
# Autovacuum runs as a superuser, and so its workers keep our role from dropping a test's database by force.
FORGETFUL_OPTIONS = {"fsync": "off", "full_page_writes": "off", "autovacuum": "off"}
"""Safe when the server is killed, not when the machine stops: what was committed is with the system by then."""


class Postgres(EmbeddedServer):
    """
    PostgreSQL 18 from a wheel, with the database and the role of the marketplace.

    The role owns its database and may make others (the tests do); it is no superuser, as in production.
    A server that is not `durable` is faster and loses its data when the machine stops: for tests.
    """

    name = "PostgreSQL"
    process_names = ("postgres",)
    start_seconds_max = 300.0  # the recovery after a crash may take minutes
    stop_signals: ClassVar = ((signal.SIGINT, 30.0), (signal.SIGQUIT, 10.0))  # fast, then immediate shutdown

    def __init__(self, places: Places, *, durable: bool = True) -> None:
        super().__init__(places)
        self.durable = durable

    @property
    def data(self) -> Path:
        return self.places.postgres_data

    @property
    def log(self) -> Path:
        return self.places.logs / "postgres.log"

    @property
    def socket(self) -> Path:
        return self.places.sockets / f".s.PGSQL.{POSTGRES_PORT}"

    def command(self) -> Sequence[str]:
        options = {**OPTIONS, "unix_socket_directories": str(self.places.sockets)}
        if not self.durable:
            options |= FORGETFUL_OPTIONS
        arguments = [argument for name, value in options.items() for argument in ("-c", f"{name}={value}")]
        return [str(postgres_programs(self.owner) / "postgres"), "-D", HERE, *arguments]

    def leads(self, process: Process) -> bool:
        """The pid file says which one is the postmaster; the others serve it or have lost it."""
        return process.pid == _pid_in(self.data / "postmaster.pid")

    def answers(self) -> bool:
        try:
            self._connect(SUPERUSER).close()
        except psycopg2.OperationalError:
            return False
        return True

    def prepare(self) -> None:
        if not self.data.exists():
            self._make_data()
        super().prepare()
        self._remove_misleading_locks()

    def complete(self) -> None:
        """The role and the database, each made where it is missing: the start before may have been broken off."""
        connection = self._connect(SUPERUSER)
        connection.autocommit = True
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [ROLE])
                if cursor.fetchone() is None:
                    cursor.execute(sql.SQL("CREATE ROLE {} LOGIN CREATEDB").format(sql.Identifier(ROLE)))
                cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE])
                if cursor.fetchone() is None:
                    names = map(sql.Identifier, (DATABASE, ROLE))
                    cursor.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(*names))
        finally:
            connection.close()

    def _connect(self, user: str) -> "psycopg2.extensions.connection":
        return psycopg2.connect(
            host=str(self.places.sockets),
            port=POSTGRES_PORT,
            user=user,
            dbname="postgres",
            connect_timeout=CONNECT_SECONDS_MAX,
        )

    def _make_data(self) -> None:
        """Made aside and renamed when complete: a broken `initdb` leaves nothing that looks like data."""
        aside = self.data.with_name(f"{self.data.name}.new")
        if aside.exists():
            shutil.rmtree(aside)
        self.owner.make_private(aside)
        done = subprocess.run(  # noqa: S603 - our own command line
            self._initdb_command(),
            cwd=aside,
            env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
            capture_output=True,
            text=True,
            timeout=INITDB_SECONDS_MAX,
            check=False,
            **self.owner.run_as(),
        )
        if done.returncode != 0:
            raise ServersUnavailable(f"PostgreSQL cannot make its data directory: {done.stderr.strip()}")
        aside.rename(self.data)

    def _initdb_command(self) -> list[str]:
        """The built-in locale: the same order of letters on every machine. Trust: the sockets are private."""
        command = [str(postgres_programs(self.owner) / "initdb"), f"--pgdata={HERE}", f"--username={SUPERUSER}"]
        command += ["--auth=trust", "--encoding=UTF8", "--locale=C"]
        command += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--no-instructions"]
        return command if self.durable else [*command, "--no-sync"]

    def _remove_misleading_locks(self) -> None:
        """
        PostgreSQL takes any living process named in a lock file for itself and refuses to start.

        No server of this data directory runs (the caller has seen to it), so a living one is a foreign
        process that got the number. Lock files of the dead it removes itself.
        """
        for lock in (self.data / "postmaster.pid", self.socket.with_name(f"{self.socket.name}.lock")):
            pid = _pid_in(lock)
            if pid is not None and is_living(pid):
                lock.unlink()


def _pid_in(lock: Path) -> int | None:
    try:
        first_line = lock.read_text().split("\n", 1)[0].strip()
    except FileNotFoundError:
        return None
    return int(first_line) if first_line.isdigit() else None
