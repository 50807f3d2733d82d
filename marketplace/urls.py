"""The whole site: every room's API under /api/v1/, the admin, and what machines ask for."""

from importlib.util import find_spec

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

from accounts import pages
from core.admin import tile_page

ROOMS = (  # Django tries the paths of one after the other: where the most requests go comes first.
    "orders",
    "core",
    "accounts",
    "catalog",
    "wallets",
    "distribution",
    "sharing",
    "notifications",
    "events",
    "billing",
    "ledger",
    "proofs",
)


def api_of_rooms() -> list[URLPattern | URLResolver]:
    """Every room that has an `api/urls.py` answers under the same root."""
    with_api = [room for room in ROOMS if find_spec(f"{room}.api") and find_spec(f"{room}.api.urls")]
    return [path("", include(f"{room}.api.urls")) for room in with_api]


urlpatterns = [
    path("", include("core.urls")),
    path("api/v1/", include(api_of_rooms())),
    path("", include("sharing.urls")),
    path("", include("catalog.urls")),
    path("", include("portal.urls")),
    path("admin/login/", pages.OperatorLogin.as_view()),
    path("admin/second-factor/", pages.OperatorSecondFactor.as_view(), name="second_factor"),
    path("admin/logout/", pages.OperatorLogout.as_view()),
    path("admin/password_change/", pages.OperatorPassword.as_view()),
    path("admin/cockpit/<slug:name>/", admin.site.admin_view(tile_page), name="cockpit-tile"),
    path("admin/", admin.site.urls),
]

handler400 = "core.api.problems.bad_request"
handler403 = "core.api.problems.forbidden"
handler404 = "core.api.problems.not_found"
handler500 = "core.api.problems.server_error"
