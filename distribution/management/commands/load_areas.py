"""`manage.py load_areas AREAS.csv`: a scheme of areas as its next version, all of it or nothing."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from tqdm import tqdm

from core import clock
from distribution.areas.problems import AreasNotLoadable, Problem
from distribution.models import AreaVersion
from distribution.services import load_areas

SHOWN_MAX = 200  # Problems of one load; a file of the wrong kind has as many as rows.


class Command(BaseCommand):
    help = (
        "Load a scheme of areas from a CSV (code, name, parent, level and, if there, latitude, longitude, level_name,"
        " replaces), all of it or nothing. Repeating is harmless. Running servers use it within two seconds."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("areas", type=Path, metavar="AREAS.csv", help="also .csv.gz")
        parser.add_argument("--scheme", metavar="BR", help="the scheme's name; by default the code of the level-0 row")
        parser.add_argument(
            "--boundaries",
            type=Path,
            metavar="BORDERS.geojson",
            help="polygons by the property `code`, also .gz; without it the scheme keeps the borders it has",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        with tqdm(leave=False, disable=None, dynamic_ncols=True) as bar, clock.read_once():
            try:
                loaded = load_areas(
                    areas=options["areas"],
                    scheme=options["scheme"],
                    borders=options["boundaries"],
                    now=clock.now(),
                    tell=_shown_on(bar),
                )
            except AreasNotLoadable as refused:
                bar.close()
                raise CommandError(_written(refused.problems)) from refused
        self.stdout.write(_said(loaded.version) if loaded.is_new else f"{loaded.version} says all of this already.")


def _shown_on(bar: tqdm) -> Any:
    def tell(what: str, done: int, total: int) -> None:
        bar.set_description(what, refresh=False)
        bar.total, bar.n = total, done
        bar.update(0)

    return tell


def _said(version: AreaVersion) -> str:
    counts = f"{version.areas_count:,} areas ({version.added_count:,} new, {version.retired_count:,} retired)"
    return f"{version}: {counts}, {version.borders_count:,} borders."


def _written(problems: tuple[Problem, ...]) -> str:
    lines = [str(problem) for problem in problems[:SHOWN_MAX]]
    if len(problems) > SHOWN_MAX:
        lines.append(f"… and {len(problems) - SHOWN_MAX:,} more.")
    return "\n".join(["Nothing was loaded:", *lines])
