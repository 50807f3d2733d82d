"""Programs and shares in one short call each, as sellers and sharers make them."""

from datetime import datetime
from typing import Any

from accounts.actor import Actor
from accounts.models import Account
from catalog.models import Item
from core import clock
from sharing.models import Share, ShareProgram
from sharing.program_terms import ProgramTerms
from sharing.services import make_share, set_program

BODY = {"rate_bps": 500, "window_days": 30, "model": "last_touch"}


def terms(**fields: Any) -> ProgramTerms:
    """A twentieth of each sale, for a month, unless said otherwise."""
    given = {"window_days": 30, "model": "last_touch"} | ({} if "amount" in fields else {"rate_bps": 500})
    return ProgramTerms(**{**given, **fields})


def give(item: Item, *, now: datetime | None = None, **fields: Any) -> ShareProgram:
    """The item's seller gives it a program."""
    return set_program(item=item.public_id, terms=terms(**fields), actor=Actor.own(item.seller), now=now or clock.now())


def share(sharer: Account, item: Item, **fields: Any) -> Share:
    """Somebody shares an item."""
    return make_share(item=item.public_id, actor=Actor.own(sharer), now=clock.now(), **fields)
