"""
Arrays as parameters of statements, written as one text each, to be cast there (`%s::bigint[]`).

A list would reach PostgreSQL as thousands of constants, each adapted and then parsed by itself.
"""

import re
from collections.abc import Iterable

_SPECIAL = re.compile(r'[\s"\\{},]|^$|^null$', re.IGNORECASE)
_QUOTED = str.maketrans({"\\": "\\\\", '"': '\\"'})


def plain_array(values: Iterable[object]) -> str:
    """Write values that need no quotes: numbers, moments, the word NULL."""
    return f"{{{','.join(map(str, values))}}}"


def text_array(values: Iterable[str | None]) -> str:
    """Write texts of any kind; None is NULL."""
    return f"{{{','.join(map(_quoted, values))}}}"


def _quoted(value: str | None) -> str:
    if value is None:
        return "NULL"
    return f'"{value.translate(_QUOTED)}"' if _SPECIAL.search(value) else value
