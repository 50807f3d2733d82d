"""Loading areas: all of a scheme as its next version, or nothing."""

import hashlib
import json
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.db import connection, transaction

from core.jobs import submit_job
from distribution.areas.borders import read_borders
from distribution.areas.files import AreaFile, AreaRow, read_areas
from distribution.areas.shelf import forget_atlas
from distribution.models import Area, AreaAlias, AreaBorder, AreaScheme, AreaVersion

PLACE_AGAIN = "distribution.place_again"

Told = Callable[[str, int, int], None]  # What is done, how much of it, of how much.

_CHANGING = ("name", "level", "level_name", "parent_id", "latitude", "longitude", "retired_at", "sought")


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a load came to; `is_new` is false where the files say what is in force already."""

    version: AreaVersion
    is_new: bool


def load_areas(
    *, areas: Path, scheme: str | None = None, borders: Path | None = None, now: datetime, tell: Told
) -> Loaded:
    """
    Load a scheme of areas from files, with borders or with those it has, as its next version.

    Codes that are gone are retired, and old ones lead to what replaces them. The same files again change nothing.
    Stores that wait for a decision, stand nowhere, or stand in what is retired are placed again by a job.

    :raises AreasNotLoadable: with everything that is wrong; nothing is loaded.
    """
    file = read_areas(areas, scheme=scheme)
    tell("areas", len(file.rows), len(file.rows))
    codes = {row.code for row in file.rows}
    shapes = None
    if borders is not None:
        shapes = read_borders(borders, codes=codes, tell=lambda done, of: tell("borders", done, of))
    with transaction.atomic():
        loaded = _keep(file, shapes, borders.name if borders else "", now, tell)
        if loaded.is_new:
            submit_job(kind=PLACE_AGAIN, arguments={"version": str(loaded.version)}, owner="", login="")
            transaction.on_commit(forget_atlas)
    return loaded


def folded(text: str) -> str:
    """Return a text as the search compares it: without accents, in small letters."""
    letters = unicodedata.normalize("NFKD", text)
    return unicodedata.normalize("NFC", "".join(one for one in letters if not unicodedata.combining(one))).casefold()


def _keep(file: AreaFile, shapes: Mapping[str, bytes] | None, borders: str, now: datetime, tell: Told) -> Loaded:
    """Loads go one after the other, in all schemes: so the newest version has the highest key once it commits."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('areas', 0))")
    scheme, _made = AreaScheme.objects.get_or_create(code=file.scheme)
    last = scheme.versions.order_by("-number").first()
    digest = _digest(file.rows, shapes, last)
    if last is not None and last.digest == digest:
        return Loaded(last, is_new=False)
    known = {area.code: area for area in Area.objects.filter(scheme=scheme).defer(None)}
    retired = _retire(known, {row.code for row in file.rows}, now)
    added = _write_areas(scheme, file.rows, known, tell)
    version = AreaVersion(
        scheme=scheme,
        number=last.number + 1 if last else 1,
        digest=digest,
        borders_from=last.borders_from if last and shapes is None else None,
        areas_count=len(file.rows),
        added_count=added,
        retired_count=retired,
        borders_count=len(shapes) if shapes is not None else last.borders_count if last else 0,
        areas_file=file.name[:200],
        borders_file=borders[:200],
        loaded_at=now,
    )
    _save_version(version, brings_borders=bool(shapes))
    _write_aliases(version, file.rows, known)
    _write_borders(version, shapes or {}, known, tell)
    return Loaded(version, is_new=True)


def _digest(rows: Sequence[AreaRow], shapes: Mapping[str, bytes] | None, last: AreaVersion | None) -> str:
    """Of the areas, then of the borders; a load without borders says those that are in force."""
    of_areas, of_borders = hashlib.blake2b(digest_size=16), hashlib.blake2b(digest_size=16)
    for row in rows:
        said = [row.code, row.name, row.level, row.level_name, row.parent, row.latitude, row.longitude, row.replaces]
        of_areas.update(json.dumps(said).encode())
    for code, shape in sorted((shapes or {}).items()):
        of_borders.update(code.encode() + b"\0" + hashlib.sha256(shape).digest())
    kept = last.digest[32:] if last is not None and shapes is None else of_borders.hexdigest()
    return of_areas.hexdigest() + kept


def _retire(known: Mapping[str, Area], codes: set[str], now: datetime) -> int:
    gone = [area.pk for area in known.values() if area.code not in codes and area.retired_at is None]
    return Area.objects.filter(pk__in=gone).update(retired_at=now)


def _write_areas(scheme: AreaScheme, rows: Sequence[AreaRow], known: dict[str, Area], tell: Told) -> int:
    """Level by level, since children name their parents; return how many areas are new or back."""
    added = done = 0
    for level in _levels(rows):
        new: list[Area] = []
        changed: list[Area] = []
        for row in level:
            area = known.setdefault(row.code, Area(scheme=scheme, code=row.code))
            before = [getattr(area, name) for name in _CHANGING]
            added += area.pk is None or area.retired_at is not None
            _fill(area, row, known)
            if area.pk is None:
                new.append(area)
            elif before != [getattr(area, name) for name in _CHANGING]:
                changed.append(area)
        Area.objects.bulk_create(new, batch_size=settings.AREA_ROWS_AT_ONCE)
        Area.objects.bulk_update(changed, _FIELDS, batch_size=settings.AREA_ROWS_AT_ONCE)
        done += len(level)
        tell("keeping areas", done, len(rows))
    return added


_FIELDS = [name.removesuffix("_id") for name in _CHANGING]


def _levels(rows: Sequence[AreaRow]) -> Iterator[list[AreaRow]]:
    for level in sorted({row.level for row in rows}):
        yield [row for row in rows if row.level == level]


def _fill(area: Area, row: AreaRow, known: Mapping[str, Area]) -> None:
    area.name, area.level, area.level_name = row.name, row.level, row.level_name
    area.parent = known[row.parent] if row.parent else None
    area.latitude, area.longitude = row.latitude, row.longitude
    area.retired_at = None
    area.sought = f"{area.code} {folded(row.name)}"[:400]


def _save_version(version: AreaVersion, *, brings_borders: bool) -> None:
    """Rows of versions are written once: one with borders of its own has to know its key beforehand."""
    if brings_borders:
        with connection.cursor() as cursor:
            cursor.execute("SELECT nextval(pg_get_serial_sequence('distribution_areaversion', 'id'))")
            version.pk = cursor.fetchone()[0]
        version.borders_from_id = version.pk
    version.save(force_insert=True)


def _write_aliases(version: AreaVersion, rows: Sequence[AreaRow], known: Mapping[str, Area]) -> None:
    """What a row replaces leads to it, as does what led to that before."""
    heirs = {old: known[row.code] for row in rows for old in row.replaces}
    aliases = AreaAlias.objects.filter(scheme=version.scheme)
    aliases.filter(code__in=[row.code for row in rows]).delete()
    for old, heir in heirs.items():
        AreaAlias.objects.update_or_create(
            scheme=version.scheme, code=old, defaults={"area": heir}, create_defaults={"area": heir, "since": version}
        )
        aliases.filter(area__code=old).update(area=heir)


def _write_borders(version: AreaVersion, shapes: Mapping[str, bytes], known: Mapping[str, Area], tell: Told) -> None:
    done = 0
    for some in _batched(sorted(shapes), settings.AREA_ROWS_AT_ONCE):
        borders = [AreaBorder(version=version, area=known[code], shape=shapes[code]) for code in some]
        AreaBorder.objects.bulk_create(borders)
        done += len(borders)
        tell("keeping borders", done, len(shapes))


def _batched(codes: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    for start in range(0, len(codes), size):
        yield codes[start : start + size]
