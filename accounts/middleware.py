"""Who uses the pages: the browser's session, found in the same way as for the API."""

from django.contrib.auth.middleware import AuthenticationMiddleware
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from accounts.browser import account_of


class BrowserSession(AuthenticationMiddleware):
    """`request.user` is the acting account of a living browser session: rights are its rights only."""

    def process_request(self, request: HttpRequest) -> None:
        request.user = SimpleLazyObject(lambda: account_of(request))  # type: ignore[assignment]
