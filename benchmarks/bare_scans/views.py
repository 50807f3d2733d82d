"""One INSERT and a redirect: no code to check, no share to find, nobody to tell from a bot, no token to sign."""

from collections.abc import Callable

from django.db import connection
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import resolve

TABLE = """
CREATE TABLE IF NOT EXISTS bare_scan (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, code text NOT NULL, agent text NOT NULL,
    scanned_at timestamptz NOT NULL DEFAULT now()
)
"""


def bare_scan(request: HttpRequest, code: str) -> HttpResponse:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO bare_scan (code, agent) VALUES (%s, %s) RETURNING id",
            [code, request.headers.get("User-Agent", "")],
        )
        (scan,) = cursor.fetchone()
    response = HttpResponseRedirect(f"https://shop.example/spring?scan={scan}")
    response["Content-Length"] = "0"
    return response


class BareWithoutSession:
    """What `sharing.middleware` does for scans."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path_info.startswith("/bare/"):
            return self.get_response(request)
        request.resolver_match = match = resolve(request.path_info)
        return match.func(request, *match.args, **match.kwargs)
