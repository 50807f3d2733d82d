"""Borders to be drawn: those that are seen in a part of the map, with no more points than that needs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from distribution.areas.shelf import atlas_in_force

POINTS_ACROSS = 500  # A border's points are no closer than a so-manieth of the map's width.


class Box(NamedTuple):
    """A part of the map, in degrees; it does not cross the 180th meridian."""

    west: float
    south: float
    east: float
    north: float


@dataclass(frozen=True, slots=True)
class Outline:
    """The border of an area (by its key) as far as it is seen: rings of longitudes and latitudes."""

    area: int
    level: int
    rings: Sequence[np.ndarray]


def box_of(area: int) -> Box | None:
    """Return the part of the map that an area (by key) takes up; None where its border is not known."""
    atlas = atlas_in_force()
    place = atlas.place_of.get(area)
    shape = None if place is None else atlas.shapes[place]
    return None if shape is None else Box(*shape.bounds)


def outlines_in(box: Box, *, level_max: int) -> list[Outline]:
    """Return the borders that are seen in a part of the map, larger areas first; reads nothing but the version."""
    detail = (box.east - box.west) / POINTS_ACROSS
    found = []
    for entry, shape in atlas_in_force().meeting(*box):
        rings = _rings(shapely.clip_by_rect(shape, *box).simplify(detail, preserve_topology=False), detail)
        if rings and entry.level <= level_max:
            found.append(Outline(entry.id, entry.level, rings))
    return sorted(found, key=lambda outline: (outline.level, outline.area))


def _rings(shape: BaseGeometry, detail: float) -> list[np.ndarray]:
    """Islands too small to be seen are left out."""
    parts = [part for part in shapely.get_parts(shape) if part.geom_type == "Polygon" and part.area > detail * detail]
    return [shapely.get_coordinates(part.exterior) for part in parts]
