"""Where somebody is after a switch: on the same page, where it is one for the other account too."""

from typing import Any
from urllib.parse import urlsplit

from django.http import HttpRequest
from django.urls import Resolver404, resolve
from django.utils.http import url_has_allowed_host_and_scheme

from accounts.models import Account
from portal.belonging import belongs_to
from portal.pages.base import CustomerPage, Page
from portal.pages.starting import start_of


def landing(wanted: str, account: Account, request: HttpRequest) -> str:
    """Return the wanted address of ours, or where this account begins where that is no page for it."""
    is_ours = url_has_allowed_host_and_scheme(
        wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return wanted if is_ours and _is_page_for(urlsplit(wanted).path, account) else start_of(account)


def _is_page_for(path: str, account: Account) -> bool:
    try:
        found = resolve(path)
    except Resolver404:
        return False
    page: Any = getattr(found.func, "view_class", None)
    if page is None or not issubclass(page, Page) or page.lets_in:
        return False
    if not issubclass(page, CustomerPage):
        return True
    return page.side in ("", account.side) and belongs_to(account, side=page.side, address=found.kwargs)
