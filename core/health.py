"""What machines ask a process: does it live, can it work, and what are its figures."""

from functools import cache
from typing import Any

import redis
from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST
from redis.backoff import NoBackoff
from redis.retry import Retry

from core.metrics import exposition

REDIS_SECONDS_MAX = 0.2


@never_cache
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """The process is up and answers. Nothing else is asked: a restart would not help a dead database."""
    return JsonResponse({"status": "ok"})


@never_cache
@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """
    The process can serve requests: the database is there, with every migration.

    Redis is reported and not required: without it requests succeed, and the workers look for themselves.
    """
    checks: dict[str, Any] = {"database": database_state(), "redis": redis_state()}
    ready = checks["database"] == "ok"
    return JsonResponse({"status": "ok" if ready else "unavailable", **checks}, status=200 if ready else 503)


@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Figures for Prometheus; a proxy keeps them from the world."""
    return HttpResponse(exposition(), content_type=CONTENT_TYPE_LATEST)


def database_state() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        return "ok" if _Migrations.are_applied() else "migrations missing"
    except DatabaseError:
        return "down"


class _Migrations:
    """Looked up until they are applied, and never again: reading the plan loads every migration."""

    applied = False

    @classmethod
    def are_applied(cls) -> bool:
        if not cls.applied:
            executor = MigrationExecutor(connection)
            cls.applied = not executor.migration_plan(executor.loader.graph.leaf_nodes())
        return cls.applied


def redis_state() -> str:
    try:
        _redis().ping()
    except redis.RedisError:
        return "down"
    return "ok"


@cache
def _redis() -> redis.Redis:
    return redis.Redis.from_url(
        settings.REDIS_URL,
        socket_timeout=REDIS_SECONDS_MAX,
        socket_connect_timeout=REDIS_SECONDS_MAX,
        retry=Retry(NoBackoff(), 0),
    )
