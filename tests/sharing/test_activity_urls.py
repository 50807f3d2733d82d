"""Where a share may lead, and what tricks of addresses come to."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from urllib3.util import parse_url

from sharing.activity_urls import activity_page, normalise_activity_url, normalise_host, with_scan
from sharing.errors import ActivityUrlNotAllowed

ITEM, OTHER = "itm_01J9ZK3Q6V8M2N4P6R8T0V2X4Z", "itm_01J9ZK3Q6V8M2N4P6R8T0V2X50"
SITE = "http://127.0.0.1:8000"
HOSTS = ("blog.example", "xn--mnchen-3ya.example")


def normalise(text: str) -> str:
    return normalise_activity_url(text, item=ITEM, hosts=HOSTS)


class TestAllowed:
    """Our pages of items, and https on registered hosts, however they are written."""

    @pytest.mark.parametrize(
        ("text", "kept"),
        [
            (f"{SITE}/items/{ITEM}", ""),
            (f"HTTP://127.0.0.1:8000/items/{ITEM}", ""),
            (f"{SITE}/items/{ITEM}?from=poster", f"{SITE}/items/{ITEM}?from=poster"),
            (f"{SITE}/items/{OTHER}", f"{SITE}/items/{OTHER}"),
            ("https://blog.example", "https://blog.example/"),
            ("hTTps://BLOG.Example:443/Tea?a=b&c=%2Fd", "https://blog.example/Tea?a=b&c=%2Fd"),
            ("https://münchen.example/grüner-tee?ö=ä", "https://xn--mnchen-3ya.example/gr%C3%BCner-tee?%C3%B6=%C3%A4"),
            ("https://ｂｌｏｇ.example/", "https://blog.example/"),
            ("https://blog.example/a//b;v=1/~c?d", "https://blog.example/a//b;v=1/~c?d"),
            ("https://blog.example/?scanned=1&rescan=2", "https://blog.example/?scanned=1&rescan=2"),
        ],
    )
    def test_it_is_kept_in_one_form(self, text: str, kept: str) -> None:
        assert normalise(text) == kept
        assert kept == "" or normalise(kept) == kept

    def test_our_host_is_the_one_that_the_setting_names(self, settings: Any) -> None:
        settings.SITE_URL = "https://shop.example"
        for text in (f"https://shop.example/items/{ITEM}", f"https://SHOP.example:443/items/{ITEM}"):
            assert normalise(text) == ""
        for text in (f"http://shop.example/items/{ITEM}", f"{SITE}/items/{ITEM}", "https://shop.example:444/"):
            with pytest.raises(ActivityUrlNotAllowed):
                normalise(text)

    def test_a_token_goes_behind_what_is_there(self) -> None:
        assert with_scan(activity_page(activity_url="", item=ITEM), "t0ken") == f"{SITE}/items/{ITEM}?scan=t0ken"
        assert with_scan("https://blog.example/?a=b", "t0ken") == "https://blog.example/?a=b&scan=t0ken"


class TestRefused:
    """What leads elsewhere for anybody who reads it, or may be read in two ways."""

    @pytest.mark.parametrize(
        "text",
        [
            "https://evil.example/",
            "https://sub.blog.example/",
            "https://blog.example.evil.example/",
            "https://evil.example/blog.example",
            "https://evil.example?blog.example",
            "https://evil.example#blog.example",
            "https://evil.example;blog.example",
            # Schemes, and addresses without one.
            "http://blog.example/",
            "javascript:alert(1)",
            "javascript://blog.example/%0aalert(1)",
            "data:text/html,hi",
            "ftp://blog.example/",
            "//blog.example/",
            "///blog.example/",
            "/items/" + ITEM,
            "blog.example",
            "https:blog.example",
            "https:/blog.example/",
            "https:///blog.example/",
            # Whoever stands before the @.
            "https://blog.example@evil.example/",
            "https://evil.example@blog.example/",
            "https://blog.example:x@evil.example/",
            "https://@blog.example/",
            "https://blog.example%40evil.example/",
            # Slashes that lean the other way.
            "https:\\\\blog.example/",
            "https://evil.example\\.blog.example/",
            "https://evil.example\\@blog.example/",
            "https://blog.example\\@evil.example/",
            "https://blog.example/\\evil.example",
            # What some readers skip.
            " https://blog.example/",
            "https://blog.example/ ",
            "https://blog.example/a b",
            "ht\ttps://blog.example/",
            "https://blog\n.example/",
            "https://blog.example/\r\nLocation: https://evil.example/",
            "https://blog.example/\x00",
            "https://blog.example/\u2028",
            "https://blog\u00ad.example/",
            "https://blog\u200b.example/",
            "https://blog.example/\u202etxt",
            # Ports, and numbers for names.
            "https://blog.example:444/",
            "https://blog.example:/",
            "https://blog.example:80/",
            "https://blog.example:0443443/",
            "https://blog.example:٤٤٣/",
            "https://127.0.0.1/",
            "https://2130706433/",
            "https://0x7f.1/",
            "https://[::1]/",
            # Names that look like others.
            "https://blog.example./",
            "https://.blog.example/",
            "https://blog..example/",
            "https://b%6cog.example/",
            "https://blоg.example/",
            "https://xn--zz.example/",
            "https://blog_.example/",
            "https://blog。example。evil.example/",
            "https://BLOG.EXAMPLE.evil.example/",
            # Ways up, and separators in disguise.
            "https://blog.example/../a",
            "https://blog.example/./a",
            "https://blog.example/%2e%2e/a",
            "https://blog.example/.%2E/a",
            "https://blog.example/a%2fb",
            "https://blog.example/a%5Cb",
            "https://blog.example/%zz",
            "https://blog.example/?a=%",
            # A fragment, and a token beside which ours would mean nothing.
            "https://blog.example/#a",
            "https://blog.example/?scan=x",
            "https://blog.example/?a=b&SCAN=x",
            "https://blog.example/?sc%61n=x",
            "https://blog.example/?a&scan",
            # Our own host, elsewhere.
            SITE,
            f"{SITE}/",
            f"{SITE}/log-out",
            f"{SITE}/admin/",
            f"{SITE}/s/ABC",
            f"{SITE}/items/{ITEM}/",
            f"{SITE}//items/{ITEM}",
            f"{SITE}/items/{ITEM}/../../admin/",
            f"{SITE}/items/{ITEM}%2f..%2f..%2fadmin",
            f"https://127.0.0.1:8000/items/{ITEM}",
            f"http://127.0.0.1/items/{ITEM}",
            f"http://127.0.0.1:8001/items/{ITEM}",
            f"http://127.1:8000/items/{ITEM}",
            f"http://localhost:8000/items/{ITEM}",
            "https://blog.example/" + "a" * 500,
            "https://blog.example/" + "ä" * 100,
            "",
        ],
    )
    def test_it_is_no_activity_page(self, text: str) -> None:
        with pytest.raises(ActivityUrlNotAllowed):
            normalise(text)

    @given(
        st.text(max_size=60), st.sampled_from(["", "https://", "https://blog.example", "https://blog.example/", SITE])
    )
    def test_whatever_passes_is_on_a_registered_host_for_another_reader_too(self, text: str, before: str) -> None:
        try:
            kept = normalise(before + text)
        except ActivityUrlNotAllowed:
            return
        read = parse_url(kept)
        assert (read.scheme, read.host, read.port, read.auth) in {
            ("https", "blog.example", None, None),
            ("https", "xn--mnchen-3ya.example", None, None),
        }
        assert normalise(kept) == kept
        assert kept.isascii()
        assert not set(kept) & set("\\#@ \t\r\n")


class TestHosts:
    """What a seller may register."""

    @pytest.mark.parametrize(
        ("text", "kept"),
        [
            ("Blog.Example", "blog.example"),
            ("a.b.c.example", "a.b.c.example"),
            ("例え.テスト", "xn--r8jz45g.xn--zckzah"),
            ("xn--r8jz45g.xn--zckzah", "xn--r8jz45g.xn--zckzah"),
        ],
    )
    def test_public_names_are_kept_in_one_form(self, text: str, kept: str) -> None:
        assert normalise_host(text) == normalise_host(kept) == kept

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "localhost",
            "example",
            "a.example.",
            "a.example:443",
            "a.example/",
            "https://a.example",
            "*.example.com",
            "127.0.0.1",
            "1.2.3",
            "[::1]",
            "a b.example",
            " a.example",
            "a.example\n",
            "user@a.example",
            "-a.example",
            "a..example",
            "a.0x7f",
            "a" * 64 + ".example",
            "a." * 126 + "example",
        ],
    )
    def test_all_else_is_none(self, text: str) -> None:
        assert normalise_host(text) is None

    def test_ours_needs_no_registering(self, settings: Any) -> None:
        settings.SITE_URL = "https://shop.example"
        assert normalise_host("Shop.Example") is None
        assert normalise_host("blog.shop.example") == "blog.shop.example"
