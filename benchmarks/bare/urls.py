"""The whole site, and beside it the bare view."""

from django.urls import path

from benchmarks.bare.views import BarePayment
from marketplace.urls import handler400, handler404, handler500
from marketplace.urls import urlpatterns as site

__all__ = ["handler400", "handler404", "handler500", "urlpatterns"]

urlpatterns = [path("api/v1/bare-payments", BarePayment.as_view()), *site]
