"""What machines ask: /healthz, /readyz, /metrics."""

import re
from unittest.mock import patch

import pytest
import redis
from django.db import DatabaseError, connection
from django.test import Client

from core import health, metrics


class TestHealth:
    """Does it live, can it work."""

    def test_a_living_process_says_so_without_the_database(self):
        answer = Client().get("/healthz")

        assert (answer.status_code, answer.json()) == (200, {"status": "ok"})

    def test_it_is_ready_with_the_database_and_every_migration(self, db):
        answer = Client().get("/readyz")

        assert (answer.status_code, answer.json()) == (200, {"status": "ok", "database": "ok", "redis": "ok"})

    def test_without_redis_it_is_still_ready(self, db):
        with patch.object(health._redis(), "ping", side_effect=redis.ConnectionError):
            answer = Client().get("/readyz")

        assert (answer.status_code, answer.json()["redis"]) == (200, "down")

    def test_without_the_database_it_is_not(self, db):
        with patch.object(connection, "cursor", side_effect=DatabaseError):
            answer = Client().get("/readyz")

        assert (answer.status_code, answer.json()["database"]) == (503, "down")

    def test_a_missing_migration_makes_it_wait(self, db, monkeypatch):
        monkeypatch.setattr(health._Migrations, "applied", False)
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM django_migrations WHERE app = 'core'")

        answer = Client().get("/readyz")

        assert (answer.status_code, answer.json()["database"]) == (503, "migrations missing")


class TestMetrics:
    """Figures for Prometheus."""

    def test_requests_are_counted_by_route_and_status(self, buyer, api):
        def count() -> float:
            shown = Client().get("/metrics").content.decode()
            found = re.search(
                r'marketplace_requests_total\{method="GET",route="api/v1/account",status="200"\} (\S+)', shown
            )
            return float(found[1]) if found else 0

        before = count()
        api(buyer).get("/account")
        assert count() == before + 1

    def test_paths_of_strangers_make_no_new_figures(self, db, api):
        api().get("/no/such/path")

        assert b"such" not in Client().get("/metrics").content
        assert b'route="nowhere"' in Client().get("/metrics").content

    def test_a_room_shows_its_own(self, db, monkeypatch):
        monkeypatch.setattr(metrics, "_gauges", {})
        metrics.register_gauge("queue_age_seconds", "Oldest.", lambda: [(["billing"], 1.5)], labels=["consumer"])

        assert b'queue_age_seconds{consumer="billing"} 1.5' in Client().get("/metrics").content

    def test_what_one_room_cannot_say_is_left_out(self, db, monkeypatch):
        def unknown():
            raise DatabaseError

        monkeypatch.setattr(metrics, "_gauges", {})
        metrics.register_gauge("unknown", "?", unknown)
        metrics.register_gauge("known", "!", lambda: [([], 1)])

        answer = Client().get("/metrics")
        assert answer.status_code == 200
        assert b"known 1.0" in answer.content


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_nobody_keeps_these_answers(db, path):
    assert "no-store" in Client().get(path)["Cache-Control"]
