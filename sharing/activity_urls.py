"""
Where a share may lead: our own pages of items, and https on hosts that the seller has registered.

Browsers, libraries and people read addresses differently, and an address that two of them read differently is how one
is led elsewhere. So what is not plain is refused instead of understood; what passes is written anew from its checked
parts, and that is what is kept and redirected to.
"""

import re
from functools import lru_cache
from urllib.parse import quote, unquote, unquote_plus, urlsplit

import idna
from django.conf import settings
from django.urls import Resolver404, resolve

from core.pages import page_url
from sharing.errors import ActivityUrlNotAllowed
from sharing.models.shares import ACTIVITY_URL_LENGTH_MAX

ITEM_PAGE = "portal:item"
SCAN_PARAMETER = "scan"
HOST_LENGTH_MAX = 253

_DEFAULT_PORTS = {"http": 80, "https": 443}
_ADDRESS = re.compile(r"(?P<scheme>https?)://(?P<authority>[^/?]+)(?P<path>/[^?]*)?(\?(?P<query>.*))?", re.IGNORECASE)
_AUTHORITY = re.compile(r"(?P<host>[^:]+)(:(?P<port>[0-9]{1,5}))?", re.ASCII)
_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_HOST = re.compile(rf"({_LABEL}\.)+[a-z][a-z0-9-]{{0,61}}[a-z0-9]", re.ASCII)  # Never an address in numbers.
_NEVER = frozenset('\\@#<>"{}|^`')  # Read in more than one way, or the beginning of what we do not keep.
_STRAY_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_PAGES_REMEMBERED = 4096
_SAFE = "/?%:!$&'()*+,;=~-._[]"


def normalise_host(text: str) -> str | None:
    """
    Return a host as it is kept and compared: lower-case, Unicode in its ASCII form. None where it is no public name.

    Ports, addresses in numbers, names without a dot or with one at the end, and our own host are none.
    """
    host = None if _has_strange_characters(text) else _ascii_host(text)
    return None if host is None or host == _site()[1] else host


def normalise_activity_url(text: str, *, item: str, hosts: tuple[str, ...]) -> str:
    """
    Return an activity page's address as it is kept: empty where it is our own page of this very item (public id).

    `hosts`: those that the item's program allows beside our own, as `normalise_host` writes them.

    :raises ActivityUrlNotAllowed: it leads elsewhere, or can be read in more than one way.
    """
    parts = _ADDRESS.fullmatch(text)
    if parts is None or _has_strange_characters(text) or len(text) > ACTIVITY_URL_LENGTH_MAX:
        raise ActivityUrlNotAllowed
    place = _AUTHORITY.fullmatch(parts["authority"])
    if place is None:
        raise ActivityUrlNotAllowed
    scheme, path, query = parts["scheme"].lower(), _plain_path(parts["path"] or "/"), _plain_query(parts["query"])
    origin = (scheme, place["host"].lower(), int(place["port"] or _DEFAULT_PORTS[scheme]))
    rest = path if query is None else f"{path}?{query}"
    is_ours = origin == _site()
    found = _own_page(path, rest, item) if is_ours else f"https://{_registered_host(origin, hosts)}{rest}"
    if len(found) > ACTIVITY_URL_LENGTH_MAX:
        raise ActivityUrlNotAllowed("This address is too long once it is written plainly.")
    return found


def activity_page(*, activity_url: str, item: str) -> str:
    """Return the whole address that a share of an item (public id) leads to, without a token."""
    return activity_url or _page_of_item(item, settings.SITE_URL)


@lru_cache(_PAGES_REMEMBERED)
def _page_of_item(item: str, _site_url: str) -> str:
    """Finding an address costs as much as all else that Python does for a scan."""
    return page_url(ITEM_PAGE, item)


def with_scan(address: str, token: str) -> str:
    """Return a checked address with a scan's token behind it; the token has no character that needs quoting."""
    return f"{address}{'&' if '?' in address else '?'}{SCAN_PARAMETER}={token}"


def _site() -> tuple[str, str, int]:
    """Scheme, host and port that our pages' addresses begin with."""
    site = urlsplit(settings.SITE_URL)
    return site.scheme, site.hostname or "", site.port or _DEFAULT_PORTS[site.scheme]


def _own_page(path: str, rest: str, item: str) -> str:
    try:
        page = resolve(path)
    except Resolver404 as nowhere:
        raise ActivityUrlNotAllowed from nowhere
    if page.view_name != ITEM_PAGE:
        raise ActivityUrlNotAllowed("Of our own pages, only those of items can be shared.")
    is_plain = rest == path and page.args + tuple(page.kwargs.values()) == (item,)
    return "" if is_plain else f"{settings.SITE_URL}{rest}"


def _registered_host(origin: tuple[str, str, int], hosts: tuple[str, ...]) -> str:
    scheme, named, port = origin
    host = _ascii_host(named)
    if (scheme, port) != ("https", _DEFAULT_PORTS["https"]) or host is None or host not in hosts:
        raise ActivityUrlNotAllowed
    return host


def _ascii_host(text: str) -> str | None:
    try:
        host = idna.encode(text, uts46=True, std3_rules=True).decode() if text else ""
    except (idna.IDNAError, UnicodeError):
        return None
    return host if len(host) <= HOST_LENGTH_MAX and _HOST.fullmatch(host) else None


def _has_strange_characters(text: str) -> bool:
    """White space and what cannot be seen, which some readers skip; and what ends or begins a part for some."""
    return any(character.isspace() or not character.isprintable() or character in _NEVER for character in text)


def _plain_path(path: str) -> str:
    """:raises ActivityUrlNotAllowed: it climbs, or hides a separator."""
    segments = [unquote(segment) for segment in path.split("/")]
    if _STRAY_PERCENT.search(path) or any(part in (".", "..") or "/" in part or "\\" in part for part in segments):
        raise ActivityUrlNotAllowed
    return _quoted(path)


def _plain_query(query: str | None) -> str | None:
    """:raises ActivityUrlNotAllowed: it has a token of its own, beside which ours would mean nothing."""
    if query is None:
        return None
    names = {unquote_plus(pair.partition("=")[0]).lower() for pair in query.split("&")}
    if _STRAY_PERCENT.search(query) or SCAN_PARAMETER in names:
        raise ActivityUrlNotAllowed
    return _quoted(query)


def _quoted(text: str) -> str:
    return quote(text, safe=_SAFE)
