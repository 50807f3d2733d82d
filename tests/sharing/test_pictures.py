"""A share's QR code, drawn by one library and read by another, in whatever look somebody wants it."""

import struct
from itertools import product
from typing import Any

import pytest
from django.test import Client

from accounts.models import Account
from core.qr import QRPicture, draw_qr
from sharing.codes import share_code
from sharing.models import Share
from sharing.shares import share_url
from tests.qr_reader import read_qr, read_qr_in_png
from tests.sharing.programs import give, share
from tests.shop import offer

YOUNG_HOUSE = 32**10  # Shares: so many fit into ten digits.
CAPTION = 'Tea <b>& 茶</b> #link("x") for $1'
LOOKS = list(product("LMQH", ("", CAPTION), ("off", "on")))


@pytest.fixture
def shared(seller: Account, buyer: Account) -> Share:
    item = offer(seller)
    give(item)
    return share(buyer, item)


def size_of(png: bytes) -> tuple[int, int]:
    assert png.startswith(b"\x89PNG")
    return struct.unpack(">II", png[16:24])


def level_of(code: Any) -> int:
    """Its correction, from L to H; more than was asked for where the code has room for it anyway."""
    return "LMQH".index(code.ec_level)


class TestPictures:
    """GET /shares/{id}/qr.svg and /qr.png"""

    @pytest.mark.parametrize(("error", "caption", "logo"), LOOKS)
    def test_every_look_can_be_read(self, api: Any, shared: Share, error: str, caption: str, logo: str) -> None:
        wanted = {"size": 300, "error": error, "caption": caption, "logo": logo}
        png = api().get(f"/shares/{shared.public_id}/qr.png", wanted)
        svg = api().get(f"/shares/{shared.public_id}/qr.svg", wanted)

        assert (png["Content-Type"], svg["Content-Type"]) == ("image/png", "image/svg+xml")
        code = read_qr_in_png(png.content)
        assert code.text == read_qr(svg.content.decode()) == share_url(shared.pk)
        assert level_of(code) >= "LMQH".index("Q" if logo == "on" else error)
        assert level_of(code) >= "LMQH".index(error)
        width, height = size_of(png.content)
        assert width == 300
        assert (height > 300) == bool(caption)

    @pytest.mark.parametrize("size", [128, 2048])
    def test_the_smallest_and_the_largest_can_be_read(self, api: Any, shared: Share, size: int) -> None:
        png = api().get(f"/shares/{shared.public_id}/qr.png", {"size": size}).content
        assert size_of(png) == (size, size)
        assert read_qr_in_png(png).text == share_url(shared.pk)

    def test_everybody_gets_the_same_and_may_keep_it(self, api: Any, shared: Share, buyer: Account) -> None:
        path = f"/shares/{shared.public_id}/qr.svg"
        answers = [api().get(path), api(buyer).get(path)]
        assert answers[0].content == answers[1].content
        for answer in answers:
            assert answer["Cache-Control"] == "public, max-age=86400"
            assert not {"Acting-Account", "Set-Cookie", "Vary"} & set(answer.headers)

    @pytest.mark.parametrize(
        ("query", "code"),
        [
            ({"size": 127}, "min_value"),
            ({"size": 2049}, "max_value"),
            ({"size": "1e3"}, "invalid"),
            ({"error": "X"}, "invalid_choice"),
            ({"caption": "x" * 61}, "max_length"),
            ({"logo": "yes"}, "invalid_choice"),
        ],
    )
    def test_what_is_beyond_the_limits_is_refused(self, api: Any, shared: Share, query: Any, code: str) -> None:
        for kind in ("svg", "png"):
            refused = api().get(f"/shares/{shared.public_id}/qr.{kind}", query)
            assert (refused.status_code, refused.json()["code"]) == (422, code)
            assert [error["field"] for error in refused.json()["errors"]] == list(query)

    def test_an_unknown_share_has_none(self, api: Any) -> None:
        assert api().get(f"/shares/shr_{'0' * 26}/qr.svg").status_code == 404


class TestSmallEnough:
    """Version 4 at level M, so that it can be read from paper the size of a stamp."""

    @pytest.mark.parametrize("site", ["http://127.0.0.1:8000", "https://" + "h" * 22 + ".example"])
    def test_it_is_no_larger_than_version_4(self, site: str) -> None:
        for share_id in (1, YOUNG_HOUSE - 1):
            url = f"{site}/s/{share_code(share_id)}"
            code = read_qr_in_png(draw_qr(url, QRPicture(size=200, error="M"), kind="png"))
            assert (code.text, level_of(code) >= "LMQH".index("M")) == (url, True)
            assert int(code.extra["Version"]) <= 4


class TestTooMany:
    """Drawing is limited by address, and only what was drawn counts."""

    def test_are_refused_and_say_when_to_come_again(self, api: Any, shared: Share, settings: Any) -> None:
        settings.SHARE_PICTURES_MAX = 2
        picture = f"/shares/{shared.public_id}/qr"

        assert api().get(f"{picture}.svg", {"size": 1}).status_code == 422
        assert api().get("/shares/shr_unknown/qr.svg").status_code == 404
        assert [api().get(f"{picture}.{kind}", {"size": 128}).status_code for kind in ("svg", "png")] == [200, 200]
        refused = api().get(f"{picture}.png")

        assert (refused.status_code, refused.json()["code"]) == (429, "too_many_attempts")
        assert 0 < int(refused["Retry-After"]) <= settings.SHARE_PICTURES_WINDOW.total_seconds()

    def test_are_those_of_one_address(self, shared: Share, settings: Any) -> None:
        settings.SHARE_PICTURES_MAX = 1
        path = f"/api/v1/shares/{shared.public_id}/qr.svg"

        answers = [Client().get(path, REMOTE_ADDR=f"192.0.2.{last}").status_code for last in (1, 2, 1)]

        assert answers == [200, 200, 429]
