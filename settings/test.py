"""Tests: servers of their own that forget when the machine stops, so that they are fast and never touch the demo."""

from datetime import timedelta

from core.logs import logging_settings

from .base import *  # noqa: F403
from .connections import connect, var_dir

VAR_DIR = var_dir() / "test"
_connections = connect(VAR_DIR, durable=False)

EMBEDDED_SERVERS = _connections.embedded
DATABASES = _connections.databases
REDIS_URL = _connections.redis_url
CACHES = _connections.caches
CELERY_BROKER_URL = _connections.broker_url

SECRET_KEY = "only for tests"  # noqa: S105
ALLOWED_HOSTS = ["*"]
STATIC_ROOT = VAR_DIR / "static"
MEDIA_ROOT = VAR_DIR / "media"
WHITENOISE_AUTOREFRESH = True  # Found when asked for: reading every static file costs each test client 20 ms.

INSTALLED_APPS = [*INSTALLED_APPS, "demo"]  # noqa: F405
DEMO_PASSWORD = "open-every-door"  # noqa: S105
CLOCK_ADJUSTABLE = True
SCAN_AGENTS_OF_PEOPLE = ("HeadlessChrome",)  # tests drive one where a person would sit
POST_OFFICE = {**POST_OFFICE, "BACKENDS": {"default": "django.core.mail.backends.locmem.EmailBackend"}}  # noqa: F405
PORTAL_PROVIDER = "local"
SHARE_ORDER_AFTER_SCAN_MIN = timedelta()  # tests scan and order at once; those of the guards set their own
SHARE_BURST_ORDERS_MAX = 1_000
IDENTITY_PROVIDERS_DEMO = ("demo-id", "demo-bank")
IDENTITY_SERVERS = {"demo-bank": "demo.bank.DemoBank"}  # keeps its customers' money itself
LOGGING = logging_settings(json=False)
AREAS_LOOK_SECONDS = 0.0  # each test has areas of its own
MESSAGE_STREAM_SECONDS_MAX = 0.0  # a stream says what there is and ends; tests of streams that go on set it
