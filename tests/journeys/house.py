"""The whole house as `make run` starts it, in a directory of its own: real servers, web, workers and beat."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg2
import redis

from marketplace.servers import DATABASE, POSTGRES_PORT, PROJECT_DIR, ROLE, Embedded, Places
from marketplace.servers.server import EmbeddedServer

START_SECONDS_MAX = 120.0
STOP_SECONDS_MAX = 60.0
SOON = 30.0
POLL_SECONDS = 0.05
CHILDREN = ("--queues money", "--queues long", "celery --app marketplace beat", "gunicorn")


@dataclass(frozen=True)
class Answer:
    """What came back from the web."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class House:
    """`with House(var_dir) as house:` runs it inside the block."""

    var_dir: Path
    port: int = field(default_factory=lambda: free_port())

    def __enter__(self) -> "House":
        self.log = self.var_dir.with_suffix(".out")
        with self.log.open("wb") as log:
            self.run = subprocess.Popen(
                [sys.executable, "-m", "marketplace.run"],
                cwd=PROJECT_DIR,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        wait_for(lambda: "Ctrl-C stops everything" in self.output(), self.describe, seconds=START_SECONDS_MAX)
        return self

    def __exit__(self, *exception: object) -> None:
        self.run.send_signal(signal.SIGINT)
        try:
            self.run.wait(STOP_SECONDS_MAX)
        finally:
            if self.run.poll() is None:
                os.killpg(self.run.pid, signal.SIGKILL)

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        own = {"VAR_DIR": str(self.var_dir), "PORT": str(self.port), "DJANGO_SETTINGS_MODULE": "settings.local"}
        return kept | own

    def output(self) -> str:
        return self.log.read_text()

    def describe(self) -> str:
        return self.output()[-2000:]

    # --- What it serves -----------------------------------------------------------------------

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """One request; `headers` as keywords: `idempotency_key="k1"`."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}",
            data=None if body is None else json.dumps(body).encode(),
            method=method,
            headers={"Content-Type": "application/json"}
            | {name.replace("_", "-"): value for name, value in headers.items()},
        )
        try:
            with urllib.request.urlopen(request, timeout=SOON) as answer:
                return Answer(answer.status, dict(answer.headers), answer.read())
        except urllib.error.HTTPError as refusal:
            return Answer(refusal.code, dict(refusal.headers), refusal.read())

    def answers(self) -> bool:
        try:
            return self.call("GET", "/readyz").status == 200
        except OSError:
            return False

    def manage(self, *arguments: str | Path) -> "subprocess.Popen[str]":
        """A command in a second terminal."""
        return subprocess.Popen(
            [sys.executable, "manage.py", *map(str, arguments)],
            cwd=PROJECT_DIR,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def ask(self, statement: str) -> Any:
        """One value from the database; None while it does not answer."""
        try:
            connection = psycopg2.connect(
                host=str(Places.of(self.var_dir).sockets), port=POSTGRES_PORT, dbname=DATABASE, user=ROLE
            )
        except psycopg2.OperationalError:
            return None
        try:
            with connection.cursor() as cursor:
                cursor.execute(statement)
                row = cursor.fetchone()
                return row[0] if row else None
        except psycopg2.OperationalError:
            return None
        finally:
            connection.close()

    # --- Killing it, part by part ---------------------------------------------------------------

    def kill_child(self, part: str) -> None:
        """`kill -9` of the child whose command line contains `part`."""
        self.send_child(part, signal.SIGKILL)

    def kill_server(self, name: str) -> None:
        """`kill -9` of PostgreSQL or Redis."""
        self.send_server(name, signal.SIGKILL)

    def send_child(self, part: str, number: int) -> None:
        pid = self._find_child(part)
        assert pid is not None, f"No {part} runs."
        os.kill(pid, number)

    def send_server(self, name: str, number: int) -> None:
        server = next(each for each in self._servers() if each.name == name)
        running = server.find()
        assert running is not None, f"No {name} runs."
        running.send(number)

    def flush_redis(self) -> None:
        """Everything in it is gone: doorbells, queues, cache."""
        with redis.Redis(unix_socket_path=str(Places.of(self.var_dir).redis_socket)) as client:
            client.flushall()

    def is_whole(self) -> bool:
        """Everything runs again."""
        servers_answer = all(server.find() is not None and server.answers() for server in self._servers())
        return servers_answer and all(self._find_child(part) for part in CHILDREN)

    def _servers(self) -> list[EmbeddedServer]:
        return Embedded(Places.of(self.var_dir)).servers()

    def _find_child(self, part: str) -> int | None:
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and part in _command(entry) and _parent(entry) == self.run.pid:
                return int(entry.name)
        return None


def wait_for(condition: Callable[[], Any], describe: Callable[[], str] = str, *, seconds: float = SOON) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, describe()
        time.sleep(POLL_SECONDS)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _command(process: Path) -> str:
    try:
        return (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


def _parent(process: Path) -> int | None:
    try:
        found = re.search(r"^PPid:\s+(\d+)", (process / "status").read_text(), re.MULTILINE)
    except OSError:
        return None
    return int(found[1]) if found else None
