"""
Every area in force with its border, in the memory of a process: where is this point?

Built once for each version and process, whichever thread asks first; nothing in it ever changes. The areas stand in
the order of a walk through their trees, so that all areas below one follow it: `place` is where one stands.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import numpy as np
import shapely
from django.conf import settings
from django.db.models import OuterRef, Subquery

from distribution.areas.metres import distance_of_products_m, distance_to_segments_m, unit_vectors
from distribution.models import Area, AreaBorder, AreaVersion

POLYGON = "polygon"
CENTRE = "centre"
NOWHERE = -1
POINTS_AT_ONCE = 100_000
CELLS_AT_ONCE = 2_000_000  # Points times segments or centres in one go: some 100 MB.


class AreaEntry(NamedTuple):
    """An area as the atlas knows it; `parent` is its parent's key."""

    id: int
    scheme: str
    code: str
    level: int
    parent: int | None
    latitude: float | None
    longitude: float | None

    @property
    def public_code(self) -> str:
        return f"{self.scheme}:{self.code}"


@dataclass(frozen=True, slots=True)
class Located:
    """
    Where a point is. `within` is the lowest area whose border is known and encloses it.

    `border_m`: metres to the border of `area`, where the evidence is its polygon.
    """

    area: AreaEntry
    evidence: str
    border_m: float | None
    within: AreaEntry | None


@dataclass(frozen=True, slots=True)
class LocatedMany:
    """
    Where each of many points is, as arrays of one length; `place` and `within` are places in the atlas.

    `place` is NOWHERE (-1) where no area is known, `within` where no border encloses the point, and `border_m` is
    not a number where the evidence is no polygon.
    """

    place: np.ndarray
    within: np.ndarray
    border_m: np.ndarray

    @property
    def is_polygon(self) -> np.ndarray:
        return (self.place == self.within) & (self.place != NOWHERE)


@dataclass(frozen=True, slots=True, eq=False)
class _Borders:
    """The borders of a scheme, or of all; `rank` says which of several that enclose a point counts: the lowest."""

    polygons: np.ndarray
    places: np.ndarray
    rank: np.ndarray
    by_rank: np.ndarray
    tree: shapely.STRtree


@dataclass(frozen=True, eq=False)
class Atlas:
    """All areas in force; `mark` names the versions that it was built from."""

    mark: tuple[object, ...]
    entries: Sequence[AreaEntry]
    ends: np.ndarray  # Behind the last area below each.
    shapes: np.ndarray  # The border of each area, or None.
    place_of: dict[int, int] = field(default_factory=dict)  # By the area's key.

    @classmethod
    def build(cls, mark: tuple[object, ...]) -> "Atlas":
        """Read everything from the database, in three statements."""
        entries = list(_in_order(_living_areas()))
        place_of = {entry.id: place for place, entry in enumerate(entries)}
        atlas = cls(mark, entries, _ends(entries), _shapes(place_of), place_of)
        atlas.warm_up()
        return atlas

    def warm_up(self) -> None:
        """Compute what is computed at the first use, before threads share it: GEOS prepares lazily as well."""
        for scheme in (None, *self.schemes):
            borders = self._borders(scheme)
            if borders is not None:
                box = shapely.bounds(borders.polygons)
                middle = (box[:, :2] + box[:, 2:]) / 2
                shapely.intersects_xy(borders.polygons, middle[:, 0], middle[:, 1])
                borders.tree.query(shapely.points(0, 0))
        _ = self._segments, self._centre_vectors

    @property
    def is_empty(self) -> bool:
        return not self.entries

    @cached_property
    def schemes(self) -> list[str]:
        return sorted({entry.scheme for entry in self.entries})

    def has_borders(self, scheme: str) -> bool:
        return self._borders(scheme) is not None

    def entry(self, area_id: int) -> AreaEntry | None:
        """Return an area by its key, None where it is not in force."""
        place = self.place_of.get(area_id)
        return None if place is None else self.entries[place]

    def is_below(self, area_id: int, other_id: int) -> bool:
        """Whether an area is the other or lies below it."""
        place, top = self.place_of.get(area_id), self.place_of.get(other_id)
        return place is not None and top is not None and top <= place < self.ends[top]

    # --- Points ---------------------------------------------------------------------------------

    def locate(self, latitude: float, longitude: float, *, scheme: str | None = None) -> Located | None:
        """
        Return in which area a point is, None where even the nearest centre is too far.

        The lowest area whose border encloses it; where areas below that have no borders, the nearest centre of
        those that have none below them, which is a guess. `scheme`: only areas of this scheme.
        """
        within = self._enclosing(latitude, longitude, scheme)
        x, y = np.array([longitude]), np.array([latitude])
        is_lowest = within != NOWHERE and self.ends[within] == within + 1
        place = within if is_lowest else int(self._lowest(np.array([within]), x, y, scheme)[0])
        if place == NOWHERE:
            return None
        is_polygon = place == within
        border_m = float(self._border_m(place, x, y)[0]) if is_polygon else None
        enclosing = self.entries[within] if within != NOWHERE else None
        return Located(self.entries[place], POLYGON if is_polygon else CENTRE, border_m, enclosing)

    def locate_many(
        self, latitudes: np.ndarray, longitudes: np.ndarray, *, scheme: str | None = None, borders: bool = True
    ) -> LocatedMany:
        """Return where many points are, as `locate` does; `borders=False` leaves the distances out."""
        y, x = np.asarray(latitudes, dtype=float), np.asarray(longitudes, dtype=float)
        chunks = [slice(start, start + POINTS_AT_ONCE) for start in range(0, len(x), POINTS_AT_ONCE)]
        found = [self._enclosing_many(y[chunk], x[chunk], scheme) for chunk in chunks]
        within = np.concatenate(found) if found else np.empty(0, dtype=np.int64)
        place = self._lowest(within, x, y, scheme)
        border_m = np.full(len(x), np.nan)
        if borders:
            self._fill_border_m(border_m, np.where(place == within, place, NOWHERE), x, y)
        return LocatedMany(place, within, border_m)

    def one_of(self, many: LocatedMany, number: int) -> Located | None:
        """Return one of many points as `locate` would."""
        place, within = int(many.place[number]), int(many.within[number])
        if place == NOWHERE:
            return None
        is_polygon = place == within
        border_m = float(many.border_m[number]) if is_polygon else None
        enclosing = self.entries[within] if within != NOWHERE else None
        return Located(self.entries[place], POLYGON if is_polygon else CENTRE, border_m, enclosing)

    def _enclosing(self, latitude: float, longitude: float, scheme: str | None) -> int:
        borders = self._borders(scheme)
        if borders is None:
            return NOWHERE
        best = None
        for x in (longitude, -longitude) if abs(longitude) == 180 else (longitude,):
            near = borders.tree.query(shapely.points(x, latitude))
            hit = near[shapely.intersects_xy(borders.polygons[near], x, latitude)]
            if len(hit):
                rank = int(borders.rank[hit].min())
                best = rank if best is None else min(best, rank)
        return NOWHERE if best is None else int(borders.by_rank[best])

    def _enclosing_many(self, y: np.ndarray, x: np.ndarray, scheme: str | None) -> np.ndarray:
        borders = self._borders(scheme)
        if borders is None:
            return np.full(len(x), NOWHERE)
        point, polygon = borders.tree.query(shapely.points(x, y))
        together = np.argsort(polygon, kind="stable")  # Polygon by polygon it takes a third of the time.
        point, polygon = point[together], polygon[together]
        inside = shapely.intersects_xy(borders.polygons[polygon], x[point], y[point])
        nobody = len(borders.polygons)
        best = np.full(len(x), nobody)
        np.minimum.at(best, point[inside], borders.rank[polygon[inside]])
        within = np.append(borders.by_rank, NOWHERE)[best]
        for seam in np.flatnonzero(np.abs(x) == 180):
            within[seam] = self._enclosing(float(y[seam]), float(x[seam]), scheme)
        return within

    def _lowest(self, within: np.ndarray, x: np.ndarray, y: np.ndarray, scheme: str | None) -> np.ndarray:
        """The area itself where none is below it, else the nearest centre among those below."""
        place = within.copy()
        for top in np.unique(within):
            if top != NOWHERE and self.ends[top] == top + 1:
                continue
            points = np.flatnonzero(within == top)
            nearest, distance_m = self._nearest_centres(self._range(int(top), scheme), x[points], y[points])
            is_near = (nearest != NOWHERE) & ((top != NOWHERE) | (distance_m <= settings.AREA_CENTRE_DISTANCE_MAX_M))
            place[points] = np.where(is_near, nearest, top)
        return place

    def _range(self, top: int, scheme: str | None) -> tuple[int, int]:
        """The places below an area, of a scheme, or all."""
        if top != NOWHERE:
            return top + 1, int(self.ends[top])
        if scheme is None:
            return 0, len(self.entries)
        root = self._roots.get(scheme)
        return (root, int(self.ends[root])) if root is not None else (0, 0)

    def _nearest_centres(self, range_: tuple[int, int], x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        places, vectors = self._centre_places, self._centre_vectors
        first, last = np.searchsorted(places, range_)
        if first == last:
            return np.full(len(x), NOWHERE), np.full(len(x), np.inf)
        nearest, product = np.empty(len(x), dtype=np.int64), np.empty(len(x))
        at_once = max(1, CELLS_AT_ONCE // (last - first))
        for start in range(0, len(x), at_once):
            chunk = slice(start, start + at_once)
            own, theirs = unit_vectors(x[chunk], y[chunk]), vectors[first:last]
            # Not as one product of matrices: that wakes the threads of a library, for milliseconds each time.
            products = sum(np.multiply.outer(own[:, axis], theirs[:, axis]) for axis in range(3))
            nearest[chunk] = products.argmax(axis=1)
            product[chunk] = products.max(axis=1)
        return places[first:last][nearest], distance_of_products_m(product)

    # --- Distances ------------------------------------------------------------------------------

    def _border_m(self, place: int, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        segments, begins = self._segments
        own = segments[begins[place] : begins[place + 1]]
        at_once = max(1, CELLS_AT_ONCE // max(1, len(own)))
        parts = [
            distance_to_segments_m(x[start : start + at_once], y[start : start + at_once], own)
            for start in range(0, len(x), at_once)
        ]
        return np.concatenate(parts)

    def _fill_border_m(self, border_m: np.ndarray, place: np.ndarray, x: np.ndarray, y: np.ndarray) -> None:
        order = np.argsort(place, kind="stable")
        for points in np.split(order, np.flatnonzero(np.diff(place[order])) + 1):
            if len(points) and place[points[0]] != NOWHERE:
                border_m[points] = self._border_m(int(place[points[0]]), x[points], y[points])

    # --- Computed at the first use ----------------------------------------------------------------

    @cached_property
    def _borders_by_scheme(self) -> dict[str | None, _Borders]:
        """Schemes share their polygons, prepared once."""
        bordered = np.array([place for place, shape in enumerate(self.shapes) if shape is not None], dtype=np.int64)
        if not len(bordered):
            return {}
        shapely.prepare(self.shapes[bordered])
        schemes = np.array([self.entries[place].scheme for place in bordered])
        found: dict[str | None, _Borders] = {None: self._index(bordered)}
        for scheme in np.unique(schemes):
            own = bordered[schemes == scheme]
            found[str(scheme)] = found[None] if len(own) == len(bordered) else self._index(own)
        return found

    def _borders(self, scheme: str | None) -> _Borders | None:
        return self._borders_by_scheme.get(scheme)

    def _index(self, places: np.ndarray) -> _Borders:
        """Of several areas that enclose a point the lowest counts, then the one that comes first."""
        levels = np.array([self.entries[place].level for place in places])
        by_rank = np.lexsort((places, -levels))
        rank = np.empty(len(places), dtype=np.int64)
        rank[by_rank] = np.arange(len(places))
        polygons = self.shapes[places]
        return _Borders(polygons, places, rank, places[by_rank], shapely.STRtree(polygons))

    @cached_property
    def _segments(self) -> tuple[np.ndarray, np.ndarray]:
        """All borders' segments in the order of the areas, and where those of each begin."""
        bordered = np.array([place for place, shape in enumerate(self.shapes) if shape is not None], dtype=np.int64)
        polygons, polygon_owner = shapely.get_parts(self.shapes[bordered], return_index=True)
        rings, ring_polygon = shapely.get_rings(polygons, return_index=True)
        points, point_ring = shapely.get_coordinates(rings, return_index=True)
        follows = point_ring[1:] == point_ring[:-1]
        segments = np.hstack([points[:-1], points[1:]])[follows]
        owner = bordered[polygon_owner[ring_polygon[point_ring[:-1][follows]]]]
        is_cut = (np.abs(segments[:, 0]) == 180) & (segments[:, 0] == segments[:, 2])  # At the 180th meridian.
        segments, owner = segments[~is_cut], owner[~is_cut]
        return segments, np.searchsorted(owner, np.arange(len(self.entries) + 1))

    @cached_property
    def _roots(self) -> dict[str, int]:
        return {entry.scheme: place for place, entry in enumerate(self.entries) if entry.parent is None}

    @cached_property
    def _centre_places(self) -> np.ndarray:
        """Where the areas stand that have a centre and no area below them."""
        lowest = (place for place in range(len(self.entries)) if self.ends[place] == place + 1)
        return np.array([place for place in lowest if self.entries[place].latitude is not None], dtype=np.int64)

    @cached_property
    def _centre_vectors(self) -> np.ndarray:
        found = [self.entries[place] for place in self._centre_places]
        y, x = np.array([entry.latitude for entry in found]), np.array([entry.longitude for entry in found])
        return unit_vectors(x.astype(float), y.astype(float))


def _living_areas() -> list[AreaEntry]:
    fields = ("id", "scheme_id", "code", "level", "parent_id", "latitude", "longitude")
    living = Area.objects.filter(retired_at=None).order_by("scheme_id", "code")
    return [AreaEntry(*row) for row in living.values_list(*fields)]


def _in_order(areas: Sequence[AreaEntry]) -> Iterator[AreaEntry]:
    """Each area is followed by all that lie below it."""
    children: dict[int | None, list[AreaEntry]] = defaultdict(list)
    for area in reversed(areas):
        children[area.parent].append(area)
    waiting = children[None]
    while waiting:
        area = waiting.pop()
        yield area
        waiting += children[area.id]


def _ends(entries: Sequence[AreaEntry]) -> np.ndarray:
    """Behind the last area below each: found from the back, where children come before their parents."""
    ends = np.arange(1, len(entries) + 1)
    place_of = {entry.id: place for place, entry in enumerate(entries)}
    for place in range(len(entries) - 1, -1, -1):
        parent = entries[place].parent
        if parent is not None:
            ends[place_of[parent]] = max(ends[place_of[parent]], ends[place])
    return ends


def _shapes(place_of: dict[int, int]) -> np.ndarray:
    newest = AreaVersion.objects.filter(scheme=OuterRef("scheme")).order_by("-number").values("id")[:1]
    in_force = AreaVersion.objects.filter(id=Subquery(newest), borders_from__isnull=False)
    borders = AreaBorder.objects.filter(version__in=in_force.values("borders_from")).values_list("area_id", "shape")
    found = [(place_of[area_id], bytes(shape)) for area_id, shape in borders if area_id in place_of]
    shapes = np.full(len(place_of), None, dtype=object)
    if found:
        places, raw = zip(*found, strict=True)
        shapes[list(places)] = shapely.from_wkb(list(raw))
    return shapes
