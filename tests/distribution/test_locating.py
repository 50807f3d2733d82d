"""The area of a point: inside its border, with metres to it, or with the nearest centre; exact, and fast."""

import math
import os
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from django.db import connections
from hypothesis import given, settings, strategies

from core import clock
from distribution.areas import shelf
from distribution.areas.atlas import NOWHERE, Atlas, Located
from distribution.areas.borders import read_shape
from distribution.areas.metres import EARTH_RADIUS_M, distance_to_segments_m
from distribution.areas.shelf import atlas_in_force, times_built
from distribution.services import load_areas
from tests.conftest import cloned_database
from tests.distribution.areas import COUNTRY, SQUARES, load, square
from tests.sample_data import sample_file

EXAMPLES = int(os.environ.get("LOCATE_EXAMPLES", "60"))


@pytest.fixture
def atlas(db, tmp_path) -> Atlas:
    load(tmp_path, shapes=SQUARES)
    return atlas_in_force()


def code_of(located: Located | None) -> str | None:
    return located.area.code if located else None


class TestAPoint:
    def test_is_in_the_lowest_area_around_it(self, atlas):
        inside = atlas.locate(0.25, 0.5)

        assert (inside.area.public_code, inside.evidence, inside.within) == ("XX:11", "polygon", inside.area)
        assert inside.border_m == pytest.approx(0.25 * 110_574.3, rel=1e-4)

    def test_below_a_border_goes_to_the_nearest_centre_there(self, atlas):
        guess = atlas.locate(0.8, 0.5)

        assert (code_of(guess), guess.evidence, guess.border_m, guess.within.code) == ("12", "centre", None, "1")

    def test_outside_of_all_borders_goes_to_the_nearest_centre(self, atlas):
        assert code_of(atlas.locate(0.5, 2.2)) == "21"
        assert atlas.locate(0.5, 2.2).within is None

    def test_is_nowhere_beyond_the_farthest_that_a_centre_says_something(self, atlas):
        assert atlas.locate(0.5, 2.5) is None

    def test_on_a_border_is_in_one_area_and_nought_metres_from_it(self, atlas):
        corner = atlas.locate(0, 1)

        assert (code_of(corner), corner.evidence, corner.border_m) == ("11", "polygon", 0)

    def test_is_looked_for_in_one_scheme_only_where_that_is_asked(self, atlas, tmp_path):
        load(tmp_path, [("YY", "Yland", "", 0, "", ""), ("Y1", "All", "YY", 1, "", "")], {"Y1": (-1, -1, 3, 3)})
        both = atlas_in_force()

        assert code_of(both.locate(0.25, 0.5)) == "11"
        assert code_of(both.locate(0.25, 0.5, scheme="YY")) == "Y1"
        assert both.locate(0.25, 0.5, scheme="ZZ") is None


class TestAcrossThe180thMeridian:
    """Borders may be cut there, run over it, or count on past it."""

    @pytest.mark.parametrize(
        "ring",
        [
            [[179, 0], [181, 0], [181, 1], [179, 1], [179, 0]],
            [[179, 0], [-179, 0], [-179, 1], [179, 1], [179, 0]],
            [[-181, 0], [-179, 0], [-179, 1], [-181, 1], [-181, 0]],
        ],
    )
    def test_both_sides_are_inside_and_the_cut_is_no_border(self, db, tmp_path, ring: Any):
        load(tmp_path, shapes={"21": {"type": "Polygon", "coordinates": [ring]}})
        atlas = atlas_in_force()
        found = [atlas.locate(0.5, x) for x in (179.9, -179.9, 180.0, -180.0)]

        assert [(code_of(one), one and one.evidence) for one in found] == [("21", "polygon")] * 4
        assert [one.border_m for one in found if one] == pytest.approx([0.5 * 110_574.3] * 4, rel=1e-3)
        many = atlas.locate_many(np.full(4, 0.5), np.array([179.9, -179.9, 180.0, -180.0]))
        assert (many.place == many.place[0]).all()

    def test_an_edge_along_a_pole_is_no_crossing(self):
        ring = [[-180, -90], [180, -90], [180, -70], [0, -60], [-180, -70], [-180, -90]]
        shape = read_shape({"type": "Polygon", "coordinates": [ring]})

        assert shapely.intersects_xy(shape, 90, -80)
        assert not shapely.intersects_xy(shape, 90, -50)

    def test_holes_stay_where_they_are(self):
        outer = [[170, 0], [190, 0], [190, 10], [170, 10], [170, 0]]
        hole = [[-175, 4], [-175, 6], [-173, 6], [-173, 4], [-175, 4]]
        shape = read_shape({"type": "Polygon", "coordinates": [outer, hole]})

        assert [bool(shapely.intersects_xy(shape, x, 5)) for x in (175, -179, -174, -171)] == [True, True, False, True]


class TestMetres:
    """Near a point the globe is flat enough: the page on areas says how nearly."""

    @pytest.mark.parametrize("latitude", [0, 23, 45, 60])
    @pytest.mark.parametrize(("away_m", "error"), [(100, 0.006), (10_000, 0.008), (100_000, 0.02)])
    def test_are_near_those_on_the_globe(self, latitude: float, away_m: float, error: float):
        """The mean globe and WGS 84 differ by half a percent themselves."""
        degrees = math.degrees(away_m / EARTH_RADIUS_M)
        for bearing in np.radians(np.arange(0, 360, 15)):
            y = math.asin(
                math.sin(math.radians(latitude)) * math.cos(math.radians(degrees))
                + math.cos(math.radians(latitude)) * math.sin(math.radians(degrees)) * math.cos(bearing)
            )
            x = math.atan2(
                math.sin(bearing) * math.sin(math.radians(degrees)) * math.cos(math.radians(latitude)),
                math.cos(math.radians(degrees)) - math.sin(math.radians(latitude)) * math.sin(y),
            )
            there = np.degrees([[x, y, x, y]])
            found = distance_to_segments_m(np.array([0.0]), np.array([float(latitude)]), there)[0]
            assert found == pytest.approx(away_m, rel=error)


class TestBruteForce:
    """Whatever the borders and the points: the same as looking into every polygon."""

    @pytest.fixture(scope="class")
    @classmethod
    def tiled(cls, django_db_setup, django_db_blocker, tmp_path_factory) -> Any:
        """Squares, triangles and a bow tie, some over others, at two levels."""
        folder = tmp_path_factory.mktemp("areas")
        random = np.random.default_rng(7)
        rows: list[Any] = [("XX", "Xland", "", 0, "", "")]
        shapes: dict[str, Any] = {}
        for place in range(40):
            west, south = random.integers(-20, 20, 2) / 4
            code, parent = f"c{place}", "XX" if place % 4 == 0 else f"c{place - place % 4}"
            rows.append((code, f"Area {place}", parent, 1 if parent == "XX" else 2, south + 0.5, west + 0.5))
            if place % 3 != 2:
                shapes[code] = square(west, south, west + 1, south + 1)
            if place % 9 == 0:
                shapes[code]["coordinates"][0][1:3] = reversed(shapes[code]["coordinates"][0][1:3])
        with django_db_blocker.unblock(), cloned_database():
            load(folder, rows, shapes)
            atlas = atlas_in_force()
            yield atlas, {atlas.place_of[entry.id]: shape for entry, shape in cls.borders(atlas, shapes)}

    @staticmethod
    def borders(atlas: Atlas, shapes: Any) -> Any:
        return [(entry, read_shape(shapes[entry.code])) for entry in atlas.entries if entry.code in shapes]

    degrees = strategies.integers(-28, 28).map(lambda n: n / 4) | strategies.floats(-7, 7, allow_subnormal=False)

    @given(points=strategies.lists(strategies.tuples(degrees, degrees), min_size=1, max_size=30))
    @settings(max_examples=EXAMPLES, deadline=None)
    def test_one_many_and_all_polygons_agree(self, tiled, points):
        atlas, borders = tiled
        many = atlas.locate_many(np.array([y for y, _x in points]), np.array([x for _y, x in points]))
        for number, (y, x) in enumerate(points):
            around = [p for p, border in borders.items() if border.intersects(shapely.Point(x, y))]
            lowest = min(around, key=lambda p: (-atlas.entries[p].level, p), default=NOWHERE)
            one = atlas.locate(y, x)
            assert many.within[number] == lowest
            assert one == atlas.one_of(many, number)
            if one is not None and one.evidence == "polygon":
                edge = borders[atlas.place_of[one.area.id]].boundary.distance(shapely.Point(x, y))
                assert 109_400 * edge - 1e-6 <= one.border_m <= 112_500 * edge + 1e-6


class TestOneAtlasPerVersion:
    """A process reads the borders once for each version, whatever its threads do, and sees a newer one in time."""

    def test_many_threads_read_the_borders_once(self, committed_db, tmp_path):
        load(tmp_path, shapes=SQUARES)
        before, found = times_built(), []
        start = threading.Barrier(8)

        def look() -> None:
            start.wait()
            found.append(atlas_in_force())
            connections.close_all()

        threads = [threading.Thread(target=look) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert times_built() == before + 1
        assert len({id(atlas) for atlas in found}) == 1

    def test_a_newer_version_is_seen_at_the_next_look(self, db, tmp_path, settings):
        settings.AREAS_LOOK_SECONDS = 60
        shelf.forget_atlas()
        load(tmp_path, shapes=SQUARES)
        first = atlas_in_force()
        load(tmp_path, COUNTRY[:-1])
        assert atlas_in_force() is first
        shelf._shelf.looked_at -= 61
        assert code_of(atlas_in_force().locate(0.5, 1.5)) == "2"

    def test_a_look_is_one_statement_and_none_in_between(self, atlas, settings, statements):
        with statements() as seen:
            assert atlas_in_force() is atlas
        assert len(seen) == 1, str(seen)
        settings.AREAS_LOOK_SECONDS = 60
        with statements() as seen:
            assert atlas_in_force() is atlas
        assert len(seen) == 0, str(seen)


class TestBrazil:
    """Real borders against the places of the towns themselves."""

    @pytest.fixture(scope="class")
    @classmethod
    def brazil(cls, django_db_setup, django_db_blocker) -> Any:
        files = {name: sample_file(f"areas/brazil.{name}") for name in ("csv", "geojson.gz")}
        with django_db_blocker.unblock(), cloned_database():
            cls.load(files["csv"], files["geojson.gz"])
            cls.load(sample_file("areas/china.csv"))
            yield atlas_in_force()

    @staticmethod
    def load(areas: Path, borders: Path | None = None) -> None:
        load_areas(areas=areas, borders=borders, now=clock.now(), tell=lambda *_: None)

    def test_towns_lie_in_their_own_borders(self, brazil):
        towns = [entry for entry in brazil.entries if entry.scheme == "BR" and entry.level == 2]
        many = brazil.locate_many(np.array([t.latitude for t in towns]), np.array([t.longitude for t in towns]))
        own = np.array([brazil.place_of[t.id] for t in towns])

        assert len(towns) == 5_571
        assert ((many.place == own) & many.is_polygon).sum() >= 5_543  # Seven have no border, others lost an island.

    def test_china_is_found_by_centres_alone(self, brazil):
        found = brazil.locate(22.5405, 113.9345)

        assert (found.area.public_code, found.evidence, found.border_m) == ("CN:440305", "centre", None)
