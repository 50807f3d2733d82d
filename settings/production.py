"""Production: every secret and address comes from the environment, and nothing has a default that could leak in."""

import os
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from .base import *  # noqa: F403
from .connections import connect, var_dir

REQUIRED = ("SECRET_KEY", "DATABASE_URL", "REDIS_URL", "ALLOWED_HOSTS")
PROXY_COUNT_DEFAULT = "1"  # our TLS end, which sets X-Forwarded-Proto and X-Forwarded-For itself
HSTS_SECONDS = 365 * 24 * 60 * 60

if os.environ.get("ALLOWED_HOSTS", "").startswith("*") and not os.environ.get("SITE_URL"):
    raise ImproperlyConfigured("Set SITE_URL: mails and QR codes have to lead to a host, and ALLOWED_HOSTS names none.")

if missing := [name for name in REQUIRED if not os.environ.get(name)]:
    raise ImproperlyConfigured(f"Set {', '.join(missing)} in the environment: production has no default for it.")

VAR_DIR = var_dir()
_connections = connect(VAR_DIR)

EMBEDDED_SERVERS = _connections.embedded
DATABASES = _connections.databases
REDIS_URL = _connections.redis_url
CACHES = _connections.caches
CELERY_BROKER_URL = _connections.broker_url

SECRET_KEY = os.environ["SECRET_KEY"]
# Posters hang longer than secrets live: what signs their codes may be kept apart, the newest first.
SHARE_CODE_KEYS = os.environ.get("SHARE_CODE_KEYS", "").split()

# Mail goes out through this server; without one it waits in the queue, and an operator sees it there.
EMAIL_HOST = os.environ.get("EMAIL_HOST", "localhost")
EMAIL_PORT = int(os.environ.get("EMAIL_PORT") or 25)
EMAIL_HOST_USER = os.environ.get("EMAIL_HOST_USER", "")
EMAIL_HOST_PASSWORD = os.environ.get("EMAIL_HOST_PASSWORD", "")
EMAIL_USE_TLS = os.environ.get("EMAIL_USE_TLS") == "1"
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = os.environ.get("DEFAULT_FROM_EMAIL") or f"marketplace@{os.environ['ALLOWED_HOSTS'].split(',')[0]}"
# What mails and QR codes begin with; a host of "*" or ".example" is not one that a browser can go to.
SITE_URL = (
    os.environ.get("SITE_URL", "").rstrip("/") or f"https://{os.environ['ALLOWED_HOSTS'].split(',')[0].lstrip('.')}"
)
DEBUG = False
ALLOWED_HOSTS = os.environ["ALLOWED_HOSTS"].split(",")
CSRF_TRUSTED_ORIGINS = [f"https://{host}" for host in ALLOWED_HOSTS if host != "*"]

STATIC_ROOT = Path(os.environ.get("STATIC_ROOT") or VAR_DIR / "static")
MEDIA_ROOT = Path(os.environ.get("MEDIA_ROOT") or VAR_DIR / "media")
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
WHITENOISE_USE_FINDERS = False

# TLS ends at a proxy of ours. Without one (TRUSTED_PROXY_COUNT=0) its headers are a stranger's word.
TRUSTED_PROXY_COUNT = int(os.environ.get("TRUSTED_PROXY_COUNT") or PROXY_COUNT_DEFAULT)
if TRUSTED_PROXY_COUNT:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_SSL_REDIRECT = True
SECURE_REDIRECT_EXEMPT = [r"^(healthz|readyz|metrics)$"]  # asked for inside, without TLS
SECURE_HSTS_SECONDS = HSTS_SECONDS
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
SECURE_HSTS_PRELOAD = True
SESSION_COOKIE_SECURE = True
CSRF_COOKIE_SECURE = True
