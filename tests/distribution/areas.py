"""Small worlds of areas for tests: a country of squares, ten kilometres to the degree's tenth."""

import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from core import clock
from distribution.services import Loaded, load_areas

HEADER = ("code", "name", "parent", "level", "latitude", "longitude")

# Two provinces side by side, west and east of longitude 1; the west has two towns, of which one has a border.
COUNTRY: Sequence[Sequence[object]] = (
    ("XX", "Xland", "", 0, "", ""),
    ("1", "West", "XX", 1, 0.5, 0.5),
    ("11", "Westford", "1", 2, 0.25, 0.5),
    ("12", "Westbury", "1", 2, 0.75, 0.5),
    ("2", "East", "XX", 1, 0.5, 1.5),
    ("21", "Eastleigh", "2", 2, 0.5, 1.5),
)
SQUARES: Mapping[str, tuple[float, float, float, float]] = {
    "1": (0, 0, 1, 1),
    "11": (0, 0, 1, 0.5),
    "21": (1, 0, 2, 1),
}


def write_areas(path: Path, rows: Iterable[Sequence[object]], header: Sequence[str] = HEADER) -> Path:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)
    return path


def square(west: float, south: float, east: float, north: float) -> dict[str, Any]:
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Polygon", "coordinates": [ring]}


def write_borders(path: Path, shapes: Mapping[str, Any]) -> Path:
    """By code: the sides of a square, or a geometry."""
    geometries = {code: square(*shape) if isinstance(shape, tuple) else shape for code, shape in shapes.items()}
    features = [
        {"type": "Feature", "properties": {"code": code}, "geometry": geometry} for code, geometry in geometries.items()
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return path


def load(
    folder: Path,
    rows: Iterable[Sequence[object]] = COUNTRY,
    shapes: Mapping[str, Any] | None = None,
    *,
    header: Sequence[str] = HEADER,
    scheme: str | None = None,
    now: datetime | None = None,
) -> Loaded:
    """Load areas, with borders where there are shapes."""
    borders = write_borders(folder / "borders.geojson", shapes) if shapes is not None else None
    return load_areas(
        areas=write_areas(folder / "areas.csv", rows, header),
        borders=borders,
        scheme=scheme,
        now=now or clock.now(),
        tell=lambda what, done, total: None,
    )
