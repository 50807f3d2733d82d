"""Scans need no session, so they get none."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.urls import resolve

from sharing.pages import SCANS_PATH


class ScansWithoutSession:
    """
    Answers scans before anything has looked at a cookie, let alone set one; passes everything else on.

    Stands right before the session's middleware.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path_info.startswith(f"/{SCANS_PATH}"):
            return self.get_response(request)
        request.resolver_match = match = resolve(request.path_info)
        return match.func(request, *match.args, **match.kwargs)
