"""QR codes: what is on a screen or on paper, read by a phone's camera."""

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import segno
from django.conf import settings

from core.typesetting import typeset

ERROR_CORRECTIONS = ("L", "M", "Q", "H")
_LOGO_ERROR_CORRECTION = "Q"  # The mark hides a part of the code: a quarter of it has to be readable from the rest.
_LOGO_PART = 0.2  # of the code's width
_PICTURE = Path(__file__).with_name("qr.typ")
_MARK = Path(__file__).parent / "static" / "core" / "favicon.svg"


@dataclass(frozen=True, slots=True, kw_only=True)
class QRPicture:
    """
    How a picture of a code shall look: `size` is its width in pixels, white border included.

    `error` is the correction L, M, Q or H; with the logo in the middle it is never less than Q. A caption stands below.
    """

    size: int
    error: str
    caption: str = ""
    logo: bool = False


def qr_svg(text: str) -> str:
    """
    Return a QR code of a text as a data URI of an SVG picture, dark on white in any surroundings.

    The picture goes where the text goes: what may not be kept is drawn where it is shown, never stored.
    """
    return _code_of(text).svg_data_uri(**_look())


def qr_picture(text: str) -> str:
    """Return the same picture as an SVG document, for paper."""
    drawn = io.BytesIO()
    _code_of(text).save(drawn, kind="svg", **_look())
    return drawn.getvalue().decode()


def draw_qr(text: str, picture: QRPicture, *, kind: str) -> bytes:
    """
    Return a QR code of a text as somebody wants to have it, as a document of this kind: `svg` or `png`.

    Its squares are whole pixels: what is left of the size is white around them. A caption's letters are drawn, so that
    they look the same wherever the picture is shown.
    """
    code = _code_of(text, error=_correction(picture))
    modules = code.symbol_size(scale=1, border=settings.QR_BORDER_MODULES)[0]
    svg = io.BytesIO()
    code.save(svg, kind="svg", scale=1, border=settings.QR_BORDER_MODULES, light="white")
    said = {
        "code": svg.getvalue().decode(),
        "size": picture.size,
        "width": picture.size // modules * modules,
        "mark": _MARK.read_text() if picture.logo else "",
        "mark_part": _LOGO_PART,
        "caption": picture.caption,
    }
    return typeset(_PICTURE, said, format=kind, ppi=72)  # A point is a pixel.


def _correction(picture: QRPicture) -> str:
    least = _LOGO_ERROR_CORRECTION if picture.logo else picture.error
    return max(picture.error, least, key=ERROR_CORRECTIONS.index)


def _code_of(text: str, error: str | None = None) -> segno.QRCode:
    return segno.make_qr(text, error=error or settings.QR_ERROR_CORRECTION)


def _look() -> dict[str, Any]:
    return {"scale": settings.QR_MODULE_PIXELS, "border": settings.QR_BORDER_MODULES, "light": "white"}
