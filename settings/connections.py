"""How DATABASE_URL, REDIS_URL and VAR_DIR become settings, in one place."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import psycopg2
from django.core.exceptions import ImproperlyConfigured
from psycopg2.extensions import parse_dsn

from marketplace.servers import DATABASE, POSTGRES_PORT, ROLE, Embedded, Places

from . import base

VAR_DIR_DEFAULT = "var"
CONNECTION_SECONDS_MAX = 600  # how long a web thread keeps its connection: a new one plans all statements anew
CACHE_SOCKET_SECONDS_MAX = 0.25  # a frozen Redis costs a request no more than this
POSTGRES_ENGINE = "django.db.backends.postgresql"
URL_PARTS = {"NAME": "dbname", "USER": "user", "PASSWORD": "password", "HOST": "host", "PORT": "port"}
TIMEOUTS = (
    f"-c statement_timeout={base.DATABASE_STATEMENT_TIMEOUT_MS} -c lock_timeout={base.DATABASE_LOCK_TIMEOUT_MS}"
    f" -c idle_in_transaction_session_timeout={base.DATABASE_IDLE_TRANSACTION_TIMEOUT_MS}"
    " -c jit=off"  # Statements here take milliseconds; compiling one takes hundreds.
    " -c plan_cache_mode=force_generic_plan"  # What is prepared (core.prepared) looks rows up by keys: plan it once.
)


@dataclass(frozen=True)
class Connections:
    """The settings that say where PostgreSQL and Redis are."""

    databases: dict[str, Any]
    redis_url: str
    embedded: Embedded | None

    @property
    def caches(self) -> dict[str, Any]:
        options = {
            "SOCKET_TIMEOUT": CACHE_SOCKET_SECONDS_MAX,
            "SOCKET_CONNECT_TIMEOUT": CACHE_SOCKET_SECONDS_MAX,
            "IGNORE_EXCEPTIONS": True,  # Redis is never the book: without it, everything still works.
        }
        return {"default": {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": self.redis_url, "OPTIONS": options}}

    @property
    def broker_url(self) -> str:
        """Celery has its own way to write the address of a socket."""
        if not self.redis_url.startswith("unix:"):
            return self.redis_url
        return f"redis+socket://{quote(unquote(urlsplit(self.redis_url).path))}"


def connect(var_dir: Path | str, *, durable: bool = True) -> Connections:
    """The embedded servers under `var_dir`, unless DATABASE_URL or REDIS_URL name real ones."""
    database_url, redis_url = os.environ.get("DATABASE_URL"), os.environ.get("REDIS_URL")
    if database_url and redis_url:
        return Connections({"default": database_at(database_url)}, redis_url, None)
    places = Places.of(var_dir)
    embedded = Embedded(places, postgres=not database_url, redis=not redis_url, durable=durable)
    database = database_at(database_url) if database_url else embedded_database(places)
    return Connections({"default": database}, redis_url or f"unix://{places.redis_socket}", embedded)


def var_dir() -> Path:
    """VAR_DIR of the environment, a relative one counted from the project."""
    return Places.of(os.environ.get("VAR_DIR") or VAR_DIR_DEFAULT).var_dir


def embedded_database(places: Places) -> dict[str, Any]:
    return _completed({"NAME": DATABASE, "USER": ROLE, "HOST": str(places.sockets), "PORT": POSTGRES_PORT})


def database_at(url: str) -> dict[str, Any]:
    """
    The database a real URL names, read by PostgreSQL's own library: sockets and all its parameters included.

    :raises ImproperlyConfigured: it is not the URL of a PostgreSQL database.
    """
    if not url.startswith(("postgres://", "postgresql://")):
        raise ImproperlyConfigured("DATABASE_URL must begin with postgres:// or postgresql://.")
    try:
        options = parse_dsn(url)
    except psycopg2.ProgrammingError as refusal:
        raise ImproperlyConfigured(f"DATABASE_URL cannot be read: {str(refusal).strip()}.") from refusal
    if "dbname" not in options:
        raise ImproperlyConfigured("DATABASE_URL must name a database: postgres://user:password@host/name.")
    named = {setting: options.pop(part) for setting, part in URL_PARTS.items() if part in options}
    return _completed({**named, "OPTIONS": options})


def _completed(database: dict[str, Any]) -> dict[str, Any]:
    """Statements that run too long are ended by the server; a broken connection is noticed before its next use."""
    options = dict(database.get("OPTIONS", {}))
    options["options"] = f"{TIMEOUTS} {options.get('options', '')}".strip()
    kept = {"CONN_MAX_AGE": CONNECTION_SECONDS_MAX, "CONN_HEALTH_CHECKS": True}
    return {"ENGINE": POSTGRES_ENGINE, **kept, **database, "OPTIONS": options}
