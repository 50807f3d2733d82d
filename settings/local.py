"""The demo and everybody's own machine: servers of our own under VAR_DIR, nothing to set up."""

import os
import secrets
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from core.logs import logging_settings
from marketplace.run.address import Address

from .base import *  # noqa: F403
from .connections import connect, var_dir

VAR_DIR = var_dir()
_connections = connect(VAR_DIR)

EMBEDDED_SERVERS = _connections.embedded
DATABASES = _connections.databases
REDIS_URL = _connections.redis_url
CACHES = _connections.caches
CELERY_BROKER_URL = _connections.broker_url


def _kept_secret(path: Path) -> str:
    """A secret made at the first start and kept for the next ones, readable by its owner only."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            _make_secret(path)
        return path.read_text()
    except OSError as refusal:
        raise ImproperlyConfigured(f"VAR_DIR cannot be used: {refusal}.") from refusal


def _make_secret(path: Path) -> None:
    """Written aside and linked when complete: of two first starts one wins, and both read its secret."""
    aside = path.with_name(f"{path.name}.{os.getpid()}")
    aside.touch(mode=0o600)
    aside.write_text(secrets.token_urlsafe(50))
    with suppress(FileExistsError):
        os.link(aside, path)
    aside.unlink()


SECRET_KEY = _kept_secret(VAR_DIR / "secret_key")
DEBUG = False

# Names of this machine only, unless HOST opens it: a page from elsewhere could else reach it under its own name.
HOST = os.environ.get("HOST") or "127.0.0.1"
ALLOWED_HOSTS = ["*"] if HOST in ("0.0.0.0", "::") else [".localhost", "127.0.0.1", "[::1]", HOST]  # noqa: S104
SITE_URL = os.environ.get("SITE_URL") or Address.wanted().url
STATIC_ROOT = VAR_DIR / "static"
MEDIA_ROOT = VAR_DIR / "media"

INSTALLED_APPS = [*INSTALLED_APPS, "demo"]  # noqa: F405
DEMO_PASSWORD = "open-every-door"  # noqa: S105 - everybody may know it; production has no demo
CLOCK_ADJUSTABLE = True
SCAN_AGENTS_OF_PEOPLE = ("HeadlessChrome",)  # the demo is shown and tried with browsers that programs drive
POST_OFFICE = {**POST_OFFICE, "BACKENDS": {"default": "django.core.mail.backends.console.EmailBackend"}}  # noqa: F405
PORTAL_PROVIDER = "local"
SHARE_ORDER_AFTER_SCAN_MIN = timedelta()  # whoever tries it out scans and orders at once
SHARE_BURST_ORDERS_MAX = 1_000
IDENTITY_PROVIDERS_DEMO = ("demo-id", "demo-bank")
IDENTITY_SERVERS = {"demo-bank": "demo.bank.DemoBank"}  # keeps its customers' money itself
LOGGING = logging_settings(json=False)
