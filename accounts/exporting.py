"""An account's own data as one JSON document, streamed: each kind is read page by page, in short queries."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder

from accounts.lifecycle import exports
from accounts.models import Account


def export_account(account: Account) -> Iterator[str]:
    """Yield the pieces of a JSON object: one member per kind of data, each a list."""
    opening = "{"
    for name, read in exports():
        yield f"{opening}\n{json.dumps(name)}: ["
        yield from _items(read(account))
        yield "]"
        opening = ","
    yield "\n}\n"


def _items(documents: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    separator = "\n  "
    for document in documents:
        yield separator + json.dumps(document, cls=DjangoJSONEncoder, ensure_ascii=False)
        separator = ",\n  "
