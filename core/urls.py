"""What lies at the site's root and belongs to no room."""

from django.urls import path

from core import health
from core.api import documents

urlpatterns = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", health.metrics, name="metrics"),
    path("api/schema/", documents.schema, name="schema"),
    path("api/docs/", documents.pages, name="docs"),
]
