"""
The words of pages in other languages: found in our own files, kept in one catalogue a language, compiled.

Babel reads and writes the catalogues, so that nobody needs GNU gettext. `manage.py translations` is for people.
"""

import io
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from babel.messages import Catalog, Message
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.apps import apps
from django.conf import settings
from django.utils.translation import to_locale
from django.utils.translation.template import templatize

KEYWORDS = {
    **dict.fromkeys(("_", "gettext", "gettext_lazy", "gettext_noop")),
    **dict.fromkeys(("ngettext", "ngettext_lazy"), (1, 2)),
    **dict.fromkeys(("pgettext", "pgettext_lazy"), ((1, "c"), 2)),
    **dict.fromkeys(("npgettext", "npgettext_lazy"), ((1, "c"), 2, 3)),
}
_PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%[sd]|\{\w*\}")

_BEGUN = datetime(2026, 11, 22, tzinfo=UTC)  # Catalogues that say the same are the same, byte for byte.

Found = tuple[str | tuple[str, str], str | None, str]
"""What is to be translated (with its plural), its context, and the file it stands in."""


def languages() -> list[str]:
    """Return the languages that have a catalogue: all but the one that our files are written in."""
    return [code for code, _ in settings.LANGUAGES if code != settings.LANGUAGE_CODE]


def catalogue_path(language: str) -> Path:
    return Path(settings.LOCALE_PATHS[0]) / to_locale(language) / "LC_MESSAGES" / "django.po"


def read_catalogue(language: str) -> Catalog:
    """Return a language's catalogue; an empty one where there is none yet."""
    path = catalogue_path(language)
    if not path.exists():
        return Catalog(
            locale=to_locale(language),
            charset="utf-8",
            fuzzy=False,
            creation_date=_BEGUN,
            revision_date=_BEGUN,
            project="marketplace",
            version="1",
            header_comment="# Kept by `manage.py translations update`.",
        )
    with path.open("rb") as file:
        return read_po(file, locale=to_locale(language))


def wanted_messages() -> Catalog:
    """Return everything that our rooms say through gettext, with the files where they say it."""
    wanted = Catalog(charset="utf-8")
    for message, context, place in sorted(_found(), key=str):
        wanted.add(message, context=context, locations=[(place, None)])  # type: ignore[list-item]
    return wanted


def update(language: str) -> Catalog:
    """Bring a catalogue up to what our files say: new messages wait for words, and what nobody says goes."""
    catalogue = read_catalogue(language)
    catalogue.update(wanted_messages(), no_fuzzy_matching=True, update_creation_date=False)
    catalogue.obsolete.clear()
    return catalogue


def save(catalogue: Catalog, language: str) -> None:
    """Write a catalogue, and beside it what Django reads."""
    path = catalogue_path(language)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        write_po(file, catalogue, width=120, omit_header=False, sort_output=True, include_lineno=False)
    path.with_suffix(".mo").write_bytes(compiled(catalogue))


def compiled(catalogue: Catalog) -> bytes:
    file = io.BytesIO()
    write_mo(file, catalogue)
    return file.getvalue()


def defects(language: str) -> Iterator[str]:
    """Yield what is missing, left over or wrong in a language's catalogue."""
    known = {_key(message): message for message in read_catalogue(language) if message.id}
    wanted = {_key(message): message for message in wanted_messages() if message.id}
    for key, message in wanted.items():
        if key not in known:
            yield f"not in the catalogue: {_said(message)}"
        else:
            yield from _defects_of(known[key])
    yield from (f"nobody says it any more: {_said(message)}" for key, message in known.items() if key not in wanted)


def _defects_of(message: Message) -> Iterator[str]:
    originals, words = _as_tuple(message.id), _as_tuple(message.string)
    if not all(words) or message.fuzzy:
        yield f"not translated: {_said(message)}"
    elif any(_placeholders(word) != _placeholders(originals[-1]) for word in words):
        yield f"other placeholders than the original: {_said(message)}"


def _placeholders(text: str) -> set[str]:
    return set(_PLACEHOLDER.findall(text))


def _as_tuple(said: str | Iterable[str] | None) -> tuple[str, ...]:
    return (said or "",) if isinstance(said, str | None) else tuple(said)


def _key(message: Message) -> tuple[str, str | None]:
    return _as_tuple(message.id)[0], message.context


def _said(message: Message) -> str:
    return f"{message.id!r} ({', '.join(place for place, _ in message.locations)})"


def _found() -> Iterator[Found]:
    for folder in _our_rooms():
        for path in sorted(folder.rglob("*")):
            if path.suffix == ".py" and "migrations" not in path.parts:
                yield from _found_in(path.read_bytes(), path)
            elif path.suffix in (".html", ".txt") and "templates" in path.parts:
                yield from _found_in(_as_python(path), path)


def _our_rooms() -> list[Path]:
    return sorted(Path(app.path) for app in apps.get_app_configs() if Path(app.path).parent == settings.BASE_DIR)


def _found_in(source: bytes, path: Path) -> Iterator[Found]:
    place = path.relative_to(settings.BASE_DIR).as_posix()
    for _line, message, _comments, context in extract("python", io.BytesIO(source), keywords=KEYWORDS):
        yield (message if isinstance(message, str) else (message[0], message[1])), context, place


def _as_python(path: Path) -> bytes:
    """A template as Django shows it to gettext; without its indentation, which Python would read something into."""
    lines = templatize(path.read_text(), origin=str(path)).splitlines()
    return "\n".join(line.lstrip() for line in lines).encode()
