"""What `verify_books` finds out from the seals: that nothing was changed since, and otherwise which row it was."""

import re
from collections import Counter
from collections.abc import Iterator

from django.conf import settings
from django.db import connection
from django.db.models import Func, IntegerField, QuerySet

from core.ids import encode_key
from core.registry import Finding, register_book_check
from core.walk import key_ranges, tell, walked_since
from ledger.models import Seal
from ledger.row_names import row_name
from ledger.seals import (
    FIRST_PREVIOUS,
    FORMAT,
    MARK_BYTES,
    SOURCES,
    Content,
    Source,
    contents_of,
    digest_of,
    marked_rows,
    unpack,
)

CHECK = "seals"

_LEFT_OUT = """
SELECT b.id FROM ledger_batch b, (SELECT booked_at, batch_id FROM ledger_seal ORDER BY number DESC LIMIT 1) head
WHERE b.id BETWEEN %s AND %s AND (b.booked_at, b.id) <= (head.booked_at, head.batch_id)
  AND NOT EXISTS (SELECT FROM ledger_seal s WHERE s.batch_id = b.id) ORDER BY b.id
"""


def register() -> None:
    """Hand the checks to `verify_books`."""
    register_book_check("ledger: what is sealed is unchanged", check_seals)
    register_book_check("ledger: no batch is left out of the chain", check_left_out)


def check_seals() -> Iterator[Finding]:
    """
    Hash every sealed batch again, from the first seal on or from the one of `walked_since`.

    Names the rows that are not as they were sealed; where rows are gone it says how many of which table.
    """
    before: Seal | None = None
    for seals in _chunks():
        contents = contents_of([seal.batch_id for seal in seals])
        for seal in seals:
            yield from _check(seal, before or _before(seal), contents[seal.batch_id])
            before = seal


def check_head(kept: str) -> Iterator[Finding]:
    """Look for a head that somebody has kept: who wrote all seals anew has other ones."""
    digest = bytes.fromhex(kept) if re.fullmatch("[0-9a-fA-F]{64}", kept) else b""
    if not Seal.objects.filter(digest=digest).exists():
        yield Finding(CHECK, kept, "this head was kept, and no seal has it: the past was rewritten, or it is not ours")


def check_left_out() -> Iterator[Finding]:
    """Find batches that have no seal although later ones have."""
    for first, last in key_ranges("ledger_batch"):
        with connection.cursor() as cursor:
            cursor.execute(_LEFT_OUT, [first, last])
            rows = cursor.fetchall()
        for (batch_id,) in rows:
            yield Finding(CHECK, row_name("ledger_batch", batch_id), "later batches are sealed, it is not")


def _chunks() -> Iterator[list[Seal]]:
    """The seals in order, as many at once as have rows enough for one query."""
    since = walked_since()
    sealed = Seal.objects.order_by("number")
    first = (sealed.filter(booked_at__gte=since) if since else sealed).values_list("number", flat=True).first()
    highest = sealed.values_list("number", flat=True).last()
    if first is None or highest is None:
        return
    upcoming = first
    while last := _last_that_fits(sealed.filter(number__gte=upcoming)):
        yield list(sealed.filter(number__gte=upcoming, number__lte=last))
        tell(last - first + 1, highest - first + 1)
        upcoming = last + 1


def _last_that_fits(sealed: QuerySet[Seal]) -> int | None:
    """The last of the next seals that together have rows enough for one query; None where there is none."""
    sizes = sealed.annotate(size=Func("rows", function="octet_length", output_field=IntegerField()))
    rows, last = 0, None
    for number, size in sizes.values_list("number", "size")[: settings.SEAL_BATCHES_AT_ONCE]:
        rows += size // MARK_BYTES
        if last is not None and rows > settings.SEAL_ROWS_AT_ONCE:
            break
        last = number
    return last


def _before(seal: Seal) -> Seal | None:
    return Seal.objects.filter(number__lt=seal.number).order_by("-number").first()


def _check(seal: Seal, before: Seal | None, content: Content) -> Iterator[Finding]:
    name = f"ledger_seal {seal.number}"
    expected = before.number + 1 if before else 1
    if seal.number != expected:
        yield Finding(CHECK, f"ledger_seal {expected}", f"gone, or never written: seal {seal.number} follows")
        return  # Without the one before, its own hash cannot be told right from wrong.
    if seal.format != FORMAT:
        yield Finding(CHECK, name, f"of the format {seal.format}; only {FORMAT} is known")
        return
    marks = unpack(bytes(seal.rows))
    changed = [source for source in SOURCES if marks[source.table] != content[source.table].marks]
    if bytes(seal.digest) == digest_of(seal, content, _digest(before)):
        if changed:
            yield Finding(CHECK, name, "the marks of its rows were changed; the rows are as they were sealed")
        return
    if not content["ledger_batch"].marks:
        yield Finding(CHECK, name, f"seals {encode_key('bat', seal.batch_id)}, which is not there")
    for source in changed:
        yield from _name_rows(source, seal, marks[source.table])
    if not changed and not _follows_a_changed_one(seal, before, content):
        yield Finding(CHECK, name, "it was changed: all rows of its batch are as they were sealed, and its hash is not")


def _digest(seal: Seal | None) -> bytes:
    return bytes(seal.digest) if seal else FIRST_PREVIOUS


def _follows_a_changed_one(seal: Seal, before: Seal | None, content: Content) -> bool:
    """Whether this seal is right, and only the hash that stands in the one before was changed."""
    if before is None:
        return False
    right = digest_of(before, contents_of([before.batch_id])[before.batch_id], _digest(_before(before)))
    return bytes(seal.digest) == digest_of(seal, content, right)


def _name_rows(source: Source, seal: Seal, marks: bytes) -> Iterator[Finding]:
    """Rows whose hash was not sealed were changed or added; sealed hashes that no row has any more belong to others."""
    left = Counter(marks[place : place + MARK_BYTES] for place in range(0, len(marks), MARK_BYTES))
    batch = encode_key("bat", seal.batch_id)
    strange = 0
    for name, mark in marked_rows(source, seal.batch_id):
        if left[mark]:
            left[mark] -= 1
        else:
            strange += 1
            yield Finding(CHECK, name, f"is not as it was sealed in {batch}, or was added to it since")
    gone = left.total() - strange
    if gone > 0:
        subject = (
            row_name(source.table, seal.batch_id) if source.table == "ledger_batch" else f"{source.table} of {batch}"
        )
        yield Finding(CHECK, subject, f"{gone} sealed row{'s are' if gone > 1 else ' is'} gone")
