"""The demo and everybody's own machine: servers of our own under VAR_DIR, nothing to set up."""

import os
import secrets
from pathlib import Path

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
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f"{path.name}.{os.getpid()}")
    if not path.exists():
        aside.touch(mode=0o600)
        aside.write_text(secrets.token_urlsafe(50))
        aside.rename(path)
    return path.read_text()


SECRET_KEY = _kept_secret(VAR_DIR / "secret_key")
DEBUG = False
ALLOWED_HOSTS = ["*"]
STATIC_ROOT = VAR_DIR / "static"
MEDIA_ROOT = VAR_DIR / "media"

CLOCK_ADJUSTABLE = True
