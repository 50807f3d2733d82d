"""Where the files of pictures are kept, and under which addresses browsers get them."""

from collections.abc import Mapping

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.urls import reverse

from catalog.drawing import KEPT_SUFFIX

LARGE, SMALL = "large", "small"


def path_of(picture: str, name: str) -> str:
    """Return where the storage has a file of a picture (public id)."""
    return f"pictures/{picture}/{name}.{KEPT_SUFFIX}"


def url_of(picture: str, name: str) -> str:
    """Return where a browser finds a file of a picture (public id)."""
    return reverse("catalog:picture", args=[picture, name])


def keep_files(picture: str, files: Mapping[str, bytes]) -> None:
    """Write the files of a picture (public id) into the storage."""
    for name, content in files.items():
        default_storage.save(path_of(picture, name), ContentFile(content))


def drop_files(picture: str) -> None:
    """Delete the files of a picture (public id); those that are not there are no fault."""
    for name in settings.ITEM_PICTURE_EDGES:
        default_storage.delete(path_of(picture, name))
