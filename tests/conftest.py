"""
What every test may use.

`db` (rolled back) is the rule. `committed_db` is for tests that commit, use threads or processes: a
clone of the migrated database, thrown away afterwards; never use both in one test. The account
fixtures use whichever of the two the test has.
"""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from itertools import count
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.db import connection, connections
from django.test import Client
from django.test.utils import CaptureQueriesContext, setup_databases, teardown_databases
from psycopg2 import sql

from accounts import sessions
from accounts.models import Account

pytest_plugins = ["tests.plugins.servers", "tests.plugins.caches"]

PASSWORD = "correct horse battery staple"
_numbers = count(1)


# --- Databases ------------------------------------------------------------------------------


@dataclass(frozen=True)
class ClonedDatabase:
    """A database of one test's own. `environment` lets a subprocess use it."""

    name: str
    url: str

    @property
    def environment(self) -> dict[str, str]:
        return {"DATABASE_URL": self.url, "DJANGO_SETTINGS_MODULE": "settings.test"}


@pytest.fixture(scope="session")
def django_db_setup(
    django_test_environment: None, django_db_blocker: Any, django_db_modify_db_settings: None
) -> Iterator[None]:
    """
    Make the migrated database, whichever tests run.

    pytest-django makes it only where a test names `db` itself, and ours ask for it by way of `database`:
    a run of such tests alone would go to the servers' own database.
    """
    with django_db_blocker.unblock():
        made = setup_databases(verbosity=0, interactive=False)
    yield
    with django_db_blocker.unblock():
        _send_away(connection.settings_dict["NAME"])  # A thread that a test left behind may be connected still.
        teardown_databases(made, verbosity=0)


@pytest.fixture
def committed_db(django_db_setup: None, django_db_blocker: Any) -> Iterator[ClonedDatabase]:
    """A clone of the migrated database that the test may commit to, thrown away after the test."""
    with django_db_blocker.unblock(), cloned_database() as clone:
        yield clone


@pytest.fixture(scope="class")
def class_committed_db(django_db_setup: None, django_db_blocker: Any) -> Iterator[ClonedDatabase]:
    """The same for all tests of a class: what one commits, the next one sees."""
    with django_db_blocker.unblock(), cloned_database() as clone:
        yield clone


@contextmanager
def cloned_database() -> Iterator[ClonedDatabase]:
    """Inside, every new connection of this process goes to a fresh clone of the migrated database."""
    template = connection.settings_dict["NAME"]
    name = f"{template}_{next(_numbers)}"
    _send_away(template)
    _administer("DROP DATABASE IF EXISTS {} WITH (FORCE)", sql.Identifier(name))
    _administer("CREATE DATABASE {} TEMPLATE {}", sql.Identifier(name), sql.Identifier(template))
    _use_database(name)
    try:
        yield ClonedDatabase(name, _url_of(name))
    finally:
        connections.close_all()
        _use_database(template)
        _administer("DROP DATABASE {} WITH (FORCE)", sql.Identifier(name))


def _send_away(name: str) -> None:
    """Nobody is connected to this database any more; an autovacuum worker goes by itself, and is the superuser's."""
    connection.close()
    _administer(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = {} AND backend_type = 'client backend'",
        sql.Literal(name),
    )


def _administer(statement: str, *parts: sql.Composable) -> None:
    with connection._nodb_cursor() as cursor:
        cursor.execute(sql.SQL(statement).format(*parts))


def _use_database(name: str) -> None:
    """Threads share this dictionary, so their connections follow."""
    settings.DATABASES["default"]["NAME"] = name
    connection.settings_dict["NAME"] = name


def _url_of(name: str) -> str:
    given = connection.settings_dict
    credentials = ":".join(filter(None, (given["USER"], given["PASSWORD"])))
    place = f"host={given['HOST']}&port={given['PORT'] or 5432}"
    return f"postgres://{credentials}@/{name}?{place}"


@pytest.fixture
def database(request: pytest.FixtureRequest) -> None:
    """Whichever database the test asks for; `db` where it asks for none."""
    for committed in ("committed_db", "class_committed_db"):
        if committed in request.fixturenames:
            request.getfixturevalue(committed)
            return
    request.getfixturevalue("db")


@pytest.fixture
def race() -> Callable[..., list[Any]]:
    """`race(f, g)` starts all at the same moment and returns their results or exceptions, in order."""
    return run_race


def run_race(*callables: Callable[[], Any]) -> list[Any]:
    """Each in a thread with a connection of its own; needs `committed_db` where they touch rows."""
    outcomes: list[Any] = [None] * len(callables)
    barrier = threading.Barrier(len(callables))

    def run(place: int) -> None:
        try:
            connection.ensure_connection()  # Connecting takes longer than what is raced for.
            barrier.wait(timeout=30)
            outcomes[place] = callables[place]()
        except Exception as raised:  # noqa: BLE001 - the test looks at it
            outcomes[place] = raised
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(place,), daemon=True) for place in range(len(callables))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert not any(thread.is_alive() for thread in threads), "The race never ended."
    return outcomes


class Statements(CaptureQueriesContext):
    """The SQL of a block, as the statement budgets count it."""

    UNCOUNTED = ("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE")

    @property
    def captured_queries(self) -> list[dict[str, str]]:
        return [query for query in super().captured_queries if not query["sql"].startswith(self.UNCOUNTED)]

    def __str__(self) -> str:
        return "\n".join(f"{number:3} {query['sql']}" for number, query in enumerate(self.captured_queries, 1))


@pytest.fixture
def statements() -> Callable[[], Statements]:
    """`with statements() as seen: …; assert len(seen) <= 10, str(seen)`"""
    return lambda: Statements(connection)


# --- Accounts -------------------------------------------------------------------------------


@cache
def _password_hash() -> str:
    """Argon2 is slow on purpose: one hash serves every account."""
    return make_password(PASSWORD)


def make_account(*, kind: str = "personal", side: str = "buyer", operator: bool = False, **fields: Any) -> Account:
    number = next(_numbers)
    who = "operator" if operator else side
    return Account.objects.create(
        **{
            "username": f"{who}-{number}",
            "name": f"{who.capitalize()} {number}",
            "password": _password_hash(),
            "kind": kind,
            "side": "" if operator else side,
            "is_staff": operator,
            "is_superuser": operator,
            **fields,
        }
    )


@pytest.fixture
def new_account(database: None) -> Callable[..., Account]:
    """`new_account(kind="enterprise", side="seller")`; their password is `PASSWORD`."""
    return make_account


@pytest.fixture
def buyer(new_account: Callable[..., Account]) -> Account:
    return new_account(side="buyer")


@pytest.fixture
def seller(new_account: Callable[..., Account]) -> Account:
    return new_account(side="seller")


@pytest.fixture
def operator(new_account: Callable[..., Account]) -> Account:
    return new_account(operator=True)


# --- The API --------------------------------------------------------------------------------


class Api:
    """
    One caller of the API: `api(buyer).post("/orders", {...}, key="k1").json()`.

    Paths begin behind /api/v1. Further keywords are headers: `acting_account="acc_…"`.
    """

    def __init__(self, account: Account | None, token: str | None = None) -> None:
        self.account = account
        self.token = token or (sessions.open_session(account=account).token if account else None)
        self.client = Client()

    def get(self, path: str, query: dict[str, Any] | None = None, **headers: str) -> Any:
        return self.client.get(f"/api/v1{path}", query, headers=self._headers(headers))

    def post(self, path: str, body: Any = None, *, key: str | None = None, **headers: str) -> Any:
        return self.send("POST", path, body, key=key, **headers)

    def put(self, path: str, body: Any = None, *, key: str | None = None, **headers: str) -> Any:
        return self.send("PUT", path, body, key=key, **headers)

    def patch(self, path: str, body: Any = None, *, key: str | None = None, **headers: str) -> Any:
        return self.send("PATCH", path, body, key=key, **headers)

    def delete(self, path: str, body: Any = None, *, key: str | None = None, **headers: str) -> Any:
        return self.send("DELETE", path, body, key=key, **headers)

    def send(self, method: str, path: str, body: Any = None, *, key: str | None = None, **headers: str) -> Any:
        """A body of bytes or text is sent as it is."""
        raw = "" if body is None else body if isinstance(body, bytes | str) else json.dumps(body)
        content_type = headers.pop("content_type", "application/json")
        if key is not None:
            headers["idempotency_key"] = key
        return self.client.generic(
            method, f"/api/v1{path}", raw, content_type=content_type, headers=self._headers(headers)
        )

    def _headers(self, headers: dict[str, str]) -> dict[str, str]:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return ({"Authorization": f"Bearer {self.token}"} if self.token else {}) | named


@pytest.fixture
def browser(database: None) -> Callable[[Account], Client]:
    """
    `browser(operator).get("/admin/")`: a browser that is logged in.

    Django's own `force_login` is not enough: who is logged in is decided by our session's row.
    """

    def open_browser(account: Account) -> Client:
        client = Client()
        client.force_login(account)
        sessions.open_session(account=account, token=client.cookies[settings.SESSION_COOKIE_NAME].value)
        return client

    return open_browser


@pytest.fixture
def api(database: None) -> Callable[..., Api]:
    """`api(account)` calls as that account, `api()` as nobody."""
    return lambda account=None, token=None: Api(account, token)
