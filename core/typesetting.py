"""Typst sets what goes on paper and into pictures: it shapes every script, with a font that has each character."""

import json
from collections.abc import Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import typst
from django.conf import settings


def typeset(template: Path, said: Mapping[str, Any], **options: Any) -> bytes:
    """
    Return what a template makes of data, as `options` of Typst's compiler ask for.

    The data is handed over as JSON under the name `said`, with the fonts among it: nothing that people wrote is ever
    read as Typst's own language.
    """
    return typst.compile(
        str(template),
        root=str(template.parent),
        font_paths=_fonts(),
        sys_inputs={"said": json.dumps({**said, "fonts": settings.TYPESETTING_FONTS})},
        **options,
    )


@cache
def _fonts() -> Any:
    """Found once per process; what they hold is read when something needs it."""
    return typst.Fonts(
        include_system_fonts=True, font_paths=[_directory(name) for name in settings.TYPESETTING_FONT_PACKAGES]
    )


def _directory(package: str) -> str:
    found = find_spec(package)
    if found is None or found.origin is None:
        raise ModuleNotFoundError(f"TYPESETTING_FONT_PACKAGES names {package}, which is not installed", name=package)
    return str(Path(found.origin).parent)
