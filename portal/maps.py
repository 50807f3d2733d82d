"""Plain maps: borders and points, drawn in a page's own SVG from what the house knows. No tiles, nobody is asked."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import cos, radians

from distribution.areas.outlines import Box, Outline

WIDTH, HEIGHT = 800, 480  # Of the drawing; pages scale it.
MARGIN = 0.12  # Of what is to be seen, on each side.
NAMED_DOTS_MAX = 12
NAME_ROOM = 0.65  # Of the width: further right a name stands left of its point.
SPAN_MIN = 0.08  # Degrees: a single point is shown with some ten kilometres around it.


@dataclass(frozen=True, slots=True)
class Point:
    """Something at a place: `kind` is how it is drawn, `anchor` the row of the table that says more of it."""

    name: str
    latitude: float
    longitude: float
    kind: str
    anchor: str = ""


@dataclass(frozen=True, slots=True)
class Shape:
    """A border in the drawing's own coordinates."""

    path: str
    kind: str


@dataclass(frozen=True, slots=True)
class Dot:
    """A point in the drawing's own coordinates."""

    x: float
    y: float
    name: str
    kind: str
    anchor: str

    @property
    def is_right(self) -> bool:
        """Whether there is more room for its name on its left."""
        return self.x > WIDTH * NAME_ROOM


@dataclass(frozen=True, slots=True)
class Map:
    """A drawing for `portal/parts/map.html`."""

    width: int
    height: int
    shapes: Sequence[Shape]
    dots: Sequence[Dot]

    @property
    def has_names(self) -> bool:
        """Many names would lie on each other."""
        return len(self.dots) <= NAMED_DOTS_MAX


def box_around(points: Iterable[Point]) -> Box | None:
    """Return the part of the map in which points lie; None without any."""
    found = list(points)
    if not found:
        return None
    latitudes, longitudes = [point.latitude for point in found], [point.longitude for point in found]
    return Box(min(longitudes), min(latitudes), max(longitudes), max(latitudes))


def framed(box: Box) -> Box:
    """Return what is shown of the map around a part of it: with a margin, and as wide and high as the drawing."""
    middle_x, middle_y = (box.west + box.east) / 2, (box.south + box.north) / 2
    shrunk = cos(radians(middle_y)) or 1.0  # A degree of longitude is shorter than one of latitude.
    high = max(box.north - box.south, (box.east - box.west) * shrunk * HEIGHT / WIDTH, SPAN_MIN) * (1 + 2 * MARGIN)
    wide = high * WIDTH / HEIGHT / shrunk
    return Box(middle_x - wide / 2, middle_y - high / 2, middle_x + wide / 2, middle_y + high / 2)


def draw(box: Box, outlines: Iterable[tuple[Outline, str]], points: Iterable[Point]) -> Map:
    """Draw borders, each of its kind, and points that lie in a part of the map."""
    shapes = [Shape(_path(outline, box), kind) for outline, kind in outlines]
    return Map(WIDTH, HEIGHT, shapes, list(_dots(box, points)))


def _path(outline: Outline, box: Box) -> str:
    return "".join(
        "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in (_place(box, *point) for point in ring)) + "Z"
        for ring in outline.rings
    )


def _dots(box: Box, points: Iterable[Point]) -> Iterator[Dot]:
    for point in points:
        x, y = _place(box, point.longitude, point.latitude)
        if 0 <= x <= WIDTH and 0 <= y <= HEIGHT:
            yield Dot(round(x, 1), round(y, 1), point.name, point.kind, point.anchor)


def _place(box: Box, longitude: float, latitude: float) -> tuple[float, float]:
    x = (longitude - box.west) / (box.east - box.west) * WIDTH
    return x, (box.north - latitude) / (box.north - box.south) * HEIGHT
