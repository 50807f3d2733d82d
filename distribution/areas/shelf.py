"""The atlas that this process has at hand, and whether it still is the one in force."""

import threading
import time
from dataclasses import dataclass

from django.conf import settings
from django.db import connection

from distribution.areas.atlas import Atlas
from distribution.models import AreaVersion


@dataclass
class _Shelf:
    """What all threads of the process share; `built` counts how often borders were read."""

    atlas: Atlas | None = None
    looked_at: float = 0.0
    built: int = 0


_shelf = _Shelf()
_building = threading.Lock()


def atlas_in_force() -> Atlas:
    """
    Return the atlas of the versions in force, at most AREAS_LOOK_SECONDS behind.

    Looks by one indexed row whether there is a newer version. One thread builds what is new; the others go on with
    the one before, and wait only where there is none.
    """
    atlas = _shelf.atlas
    if atlas is not None and time.monotonic() - _shelf.looked_at < settings.AREAS_LOOK_SECONDS:
        return atlas
    looked_at, mark = time.monotonic(), _mark()
    if atlas is None or atlas.mark != mark:
        atlas = _newer(mark, atlas)
    if atlas.mark == mark:
        _shelf.looked_at = looked_at
    return atlas


def forget_atlas() -> None:
    """Start anew: this process has changed the areas itself, or looks at another database."""
    _shelf.atlas = None


def times_built() -> int:
    """Return how often this process has read the borders."""
    return _shelf.built


def _newer(mark: tuple[object, ...], before: Atlas | None) -> Atlas:
    if not _building.acquire(blocking=before is None):
        assert before is not None
        return before
    try:
        if _shelf.atlas is None or _shelf.atlas.mark != mark:
            _shelf.atlas = _build()
            _shelf.built += 1
        return _shelf.atlas
    finally:
        _building.release()


def _build() -> Atlas:
    """Read under one mark: a load that commits between two statements would give half of each."""
    while True:
        mark = _mark()
        atlas = Atlas.build(mark)
        if _mark() == mark:
            return atlas


def _mark() -> tuple[object, ...]:
    """The newest version of all schemes: loads commit one after the other, so that a new one has the highest key."""
    newest = AreaVersion.objects.order_by("-id").values_list("id", "digest").first()
    return (connection.settings_dict["NAME"], newest)
