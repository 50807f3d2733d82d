"""The areas that the project ships: real codes of three tiers, and borders that hold their own centres."""

from core import clock
from demo import loading
from demo.world import PLACES
from distribution.areas.shelf import atlas_in_force
from distribution.models import Area, AreaVersion

KILOBYTES_MAX = 300


class TestTheDemosAreas:
    def test_are_small_and_say_their_licences(self):
        assert sum(file.stat().st_size for file in loading.AREAS.iterdir()) < KILOBYTES_MAX * 1000
        said = (loading.AREAS / "README.md").read_text()
        assert "public domain" in said
        assert "MIT" in said

    def test_are_loaded_once_and_leave_what_is_there(self, db):
        loading._load_areas(clock.now())
        version = AreaVersion.objects.get()
        loading._load_areas(clock.now())

        assert AreaVersion.objects.get() == version
        assert (version.areas_count, version.borders_count) == (194, 31)

    def test_provinces_lie_in_their_own_borders(self, db):
        loading._load_areas(clock.now())
        atlas = atlas_in_force()
        provinces = Area.objects.filter(level=1).exclude(code__in=["440000", "710000", "810000", "820000"])
        found = {area.code: atlas.locate(area.latitude, area.longitude) for area in provinces}

        assert {
            code for code, at in found.items() if at is None or (at.area.code, at.evidence) != (code, "polygon")
        } == set()

    def test_the_demos_store_in_china_declares_where_it_is(self, db):
        loading._load_areas(clock.now())
        (place,) = [place for place in PLACES if place.area_code]
        guess = atlas_in_force().locate(place.latitude, place.longitude)

        assert guess is not None
        assert (guess.area.public_code, guess.evidence, guess.within.code) == (place.area_code, "centre", "440000")
