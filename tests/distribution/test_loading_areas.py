"""Areas are loaded whole or not at all, again and again, and old codes lead to what replaced them."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction

from core.models import Job
from distribution.areas.codes import find_area
from distribution.areas.problems import AreasNotLoadable
from distribution.areas.shelf import atlas_in_force
from distribution.errors import AreaAmbiguous
from distribution.models import Area, AreaBorder, AreaScheme, AreaVersion
from tests.distribution.areas import COUNTRY, HEADER, SQUARES, load, write_areas, write_borders


def refused(folder: Path, *rows: object, header: Any = HEADER, shapes: Any = None) -> list[str]:
    with pytest.raises(AreasNotLoadable) as refusal:
        load(folder, rows, shapes, header=header)  # type: ignore[arg-type]
    assert not AreaScheme.objects.exists()
    return [str(problem) for problem in refusal.value.problems]


class TestLoading:
    def test_a_scheme_is_named_by_its_country(self, db, tmp_path):
        loaded = load(tmp_path, shapes=SQUARES)

        assert str(loaded.version) == "XX v1"
        assert (loaded.version.areas_count, loaded.version.added_count, loaded.version.borders_count) == (6, 6, 3)
        assert find_area("XX:11").parent == find_area("1")
        assert [area.level_name for area in Area.objects.order_by("level", "code")][:2] == ["country", "region"]

    def test_the_same_again_changes_nothing(self, db, tmp_path):
        first = load(tmp_path, shapes=SQUARES)
        again = [load(tmp_path, shapes=SQUARES), load(tmp_path)]

        assert [(one.version, one.is_new) for one in again] == [(first.version, False)] * 2
        assert (Area.objects.count(), AreaBorder.objects.count(), Job.objects.count()) == (6, 3, 1)

    def test_a_version_without_borders_goes_on_with_those_there_are(self, db, tmp_path):
        load(tmp_path, shapes=SQUARES)
        renamed = load(tmp_path, [*COUNTRY[:-1], ("21", "Eastleigh on Sea", "2", 2, 0.5, 1.5)])

        assert (str(renamed.version), renamed.version.borders_count) == ("XX v2", 3)
        assert AreaBorder.objects.count() == 3
        located = atlas_in_force().locate(0.5, 1.5)
        assert located is not None
        assert (located.area.code, located.evidence) == ("21", "polygon")

    def test_codes_that_vanish_are_retired_and_come_back(self, db, tmp_path):
        load(tmp_path, shapes=SQUARES)
        gone = load(tmp_path, COUNTRY[:-1])
        retired = find_area("21")
        back = load(tmp_path)

        assert gone.version.retired_count == 1
        assert retired.retired_at == gone.version.loaded_at
        assert find_area("21").retired_at is None
        assert (str(back.version), back.version.added_count) == ("XX v3", 1)

    def test_old_codes_lead_to_what_replaced_them_however_often(self, db, tmp_path):
        header = (*HEADER, "replaces")
        load(tmp_path)
        load(
            tmp_path,
            [*((*row, "") for row in COUNTRY[:-1]), ("22", "Eastport", "2", 2, "", "", "21 020")],
            header=header,
        )  # type: ignore[operator]
        load(tmp_path, [*((*row, "") for row in COUNTRY[:-1]), ("23", "Newport", "2", 2, "", "", "22")], header=header)  # type: ignore[operator]

        assert {find_area(code).code for code in ("21", "XX:21", "020", "22", "23")} == {"23"}

    def test_several_schemes_stand_beside_each_other(self, db, tmp_path):
        load(tmp_path, shapes=SQUARES)
        load(tmp_path, [("YY", "Yland", "", 0, "", ""), ("1", "North", "YY", 1, "", "")])

        assert (find_area("XX:1").name, find_area("YY:1").name, find_area("11").name) == ("West", "North", "Westford")
        with pytest.raises(AreaAmbiguous, match="XX:1, YY:1"):
            find_area("1")

    def test_versions_and_borders_are_written_once(self, db, tmp_path):
        load(tmp_path, shapes=SQUARES)
        for change in (
            lambda: AreaVersion.objects.update(number=7),
            lambda: AreaBorder.objects.all().delete(),
            lambda: Area.objects.get(code="12").delete(),
        ):
            with pytest.raises(IntegrityError, match="written once"), transaction.atomic():
                change()


class TestBadFiles:
    """Everything that is wrong is said at once, with its line, and nothing is loaded."""

    def test_each_bad_row_is_named(self, db, tmp_path):
        said = refused(
            tmp_path,
            ("XX", "Xland", "", 0, "", ""),
            ("1", "", "XX", 1, "", ""),
            ("11", "Under a bad one", "1", 2, "", ""),
            ("2", "East", "XX", "one", "", ""),
            ("3", "South", "YY", 1, "", ""),
            ("4", "North", "XX", 1, 91, 0),
            ("5", "Half", "XX", 1, 1, ""),
            ("6", "Twice", "XX", 1, "", ""),
            ("6", "Twice", "XX", 1, "", ""),
            ("7:8", "Colon", "XX", 1, "", ""),
            ("9", "Upside down", "6", 1, "", ""),
            ("10", "Short", "XX"),
        )

        assert [line.partition(": line ")[2].partition(":")[0] for line in said] == [
            "3", "5", "6", "7", "8", "10", "11", "12", "13",
        ]  # fmt: skip

    @pytest.mark.parametrize(
        ("content", "said"),
        [
            (b"", "line 1: The columns are not"),
            (b"code,name\n1,a\n", "line 1: The columns are not"),
            (b"code,name,parent,level\nXX,X\xff,,0\n", "line 2: It is not UTF-8"),
            (b"code,name,parent,level\nXX,X\0,,0\n", "line 2: It holds a NUL"),
            (b'code,name,parent,level\nXX,"X,,0\n', "It is no CSV"),
            (b"code,name,parent,level\n", "0 rows have level 0"),
            (b"code,name,parent,level\nXX,X,,0\nYY,Y,,0\n", "2 rows have level 0"),
            (b"\x1f\x8b broken", "It cannot be read"),
        ],
    )
    def test_a_file_of_another_kind_is_refused(self, db, tmp_path, content: bytes, said: str):
        (tmp_path / "areas.csv").write_bytes(content)
        with pytest.raises(CommandError, match="Nothing was loaded") as refusal:
            call_command("load_areas", str(tmp_path / "areas.csv"))
        assert said in str(refusal.value)

    def test_one_code_is_replaced_by_one_area(self, db, tmp_path):
        header = (*HEADER, "replaces")
        said = refused(
            tmp_path,
            ("XX", "Xland", "", 0, "", "", ""),
            ("1", "West", "XX", 1, "", "", "9 2"),
            ("2", "East", "XX", 1, "", "", "9"),
            header=header,
        )
        assert len(said) == 3

    def test_bad_borders_keep_good_areas_out(self, db, tmp_path):
        bow_tie = {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]]}
        line = {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [0, 0]]]}
        far = {"type": "Polygon", "coordinates": [[[0, 0], [1, 91], [1, 0], [0, 0]]]}
        point = {"type": "Point", "coordinates": [0, 0]}
        said = refused(tmp_path, *COUNTRY, shapes={"1": bow_tie, "2": line, "11": far, "12": point, "99": (0, 0, 1, 1)})

        assert [line.split(": ")[1] for line in said] == ["feature 2", "feature 3", "feature 4", "feature 5"]


class TestTheCommand:
    def test_reads_gzip_and_says_what_it_did(self, db, tmp_path, capsys):
        areas = tmp_path / "areas.csv.gz"
        areas.write_bytes(gzip.compress(write_areas(tmp_path / "areas.csv", COUNTRY).read_bytes()))
        borders = tmp_path / "borders.geojson.gz"
        borders.write_bytes(gzip.compress(write_borders(tmp_path / "borders.geojson", SQUARES).read_bytes()))

        for _again in range(2):
            call_command("load_areas", str(areas), boundaries=borders, scheme="ZZ")

        assert capsys.readouterr().out.splitlines() == [
            "ZZ v1: 6 areas (6 new, 0 retired), 3 borders.",
            "ZZ v1 says all of this already.",
        ]

    def test_numbers_are_codes_as_well(self, db, tmp_path):
        path = write_borders(tmp_path / "borders.geojson", {"1": (0, 0, 1, 1)})
        document = json.loads(path.read_text())
        document["features"][0]["properties"]["code"] = 1
        path.write_text(json.dumps(document))
        call_command("load_areas", str(write_areas(tmp_path / "areas.csv", COUNTRY)), boundaries=path)

        assert AreaBorder.objects.get().area == find_area("1")
