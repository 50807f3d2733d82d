"""Where rooms say what they contribute to proofs, so that `proofs` can ask without knowing them."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ProofLine:
    """
    What one party has of one order's money, in minor units of the order's currency.

    `original_minor` is the part at payment, `amount_minor` what is left of it after reversals.
    """

    party: str
    role: str
    account: str | None
    original_minor: int
    amount_minor: int
    status: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing in the books that is not as it must be."""

    check: str
    subject: str
    detail: str


@dataclass(frozen=True, slots=True)
class BookCheck:
    """One named check of the books; `run` yields findings, in chunks that hold no long snapshot."""

    name: str
    run: Callable[[], Iterable[Finding]]


ProofLines = Callable[[str], Iterable[ProofLine]]

_proof_lines: dict[str, ProofLines] = {}
_book_checks: dict[str, BookCheck] = {}


def register_proof_lines(room: str, lines: ProofLines) -> None:
    """A room's part of the order proof: given an order's public id, yield its lines."""
    _proof_lines[room] = lines


def register_book_check(name: str, run: Callable[[], Iterable[Finding]]) -> None:
    """A room's check of the books, run by `manage.py verify_books`."""
    _book_checks[name] = BookCheck(name, run)


def proof_lines(order: str) -> Iterator[ProofLine]:
    """Yield every room's lines for one order, in the order of the rooms' names."""
    for room in sorted(_proof_lines):
        yield from _proof_lines[room](order)


def book_checks() -> list[BookCheck]:
    """Return every registered check, by name."""
    return [_book_checks[name] for name in sorted(_book_checks)]
