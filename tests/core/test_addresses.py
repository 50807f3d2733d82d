"""Whose address counts: the one that the outermost proxy of ours saw."""

import pytest
from django.test import RequestFactory

from core.addresses import client_address


@pytest.mark.parametrize(
    ("proxies", "forwarded", "peer", "address"),
    [
        (0, None, "203.0.113.1", "203.0.113.1"),
        (0, "198.51.100.9", "203.0.113.1", "203.0.113.1"),
        (1, "198.51.100.9", "10.0.0.1", "198.51.100.9"),
        (1, "6.6.6.6, 198.51.100.9", "10.0.0.1", "198.51.100.9"),
        (2, "6.6.6.6, 198.51.100.9, 10.0.0.2", "10.0.0.1", "198.51.100.9"),
        (2, "198.51.100.9", "10.0.0.1", "198.51.100.9"),
        (1, None, "10.0.0.1", "10.0.0.1"),
        (1, "not an address", "10.0.0.1", "10.0.0.1"),
        (1, "", "10.0.0.1", "10.0.0.1"),
        (0, None, "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        (0, None, "::ffff:203.0.113.1", "203.0.113.1"),
        (0, None, "", ""),
    ],
)
def test_the_client_is_who_our_outermost_proxy_saw(settings, proxies, forwarded, peer, address):
    settings.TRUSTED_PROXY_COUNT = proxies
    headers = {} if forwarded is None else {"X-Forwarded-For": forwarded}

    assert client_address(RequestFactory().get("/", headers=headers, REMOTE_ADDR=peer)) == address
