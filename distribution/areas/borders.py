"""Borders as GeoJSON has them: each a valid polygon or multipolygon between -180 and 180 degrees."""

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from shapely import MultiPolygon, Polygon
from shapely.affinity import translate
from shapely.geometry.base import BaseGeometry

from distribution.areas.files import read_bytes
from distribution.areas.problems import AreasNotLoadable, Problem

SHAPES = ("Polygon", "MultiPolygon")
Told = Callable[[int, int], None]

_WORLD = shapely.box(-180, -90, 180, 90)


def read_borders(path: Path, *, codes: Collection[str], tell: Told) -> dict[str, bytes]:
    """
    Read a GeoJSON feature collection (also gzip); each feature names its area in the property `code`.

    Returns WKB by code. What is not valid is repaired, and what crosses the 180th meridian is cut there.

    :raises AreasNotLoadable: with everything that is wrong.
    """
    features = _features(path)
    borders: dict[str, bytes] = {}
    problems = []
    for number, feature in enumerate(features, 1):
        try:
            code = _code_of(feature)
            if code not in codes:
                raise _Fault(f"There is no area {code}.")
            if code in borders:
                raise _Fault(f"The area {code} has a border already.")
            borders[code] = shapely.to_wkb(read_shape(feature.get("geometry")))
        except _Fault as fault:
            problems.append(Problem(path.name, f"feature {number}", str(fault)))
        tell(number, len(features))
    if problems:
        raise AreasNotLoadable(problems)
    return borders


def read_shape(geometry: Any) -> BaseGeometry:
    """
    Return a GeoJSON polygon or multipolygon as a valid shape.

    :raises ValueError: it is none.
    """
    if not isinstance(geometry, dict) or geometry.get("type") not in SHAPES:
        raise _Fault(f"Its geometry is no {' and no '.join(SHAPES)}.")
    parts: Any = geometry.get("coordinates")
    polygons = [parts] if geometry["type"] == "Polygon" else parts
    try:
        shape = MultiPolygon([_polygon(rings) for rings in polygons])
    except (TypeError, ValueError, IndexError, shapely.errors.ShapelyError) as broken:
        raise _Fault(f"Its coordinates are broken: {str(broken)[:200]}.") from broken
    return _only_polygons(_within_world(_only_polygons(shape)))


class _Fault(ValueError):
    """Why one feature cannot be used."""


def _features(path: Path) -> list[Any]:
    try:
        document = json.loads(read_bytes(path))
    except (ValueError, RecursionError) as broken:
        raise AreasNotLoadable([Problem(path.name, "", f"It is no JSON: {str(broken)[:200]}.")]) from broken
    features = document.get("features") if isinstance(document, dict) else None
    if not isinstance(features, list):
        raise AreasNotLoadable([Problem(path.name, "", "It is no GeoJSON feature collection.")])
    return features


def _code_of(feature: Any) -> str:
    properties = feature.get("properties") if isinstance(feature, dict) else None
    code = properties.get("code") if isinstance(properties, Mapping) else None
    if type(code) not in (str, int) or code == "":
        raise _Fault("It has no property `code`.")
    return str(code)


def _polygon(rings: Any) -> Polygon:
    outer, *holes = [_ring(ring) for ring in rings]
    middle = (outer[:, 0].min() + outer[:, 0].max()) / 2
    return Polygon(outer, [_beside(hole, middle) for hole in holes])


def _ring(positions: Any) -> np.ndarray:
    """Longitudes and latitudes; steps of more than half the globe go the other way round."""
    ring = np.array([position[:2] for position in positions], dtype=float)
    if not np.isfinite(ring).all() or (np.abs(ring[:, 0]) > 540).any() or (np.abs(ring[:, 1]) > 90).any():
        raise ValueError("a position is no place on earth")
    steps = np.diff(ring[:, 0])
    crosses = (np.abs(steps) > 180) & (np.abs(steps) < 360)  # A whole turn is an edge along a pole.
    ring[1:, 0] -= 360 * np.cumsum(np.sign(steps) * crosses)
    return ring


def _beside(hole: np.ndarray, middle: float) -> np.ndarray:
    """A hole has to lie in the same turn round the globe as its outer ring."""
    away = hole[:, 0].mean() - middle
    hole[:, 0] -= 360 * np.round(away / 360)
    return hole


def _only_polygons(shape: BaseGeometry) -> BaseGeometry:
    """Repair, and leave out the lines and points that repairing may yield."""
    valid = shape if shape.is_valid else shapely.make_valid(shape)
    parts = [part for part in _parts(valid) if part.geom_type == "Polygon" and part.area > 0]
    if not parts:
        raise _Fault("Its border encloses nothing.")
    return parts[0] if len(parts) == 1 else shapely.union_all(parts)


def _parts(shape: BaseGeometry) -> Iterator[BaseGeometry]:
    for part in getattr(shape, "geoms", [shape]):
        yield from [part] if part.geom_type == "Polygon" else _parts(part) if hasattr(part, "geoms") else []


def _within_world(shape: BaseGeometry) -> BaseGeometry:
    """Cut at the 180th meridian, as RFC 7946 asks its writers to do."""
    west, _south, east, _north = shape.bounds
    if west >= -180 and east <= 180:
        return shape
    turns = range(-2, 3)
    return shapely.union_all([shapely.intersection(translate(shape, xoff=360 * turn), _WORLD) for turn in turns])
