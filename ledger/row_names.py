"""How findings name a row of the book: its table, and the id that people know it by."""

from typing import Any

from core.ids import encode_key

PREFIXES = {
    "events_eventrecord": "evt",
    "ledger_batch": "bat",
    "ledger_journal": "jrn",
    "ledger_transfer": "trf",
}


def row_name(table: str, key: Any) -> str:
    """For example `ledger_transfer trf_…`; rows without a public id are named by their key or code."""
    return f"{table} {encode_key(PREFIXES[table], key) if table in PREFIXES else key}"
