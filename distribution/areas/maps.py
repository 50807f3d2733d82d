"""
Plain maps of the areas in force, drawn from our own borders: nothing is asked of anybody else.

A map shows a frame of the earth; positions on it are parts of its width and height from the upper left corner.
"""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import shapely

from distribution.areas.atlas import AreaEntry, Atlas
from distribution.areas.shelf import atlas_in_force
from distribution.models import Area

RATIO = 4 / 3  # Width to height.
SEEN_FROM = 0.03  # Of the frame's width or height; smaller areas are not drawn.
NAMED_FROM = 0.11
AREAS_DRAWN_MAX = 150  # The largest.
DETAIL = 0.0015  # Of the frame's width: finer turns of a border are left out.
PADDING = 0.06  # Of what is shown, on each side.
SPAN_MIN = 0.02  # Degrees of latitude, some 2 km: closer nobody comes.
CLOSER, WIDER = 0.3, 3.0
LATITUDE_MAX = 85.0


@dataclass(frozen=True, slots=True)
class Frame:
    """The part of the earth on a map, in degrees; as wide as RATIO says at the latitude of its middle."""

    west: float
    south: float
    east: float
    north: float

    @classmethod
    def around(cls, west: float, south: float, east: float, north: float) -> "Frame":
        """Return the frame that shows all of these bounds, with a little around them."""
        latitude = max(-LATITUDE_MAX, min(LATITUDE_MAX, (south + north) / 2))
        stretch = math.cos(math.radians(latitude))
        height = max((north - south) * (1 + 2 * PADDING), (east - west) * (1 + 2 * PADDING) * stretch / RATIO, SPAN_MIN)
        return cls.about(latitude, (west + east) / 2, height)

    @classmethod
    def about(cls, latitude: float, longitude: float, height: float) -> "Frame":
        """Return the frame of so many degrees of latitude with a place in its middle."""
        height = max(SPAN_MIN, min(height, 2 * LATITUDE_MAX))
        width = height * RATIO / math.cos(math.radians(max(-LATITUDE_MAX, min(LATITUDE_MAX, latitude))))
        return cls(longitude - width / 2, latitude - height / 2, longitude + width / 2, latitude + height / 2)

    @property
    def height(self) -> float:
        return self.north - self.south

    @property
    def width(self) -> float:
        return self.east - self.west

    @property
    def middle(self) -> tuple[float, float]:
        """Latitude and longitude."""
        return (self.south + self.north) / 2, (self.west + self.east) / 2

    @property
    def wider(self) -> "Frame":
        return Frame.about(*self.middle, self.height * WIDER)

    def place_at(self, across: float, down: float) -> tuple[float, float]:
        """Return latitude and longitude of a position."""
        return self.north - down * self.height, self.west + across * self.width

    def position_of(self, latitude: float, longitude: float) -> tuple[float, float] | None:
        """Return where a place is on the map, None where it is beside it."""
        across, down = (longitude - self.west) / self.width, (self.north - latitude) / self.height
        return (across, down) if 0 <= across <= 1 and 0 <= down <= 1 else None


@dataclass(frozen=True, slots=True)
class Outline:
    """One area on a map: its rings as positions, and where its name stands, if there is room for it."""

    area: AreaEntry
    rings: tuple[tuple[tuple[float, float], ...], ...]
    name: str
    name_at: tuple[float, float] | None


def whole_frame() -> Frame | None:
    """Return the frame of all borders that are known; None where there are none."""
    shapes = _bordered(atlas_in_force())[1]
    return Frame.around(*shapely.total_bounds(shapes)) if len(shapes) else None


def frame_of_area(area: int) -> Frame | None:
    """Return the frame that shows an area (by key); None where its border is not known."""
    atlas = atlas_in_force()
    place = atlas.place_of.get(area)
    shape = None if place is None else atlas.shapes[place]
    return None if shape is None else Frame.around(*shape.bounds)


def frame_of_points(points: Iterable[tuple[float, float]]) -> Frame | None:
    """Return a frame around points (latitude, longitude) and nothing else; None without any."""
    found = list(points)
    if not found:
        return None
    latitudes, longitudes = zip(*found, strict=True)
    return Frame.around(min(longitudes), min(latitudes), max(longitudes), max(latitudes))


def frame_of_places(places: Iterable[tuple[float, float]]) -> Frame | None:
    """Return a frame around places (latitude, longitude), with the areas that they are in; None without any."""
    some = list(places)
    if not some:
        return None
    atlas = atlas_in_force()
    corners = [(longitude, latitude, longitude, latitude) for latitude, longitude in some]
    for latitude, longitude in some:
        lowest = list(_enclosing(atlas, latitude, longitude))[-1:]
        corners += [tuple(shapely.bounds(atlas.shapes[place])) for place in lowest]
    west, south, east, north = zip(*corners, strict=True)
    return Frame.around(min(west), min(south), max(east), max(north))


def closer_to(frame: Frame, latitude: float, longitude: float) -> Frame:
    """Return the next frame for whoever has pointed at a place: the largest area there that shows more, or closer."""
    atlas = atlas_in_force()
    for place in _enclosing(atlas, latitude, longitude):
        around = Frame.around(*shapely.bounds(atlas.shapes[place]))
        if around.height < 0.7 * frame.height:
            return around
    return Frame.about(latitude, longitude, frame.height * CLOSER)


def outlines_on(frame: Frame) -> list[Outline]:
    """Return the areas to be seen on a map, the largest first, so that what lies in them is drawn upon them."""
    atlas = atlas_in_force()
    seen = _seen_on(atlas, frame)
    names = dict(Area.objects.filter(pk__in=[atlas.entries[place].id for place in seen]).values_list("pk", "name"))
    return [outline for place in seen if (outline := _outline(atlas, place, frame, names)) is not None]


def _bordered(atlas: Atlas) -> tuple[np.ndarray, np.ndarray]:
    places = np.array([place for place, shape in enumerate(atlas.shapes) if shape is not None], dtype=np.int64)
    return places, atlas.shapes[places]


def _enclosing(atlas: Atlas, latitude: float, longitude: float) -> Iterator[int]:
    """Yield the areas whose border encloses a place, the highest level first."""
    places, shapes = _bordered(atlas)
    hit = places[shapely.intersects_xy(shapes, longitude, latitude)] if len(places) else places
    yield from sorted((int(place) for place in hit), key=lambda place: atlas.entries[place].level)


def _seen_on(atlas: Atlas, frame: Frame) -> list[int]:
    places, shapes = _bordered(atlas)
    if not len(places):
        return []
    west, south, east, north = shapely.bounds(shapes).T
    size = np.maximum((east - west) / frame.width, (north - south) / frame.height)
    is_seen = (east >= frame.west) & (west <= frame.east) & (north >= frame.south) & (south <= frame.north)
    chosen = np.flatnonzero(is_seen & (size >= SEEN_FROM))
    largest = chosen[np.argsort(-size[chosen], kind="stable")][:AREAS_DRAWN_MAX]
    return sorted((int(places[one]) for one in largest), key=lambda place: atlas.entries[place].level)


def _outline(atlas: Atlas, place: int, frame: Frame, names: dict[int, str]) -> Outline | None:
    entry = atlas.entries[place]
    shape = shapely.simplify(atlas.shapes[place], frame.width * DETAIL)
    pad_x, pad_y = frame.width * 0.02, frame.height * 0.02  # Cut edges lie outside the picture.
    cut = shapely.clip_by_rect(shape, frame.west - pad_x, frame.south - pad_y, frame.east + pad_x, frame.north + pad_y)
    rings = tuple(_positions(ring, frame) for ring in shapely.get_rings(shapely.get_parts(cut)))
    if not rings:
        return None
    west, _south, east, _north = shapely.bounds(cut)
    has_room = (east - west) / frame.width >= NAMED_FROM and not _is_divided(atlas, place, frame)
    name_at = None
    if has_room:
        inside = shapely.point_on_surface(cut)
        name_at = frame.position_of(shapely.get_y(inside), shapely.get_x(inside))
    return Outline(entry, rings, names.get(entry.id, ""), name_at)


def _is_divided(atlas: Atlas, place: int, frame: Frame) -> bool:
    """Whether areas below it are drawn on it, which bear their own names."""
    below = [shape for shape in atlas.shapes[place + 1 : atlas.ends[place]] if shape is not None]
    if not below:
        return False
    west, south, east, north = shapely.bounds(np.array(below, dtype=object)).T
    size = np.maximum((east - west) / frame.width, (north - south) / frame.height)
    return bool((size >= SEEN_FROM).any())


def _positions(ring: shapely.LinearRing, frame: Frame) -> tuple[tuple[float, float], ...]:
    coordinates = shapely.get_coordinates(ring)
    across, down = (coordinates[:, 0] - frame.west) / frame.width, (frame.north - coordinates[:, 1]) / frame.height
    return tuple(zip(across.tolist(), down.tolist(), strict=True))
