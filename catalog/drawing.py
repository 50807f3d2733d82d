"""
Pictures from outside, drawn anew: what is kept has been through pixels, and carries nothing else.

Nothing of the file that came survives: no place or name in its metadata, no script behind its last pixel, no second
format that some browser might rather see in it.
"""

import io
from contextlib import suppress
from dataclasses import dataclass
from typing import IO

from django.conf import settings
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from catalog.errors import PictureNotReadable, PictureTooLarge, PictureTooManyPixels, PictureTooSmall

KEPT_FORMAT = "WEBP"
KEPT_SUFFIX = "webp"

_SRGB = ImageCms.createProfile("sRGB")


@dataclass(frozen=True, slots=True)
class Drawn:
    """A picture as it is kept: its files by their names, and the pixels of the largest."""

    files: dict[str, bytes]
    width: int
    height: int


def draw_anew(file: IO[bytes]) -> Drawn:
    """
    Return a picture in the sizes of ITEM_PICTURE_EDGES, never larger than it came, turned as its camera was held.

    :raises PictureTooLarge: it has more than ITEM_PICTURE_BYTES_MAX bytes.
    :raises PictureNotReadable: it is of no format of ITEM_PICTURE_FORMATS, or broken.
    :raises PictureTooManyPixels: it has more than ITEM_PICTURE_PIXELS_MAX; nothing has been decoded.
    :raises PictureTooSmall: its shorter edge has less than ITEM_PICTURE_EDGE_MIN pixels.
    """
    raw = file.read(settings.ITEM_PICTURE_BYTES_MAX + 1)
    if len(raw) > settings.ITEM_PICTURE_BYTES_MAX:
        raise PictureTooLarge
    try:
        picture = _open(raw)
        sizes = {name: _scaled(picture, edge) for name, edge in settings.ITEM_PICTURE_EDGES.items()}
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError) as broken:
        raise PictureNotReadable from broken  # Pillow's readers raise all of these for broken files.
    largest = max(sizes.values(), key=lambda size: size.width)
    return Drawn({name: _written(size) for name, size in sizes.items()}, largest.width, largest.height)


def _open(raw: bytes) -> Image.Image:
    """Look at what the file says of itself first: that is small, what it unfolds to may not be."""
    picture = Image.open(io.BytesIO(raw), formats=settings.ITEM_PICTURE_FORMATS)
    if picture.width * picture.height > settings.ITEM_PICTURE_PIXELS_MAX:
        raise PictureTooManyPixels
    if min(picture.size) < settings.ITEM_PICTURE_EDGE_MIN:
        raise PictureTooSmall
    edge = 2 * max(settings.ITEM_PICTURE_EDGES.values())
    picture.draft("RGB", (edge, edge))  # Of a JPEG only so much is decoded as is needed.
    return _in_srgb(ImageOps.exif_transpose(picture))


def _in_srgb(picture: Image.Image) -> Image.Image:
    """In the colours that every screen knows, since the profile that says which ones these are is not kept."""
    has_holes = picture.has_transparency_data
    profile, plain = picture.info.get("icc_profile"), picture.convert("RGBA" if has_holes else "RGB")
    if profile:
        with suppress(ImageCms.PyCMSError, OSError):  # A profile that nobody can read changes no colours.
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            ImageCms.profileToProfile(plain, source, _SRGB, outputMode=plain.mode, inPlace=True)
    return plain


def _scaled(picture: Image.Image, edge: int) -> Image.Image:
    scaled = picture.copy()
    scaled.thumbnail((edge, edge), Image.Resampling.LANCZOS)
    return scaled


def _written(picture: Image.Image) -> bytes:
    """Pixels only: what Pillow would hand on of the file that came is taken away first."""
    picture.info.clear()
    written = io.BytesIO()
    picture.save(written, KEPT_FORMAT, quality=settings.ITEM_PICTURE_QUALITY, exif=b"", icc_profile=b"", xmp=b"")
    return written.getvalue()
