"""
What higher rooms have to say when an account closes, asks for its data, is erased, or is left for a linked one
with what it carries. They register it in their `apps.py`; accounts knows none of them.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # Imported while apps load, before models can be.
    from accounts.models import Account

Close = Callable[["Account", datetime], None]
Obstacles = Callable[["Account"], Iterable[str]]
Export = Callable[["Account"], Iterable[Mapping[str, Any]]]
Erase = Callable[["Account"], None]
Carry = Callable[["Account", "Account"], Sequence[Mapping[str, Any]]]

_closers: dict[str, Close] = {}
_obstacles: dict[str, Obstacles] = {}
_exports: dict[str, Export] = {}
_erasers: dict[str, Erase] = {}
_carriers: dict[str, Carry] = {}


def register_closer(name: str, close: Close) -> None:
    """
    `close` ends that with which an account, or others in its name, could begin something new: tills, codes.

    It runs in the closing's transaction, before anybody looks for obstacles, and ends rows that are locked
    wherever they are used. So whatever they begin at this moment is there to be found, or is never begun.
    """
    _closers[name] = close


def register_obstacles(room: str, find: Obstacles) -> None:
    """`find` yields what has to be settled before an account may close, as stable codes (`wallet_not_empty`)."""
    _obstacles[room] = find


def register_export(name: str, read: Export) -> None:
    """`read` yields an account's own data of one kind, in chunks that hold no long snapshot."""
    _exports[name] = read


def register_eraser(room: str, erase: Erase) -> None:
    """`erase` removes what names a person; ids, books and events stay whole."""
    _erasers[room] = erase


def register_carrier(name: str, carry: Carry) -> None:
    """
    `carry` moves what a session takes along from one account to another and returns what it moved.

    It runs inside the switch: neither account can close or lose its link before that has committed.
    """
    _carriers[name] = carry


def close_everywhere(account: "Account", now: datetime) -> None:
    """Let every room end what could begin something new."""
    for close in _closers.values():
        close(account, now)


def obstacles_of(account: "Account") -> list[str]:
    """
    Return what keeps an account from closing, in every room.

    Each room looks at a moment of its own, the higher ones first: what goes on from an order into a wallet
    while this runs is still found there.
    """
    return sorted(code for find in reversed(_obstacles.values()) for code in find(account))


def exports() -> list[tuple[str, Export]]:
    """Return every kind of data with what reads it, by name."""
    return sorted(_exports.items())


def erase_everywhere(account: "Account") -> None:
    """Let every room remove what names this person."""
    for erase in _erasers.values():
        erase(account)


def carry(name: str, source: "Account", target: "Account") -> Sequence[Mapping[str, Any]]:
    """Move what is registered under this name from one account to another, and return what was moved."""
    return _carriers[name](source, target)
