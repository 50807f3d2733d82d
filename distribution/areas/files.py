"""Areas as a CSV has them: read whole, checked row by row, and only sound as a whole."""

import csv
import gzip
import io
import math
import re
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from zlib import error as BrokenGzip

from django.conf import settings

from distribution.areas.problems import AreasNotLoadable, Problem
from distribution.models.areas import AREA_CODE_LENGTH_MAX, SCHEME_CODE_LENGTH_MAX

NEEDED = ("code", "name", "parent", "level")
LEVEL_MAX = 12
NAME_LENGTH_MAX = 200
LEVEL_NAME_LENGTH_MAX = 60
GZIP_BEGINS = b"\x1f\x8b"

_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class AreaRow:
    """One area as its file says it; `parent` is empty for level 0, `replaces` are codes of areas that it stands for."""

    line: int
    code: str
    name: str
    level: int
    level_name: str
    parent: str
    latitude: float | None
    longitude: float | None
    replaces: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AreaFile:
    """A sound file of areas: parents come before their children."""

    name: str
    scheme: str
    rows: tuple[AreaRow, ...]


def read_areas(path: Path, *, scheme: str | None = None) -> AreaFile:
    """
    Read a CSV (or .csv.gz) with the columns `code, name, parent, level` and, if there, `latitude, longitude,
    level_name, replaces`. Other columns are passed over. The scheme is by default the code of the row of level 0.

    :raises AreasNotLoadable: with everything that is wrong.
    """
    problems: list[Problem] = []
    faulty: set[str] = set()
    rows = list(_rows(path, scheme, problems, faulty))
    problems += [Problem(path.name, f"line {line}", detail) for line, detail in _faults_of_tree(rows, faulty)]
    roots = [row for row in rows if row.level == 0]
    if len(roots) != 1 and not faulty:
        problems.append(Problem(path.name, "", f"{len(roots)} rows have level 0; a scheme has one."))
    named = scheme or (roots[0].code if roots else "")
    if not problems and not (_CODE.match(named) and len(named) <= SCHEME_CODE_LENGTH_MAX):
        problems.append(Problem(path.name, "", f"{named!r} cannot name a scheme."))
    if problems:
        raise AreasNotLoadable(sorted(problems, key=_place))
    return AreaFile(path.name, named, tuple(sorted(rows, key=lambda row: (row.level, row.code))))


def read_bytes(path: Path) -> bytes:
    """
    Return what a file holds, unpacked where it is gzip.

    :raises AreasNotLoadable: it cannot be read.
    """
    try:
        content = path.read_bytes()
        return gzip.decompress(content) if content.startswith(GZIP_BEGINS) else content
    except (OSError, EOFError, BrokenGzip) as failure:
        raise AreasNotLoadable([Problem(path.name, "", f"It cannot be read: {failure}.")]) from failure


def _rows(path: Path, scheme: str | None, problems: list[Problem], faulty: set[str]) -> Iterator[AreaRow]:
    """Yield the sound rows; what is wrong with the others goes to `problems`, and their codes to `faulty`."""
    reader = csv.reader(io.StringIO(_text(path)), strict=True)
    try:
        header = [name.strip() for name in next(reader, [])]
        missing = [name for name in NEEDED if name not in header]
        if missing or len(set(header)) != len(header):
            raise AreasNotLoadable([Problem(path.name, "line 1", f"The columns are not {', '.join(NEEDED)}, ….")])
        names = _LevelNames(scheme)
        for cells in reader:
            if not any(cells):
                continue
            row, faults = _read_row(dict(zip(header, cells, strict=False)), reader.line_num, names)
            if len(cells) != len(header):
                faults = [f"It has {len(cells)} cells, the first line has {len(header)}."]
            problems += [Problem(path.name, f"line {reader.line_num}", fault) for fault in faults]
            if faults:
                faulty.add(row.code)
            else:
                yield row
    except csv.Error as broken:
        problems.append(Problem(path.name, f"line {reader.line_num}", f"It is no CSV: {broken}."))


def _text(path: Path) -> str:
    content = read_bytes(path)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as broken:
        line = content.count(b"\n", 0, broken.start) + 1
        raise AreasNotLoadable([Problem(path.name, f"line {line}", "It is not UTF-8.")]) from broken
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise AreasNotLoadable([Problem(path.name, f"line {line}", "It holds a NUL.")])
    return text


class _LevelNames:
    """What the levels of a scheme are called, where the file does not say it."""

    def __init__(self, scheme: str | None) -> None:
        self._scheme = scheme

    def of(self, level: int, code: str) -> str:
        if level == 0 and self._scheme is None:
            self._scheme = code
        names = settings.AREA_LEVEL_NAMES.get(self._scheme or "", settings.AREA_LEVEL_NAMES_DEFAULT)
        return names[level] if level < len(names) else f"level {level}"


def _read_row(cells: Mapping[str, str], line: int, names: _LevelNames) -> tuple[AreaRow, list[str]]:
    said = {name: (value or "").strip() for name, value in cells.items()}
    code, name, level_text = said.get("code", ""), said.get("name", ""), said.get("level", "")
    level = int(level_text) if level_text.isascii() and level_text.isdigit() and len(level_text) < 4 else -1
    latitude, longitude = _degrees(said.get("latitude", ""), 90), _degrees(said.get("longitude", ""), 180)
    replaces = tuple(re.split(r"[\s;,]+", said["replaces"])) if said.get("replaces") else ()
    row = AreaRow(
        line=line,
        code=code,
        name=name,
        level=level,
        level_name=said.get("level_name") or names.of(level, code),
        parent=said.get("parent", ""),
        latitude=latitude,
        longitude=longitude,
        replaces=replaces,
    )
    return row, list(_faults_of_row(row, said))


def _degrees(text: str, most: float) -> float | None:
    """None for an empty cell; not a number for what is none, or no place on earth."""
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        return math.nan
    return value if abs(value) <= most else math.nan


def _faults_of_row(row: AreaRow, said: Mapping[str, str]) -> Iterator[str]:
    for code in (row.code, *row.replaces):
        if not _CODE.match(code) or len(code) > AREA_CODE_LENGTH_MAX:
            yield f"{code[:60]!r} is no code: letters, digits and . _ - up to {AREA_CODE_LENGTH_MAX}."
    if not row.name or len(row.name) > NAME_LENGTH_MAX:
        yield f"The name has 1 to {NAME_LENGTH_MAX} characters."
    if len(row.level_name) > LEVEL_NAME_LENGTH_MAX:
        yield f"The level's name has at most {LEVEL_NAME_LENGTH_MAX} characters."
    if not 0 <= row.level <= LEVEL_MAX:
        yield f"The level {said.get('level', '')[:20]!r} is no whole number from 0 to {LEVEL_MAX}."
    elif (row.level == 0) != (not row.parent):
        yield "Level 0 has no parent, and every other level has one."
    if (row.latitude is None) != (row.longitude is None):
        yield "The centre has a latitude and a longitude, or neither."
    elif row.latitude is not None and row.longitude is not None and math.isnan(row.latitude + row.longitude):
        yield f"{said['latitude'][:20]!r}, {said['longitude'][:20]!r} is no place on earth."


def _faults_of_tree(rows: Iterable[AreaRow], faulty: Container[str]) -> Iterator[tuple[int, str]]:
    """What is wrong only beside the other rows; children of a faulty row are not told of as well."""
    found = list(rows)
    by_code = {row.code: row for row in reversed(found)}
    replaced = Counter(code for row in found for code in set(row.replaces))
    for row in found:
        first, parent = by_code[row.code], by_code.get(row.parent)
        if first is not row:
            yield row.line, f"The code {row.code} stands in line {first.line} already."
        if row.parent and parent is None and row.parent not in faulty:
            yield row.line, f"The parent {row.parent} is no row of the file."
        elif parent is not None and parent.level >= row.level:
            yield row.line, f"The parent {row.parent} of level {parent.level} is not above level {row.level}."
        for code in row.replaces:
            if code in by_code:
                yield row.line, f"It replaces {code}, which is an area in line {by_code[code].line}."
            if replaced[code] > 1:
                yield row.line, f"Several areas replace {code}: nobody could tell which one it means."


def _place(problem: Problem) -> int:
    return int(problem.place.removeprefix("line ") or 0)
