"""The whole site, and beside it the bare view."""

from django.urls import path

from benchmarks.bare_scans.views import bare_scan
from marketplace.urls import handler400, handler404, handler500
from marketplace.urls import urlpatterns as site

__all__ = ["handler400", "handler404", "handler500", "urlpatterns"]

urlpatterns = [path("bare/<str:code>", bare_scan), *site]
