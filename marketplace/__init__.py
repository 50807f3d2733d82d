"""The composition root: urls, Celery, WSGI and ASGI, the embedded servers. No logic."""

from marketplace.celery import app as celery_app

__all__ = ["celery_app"]
