"""What was imported is what the file says, to the last minor unit."""

from collections.abc import Collection

from replay.errors import FiguresDiffer
from replay.reading import History, Invoice, Refused
from replay.selectors import Done, done_invoices, parked_deliveries

SHOWN_MAX = 10


def verify_import(history: History, *, source: str, refused: Collection[Refused]) -> None:
    """
    Compare every sale of the file with what its order was paid with, and look for money facts set aside.

    `refused`: lines that services refused in this run; their sales are not expected.

    :raises FiguresDiffer: naming the first few invoices that differ.
    """
    done = {each.key: each for each in done_invoices(source)}
    refused_lines = {line.line for line in refused}
    differing = [
        problem
        for invoice in history.invoices
        if invoice.lines[0].number not in refused_lines and (problem := _problem(invoice, done.get(invoice.key)))
    ]
    if differing:
        raise FiguresDiffer(f"{len(differing)} invoices differ from the file: {'; '.join(differing[:SHOWN_MAX])}.")
    if parked := parked_deliveries():
        raise FiguresDiffer(f"{parked} deliveries are parked; their money is not booked. See the operators' pages.")


def _problem(invoice: Invoice, done: Done | None) -> str | None:
    if done is None:
        return f"{invoice.number} is not imported"
    if not invoice.is_cancellation and done.paid_minor != invoice.total_minor:
        return f"{invoice.number} is paid with {done.paid_minor} instead of {invoice.total_minor} {invoice.currency}"
    return None
