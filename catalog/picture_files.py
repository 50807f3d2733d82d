"""Where the files of pictures are kept, and under which addresses browsers get them."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.urls import reverse

from catalog.drawing import KEPT_SUFFIX

FOLDER = "pictures"
LARGE, SMALL = "large", "small"


def path_of(picture: str, name: str) -> str:
    """Return where the storage has a file of a picture (public id)."""
    return f"{FOLDER}/{picture}/{name}.{KEPT_SUFFIX}"


def url_of(picture: str, name: str) -> str:
    """Return where a browser finds a file of a picture (public id)."""
    return reverse("catalog:picture", args=[picture, name])


def keep_files(picture: str, files: Mapping[str, bytes]) -> None:
    """Write the files of a picture (public id) into the storage."""
    for name, content in files.items():
        default_storage.save(path_of(picture, name), ContentFile(content))


def drop_files(picture: str) -> None:
    """
    Delete the files of a picture (public id) and their folder; those that are not there are no fault.

    A folder in which somebody has put something else stays.
    """
    for name in settings.ITEM_PICTURE_EDGES:
        default_storage.delete(path_of(picture, name))
    with suppress(OSError):
        default_storage.delete(f"{FOLDER}/{picture}")


def kept_pictures() -> list[str]:
    """Return of which pictures (public ids) there are files, or a folder, sorted."""
    try:
        folders, _files = default_storage.listdir(FOLDER)
    except FileNotFoundError:
        return []
    return sorted(folders)


def newest_file_of(picture: str) -> datetime | None:
    """Return when the last file of a picture (public id) was written, by the storage's clock; None without any."""
    written: list[datetime] = []
    for name in settings.ITEM_PICTURE_EDGES:
        with suppress(FileNotFoundError):
            written.append(default_storage.get_modified_time(path_of(picture, name)))
    return max(written, default=None)
