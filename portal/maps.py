"""Plain maps in a page's own SVG: borders and points, each drawn by what it is to whoever looks."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from distribution.areas.maps import RATIO, Frame, Outline

WIDTH = 1000  # Of the drawing; pages scale it.
HEIGHT = round(WIDTH / RATIO)
NAMED_DOTS_MAX = 12
NAME_ROOM = 0.65  # Of the width: further right a name stands left of its point.


@dataclass(frozen=True, slots=True)
class Point:
    """Something at a place: `kind` is how it is drawn, `anchor` names what on the page says more of it."""

    name: str
    latitude: float
    longitude: float
    kind: str
    anchor: str = ""


@dataclass(frozen=True, slots=True)
class Dot:
    """A point in the drawing's own coordinates."""

    x: int
    y: int
    point: Point

    @property
    def is_right(self) -> bool:
        """Whether there is more room for its name on its left."""
        return self.x > WIDTH * NAME_ROOM


@dataclass(frozen=True, slots=True)
class Drawing:
    """What `portal/parts/map.html` draws: paths by kind, and dots."""

    shapes: Sequence[tuple[str, str]]
    dots: Sequence[Dot]
    width: int = WIDTH
    height: int = HEIGHT

    @property
    def has_names(self) -> bool:
        """Many names would lie on each other."""
        return len(self.dots) <= NAMED_DOTS_MAX


def draw(frame: Frame, outlines: Iterable[Outline], kinds: Mapping[int, str], points: Iterable[Point]) -> Drawing:
    """Draw borders, by the areas' keys of one of the `kinds` or else `other`, and the points that lie in the frame."""
    shapes = [(kinds.get(outline.area.id, "other"), _path(outline)) for outline in outlines]
    return Drawing(shapes, list(_dots(frame, points)))


def _path(outline: Outline) -> str:
    return "".join("M" + "L".join(f"{x} {y}" for x, y in map(_drawn, ring)) + "Z" for ring in outline.rings)


def _dots(frame: Frame, points: Iterable[Point]) -> Iterator[Dot]:
    for point in points:
        position = frame.position_of(point.latitude, point.longitude)
        if position is not None:
            yield Dot(*_drawn(position), point)


def _drawn(position: tuple[float, float]) -> tuple[int, int]:
    return round(position[0] * WIDTH), round(position[1] * HEIGHT)
