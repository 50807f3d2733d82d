"""QR codes: what is on a screen or on paper, read by a phone's camera."""

import io
from typing import Any

import segno
from django.conf import settings


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


def _code_of(text: str) -> segno.QRCode:
    return segno.make_qr(text, error=settings.QR_ERROR_CORRECTION)


def _look() -> dict[str, Any]:
    return {"scale": settings.QR_MODULE_PIXELS, "border": settings.QR_BORDER_MODULES, "light": "white"}
