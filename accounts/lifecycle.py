"""
What higher rooms have to say when an account closes, asks for its data, or is erased. They register it in
their `apps.py`; accounts knows none of them.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # Imported while apps load, before models can be.
    from accounts.models import Account

Obstacles = Callable[["Account"], Iterable[str]]
Export = Callable[["Account"], Iterable[Mapping[str, Any]]]
Erase = Callable[["Account"], None]

_obstacles: dict[str, Obstacles] = {}
_exports: dict[str, Export] = {}
_erasers: dict[str, Erase] = {}


def register_obstacles(room: str, find: Obstacles) -> None:
    """`find` yields what has to be settled before an account may close, as stable codes (`wallet_not_empty`)."""
    _obstacles[room] = find


def register_export(name: str, read: Export) -> None:
    """`read` yields an account's own data of one kind, in chunks that hold no long snapshot."""
    _exports[name] = read


def register_eraser(room: str, erase: Erase) -> None:
    """`erase` removes what names a person; ids, books and events stay whole."""
    _erasers[room] = erase


def obstacles_of(account: "Account") -> list[str]:
    """Return what keeps an account from closing, in every room."""
    return sorted(code for find in _obstacles.values() for code in find(account))


def exports() -> list[tuple[str, Export]]:
    """Return every kind of data with what reads it, by name."""
    return sorted(_exports.items())


def erase_everywhere(account: "Account") -> None:
    """Let every room remove what names this person."""
    for erase in _erasers.values():
        erase(account)
