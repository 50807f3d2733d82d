"""QR codes: what is on a screen or on paper, read by a phone's camera."""

import segno
from django.conf import settings


def qr_svg(text: str) -> str:
    """
    Return a QR code of a text as a data URI of an SVG picture, dark on white in any surroundings.

    The picture goes where the text goes: what may not be kept is drawn where it is shown, never stored.
    """
    code = segno.make(text, error=settings.QR_ERROR_CORRECTION, micro=False)
    return code.svg_data_uri(scale=settings.QR_MODULE_PIXELS, border=settings.QR_BORDER_MODULES, light="white")
