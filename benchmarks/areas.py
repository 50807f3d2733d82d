"""
Points found in the real borders of Brazil: in bulk with and without metres, one by one, and how a process gets them.

`python -m benchmarks.areas` needs SAMPLE_DATA_DIR with `areas/brazil.*` and is passed over without. POINTS=200000 lie
around the seats of municipalities, as stores do, and LOOKS=20000 of them are looked up one by one; those wait for
nothing, so their time is the processor's.
"""

import logging
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks.harness.report import Report, percentile
from benchmarks.harness.scratch import scratch_database, set_up

POINTS = int(os.environ.get("POINTS", "200000"))
LOOKS = int(os.environ.get("LOOKS", "20000"))
SPREAD_DEGREES = 0.02  # About two kilometres from the seat.
POINTS_PER_SECOND_MIN = 100_000
P99_MS_MAX = 1.0
TURNS = 3


def main() -> int:
    set_up()
    logging.disable(logging.INFO)
    folder = Path(os.environ.get("SAMPLE_DATA_DIR") or Path(__file__).parents[2] / "shared" / "data") / "areas"
    if not (folder / "brazil.geojson.gz").exists():
        print(f"There are no borders in {folder}: set SAMPLE_DATA_DIR to a directory that has them.")
        return 0
    report = Report("areas", f"{POINTS:,} points around the seats of Brazil's 5,571 municipalities, in their borders.")
    with scratch_database("bench_areas"):
        load_seconds = timed(lambda: load(folder))
        report.add("loading 5,599 areas and 5,564 borders", f"{load_seconds:.1f} s")
        measure(report)
        return report.finish()


def load(folder: Path) -> None:
    from core import clock
    from distribution.services import load_areas

    files = {"areas": folder / "brazil.csv", "borders": folder / "brazil.geojson.gz"}
    load_areas(**files, now=clock.now(), tell=lambda *_: None)


def measure(report: Report) -> None:
    from distribution.areas.shelf import atlas_in_force, times_built

    report.add("a process reads them", f"{timed(atlas_in_force):.2f} s")
    atlas = atlas_in_force()
    latitudes, longitudes = points(atlas.entries)
    for what, borders in (("points per second in bulk", False), ("… with metres to the border", True)):
        seconds = min(
            timed(lambda borders=borders: atlas.locate_many(latitudes, longitudes, borders=borders))  # type: ignore[misc]
            for _turn in range(TURNS)
        )
        if borders:
            report.add(what, f"{POINTS / seconds:,.0f}")
        else:
            report.at_least(what, POINTS / seconds, POINTS_PER_SECOND_MIN, "{:,.0f}")
    walls, looks = [], []
    for latitude, longitude in zip(latitudes[:LOOKS], longitudes[:LOOKS], strict=True):
        began, worked = time.perf_counter(), time.thread_time()
        atlas.locate(latitude, longitude)
        looks.append((time.thread_time() - worked) * 1000)
        walls.append((time.perf_counter() - began) * 1000)
    report.add("one look-up with metres, median", f"{percentile(looks, 50):.3f} ms")
    report.at_most("one look-up with metres, p99", percentile(looks, 99), P99_MS_MAX, "{:.3f} ms")
    report.add("… with what other processes of the machine took meanwhile, p99", f"{percentile(walls, 99):.3f} ms")
    report.at_most("how often the borders were read", times_built(), 1, "{:.0f}")


def points(entries: object) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(1)
    seats = np.array([(e.latitude, e.longitude) for e in entries if e.level == 2])  # type: ignore[attr-defined]
    chosen = seats[random.integers(0, len(seats), POINTS)] + random.normal(0, SPREAD_DEGREES, (POINTS, 2))
    return chosen[:, 0], chosen[:, 1]


def timed(what: Callable[[], object]) -> float:
    began = time.perf_counter()
    what()
    return time.perf_counter() - began


if __name__ == "__main__":
    sys.exit(main())
