"""
Where stores are placed is known in a room above this one, which says so here.

`distribution` registers a look-up when Django starts; without it no store is placed.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

Placement = Mapping[str, Any]  # {area, evidence, rule_number, status}
FindPlacements = Callable[[Sequence[str]], Mapping[str, Placement]]

_find: list[FindPlacements] = []


def register_placements(find: FindPlacements) -> None:
    """Ask `find` from now on: public ids of stores in, the placements of those that are placed out."""
    _find[:] = [find]


def placements_of(stores: Sequence[str]) -> Mapping[str, Placement]:
    """Return the present placement of each store that has one, by the store's public id."""
    return _find[0](stores) if _find else {}
