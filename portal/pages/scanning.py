"""
How a scan travels through the pages: as `scan` in addresses and forms, and in nothing that a browser remembers.

A scan is bound to an account at the first use that the account's holder makes of it. That is a form that they send
(log-in, registration, order), and also a look at the item by somebody who is logged in: who scans a poster on the
way and orders at home with another browser has used it then, and will send no form before the order. A look counts
only where the browser shows its page to somebody who went there (`has_come_by_itself`): what is fetched in advance,
framed, or opened by another site without a click binds nothing. Binding twice is as binding once, so looking stays
harmless to repeat.
"""

from typing import Any

from django.http import HttpRequest
from django.utils.functional import cached_property
from django.utils.http import urlencode

from accounts.actor import Actor
from core import clock
from portal.pages.base import Page
from sharing.classifying import is_fetched_ahead
from sharing.models import ScanClaim
from sharing.services.claiming import Claimed, claim_scans
from sharing.tokens import TOKEN_LENGTH_MAX

SCAN = "scan"

_OWN_SITE = ("none", "same-origin", "same-site")


class ScanPage(Page):
    """A page that a scan passes through."""

    @cached_property
    def scan(self) -> str:
        """The token in the address or form; empty where there is none."""
        token = self.request.POST.get(SCAN) or self.request.GET.get(SCAN) or ""
        return token if len(token) <= TOKEN_LENGTH_MAX else ""

    def onward(self, path: str) -> str:
        """Return where to go on our own site, with the scan taken along."""
        return with_scan(path, self.scan)

    def claim_scan(self, actor: Actor) -> ScanClaim | None:
        """
        Bind the scan to who acts, and return the claim.

        One that cannot be bound is no hindrance: None, and the order says why it did not count.
        """
        if not self.scan:
            return None
        (outcome,) = claim_scans(tokens=[self.scan], account=actor.acting, login=actor.login, now=clock.now())
        return outcome.claim if isinstance(outcome, Claimed) else None

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        return super().get_context_data(scan=self.scan, **context)


def with_scan(path: str, scan: str) -> str:
    """Return an address of ours with the scan in it."""
    return with_query(path, {SCAN: scan})


def with_query(path: str, query: dict[str, str]) -> str:
    """Return an address of ours with further parameters; empty ones are left out."""
    written = urlencode({name: value for name, value in query.items() if value})
    return f"{path}{'&' if '?' in path else '?'}{written}" if written else path


def has_come_by_itself(request: HttpRequest) -> bool:
    """
    Whether somebody opened this page to look at it, as far as the browser says.

    Fetch metadata: a document of its own, and from our site, from outside the web (a camera, an address bar), or by a
    click. A browser that says nothing of it is believed.
    """
    if is_fetched_ahead(request.headers):
        return False
    if request.headers.get("Sec-Fetch-Dest", "document") != "document":
        return False
    return request.headers.get("Sec-Fetch-Site", "none") in _OWN_SITE or "Sec-Fetch-User" in request.headers
