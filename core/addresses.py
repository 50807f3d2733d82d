"""Where a request comes from, as far as somebody we trust says so."""

import ipaddress

from django.conf import settings
from django.http import HttpRequest

IPV6_HOUSEHOLD_BITS = 64  # One subscriber has a whole /64 and could use a new address for every try.


def client_address(request: HttpRequest) -> str:
    """
    Return the client's address: the one that the outermost proxy of ours saw.

    Each of `TRUSTED_PROXY_COUNT` proxies appends what it saw to X-Forwarded-For; whatever stands
    before that was written by the client. IPv6 addresses are cut to their /64.
    """
    seen_by_us = request.META.get("REMOTE_ADDR", "")
    forwarded = [part.strip() for part in request.headers.get("X-Forwarded-For", "").split(",")]
    hops = [*filter(None, forwarded), seen_by_us]
    trusted = settings.TRUSTED_PROXY_COUNT
    return _household(hops[-trusted - 1] if trusted < len(hops) else hops[0], otherwise=seen_by_us)


def _household(raw: str, *, otherwise: str) -> str:
    try:
        address = ipaddress.ip_address(raw)
    except ValueError:
        return otherwise
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((address.packed, IPV6_HOUSEHOLD_BITS), strict=False).network_address)
    return str(address)
