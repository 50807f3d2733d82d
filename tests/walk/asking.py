"""One request of a walk, undone, and what everybody may expect of its answer."""

import json
import os
import re
from dataclasses import dataclass
from itertools import count
from typing import Any

from accounts.models import Account
from tests.conftest import Api
from tests.walk.operations import Operation
from tests.walk.world import KINDS, Owner, World, undone

LONG = "WALK" in os.environ  # All kinds of owners with all kinds of callers; else each operation gets some of them.
BROKEN = b"{"
UNKNOWN_FIELD = {"nobody_knows_this": 1}

_keys = count(1)


@dataclass(frozen=True)
class Answer:
    """What came back, read to its end."""

    status: int
    text: str
    acted: str | None

    @property
    def code(self) -> str | None:
        return json.loads(self.text)["code"] if self.status >= 400 else None

    @property
    def refusal(self) -> tuple[int, str | None]:
        return self.status, self.code

    def __str__(self) -> str:
        return f"{self.status} {self.text[:300]}"


def ask(
    world: World,
    operation: Operation,
    owner: Owner,
    token: str | None,
    *,
    acting: Account | None = None,
    path: str | None = None,
    body: Any = None,
    keyed: bool = True,
) -> Answer:
    """
    Ask for something of an owner's, as the holder of this token; `acting` goes into the header.

    `path`, `body`: instead of those with which the owner gets what it asks for.
    """
    headers = {"acting_account": acting.public_id} if acting else {}
    key = f"walk-{next(_keys)}" if keyed and operation.is_keyed else None
    with undone():
        sent = world.body(operation, owner) if body is None else body
        to = path or path_for(world, operation, owner)
        answer = Api(None, token).send(operation.method, to, sent, key=key, **headers)
        raw = b"".join(answer.streaming_content) if answer.streaming else answer.content
    return Answer(answer.status_code, raw.decode(errors="replace"), answer.get("Acting-Account"))


def path_for(world: World, operation: Operation, owner: Owner) -> str:
    """To the owner's object, or to one of the house where the owner can have none."""
    path = world.path(operation, owner) or world.path(operation, world.house)
    assert path is not None, cannot_call(operation, f"nobody has an object for {operation.names}")
    return path


def cannot_call(operation: Operation, why: object) -> str:
    return (
        f"The walk cannot call {operation}: {why}. Say in tests/walk/world.py what it needs: an object called like "
        "the path's parameter (make_owner, make_house, OBJECTS) and a body that is let through (BODIES)."
    )


def missing(operation: Operation, path: str) -> str:
    """The same path to something that is not there: ids that look right, and are nobody's."""
    return re.sub(r"(?<=[_/])[0-9A-Z]{13,26}(?=/|$)", lambda id_: "0" * len(id_[0]), path)


def leaks(world: World, answer: Answer, *viewers: Account) -> set[str]:
    """Texts in an answer that none of these may see."""
    seen = set(re.findall(r"[\w.@+-]+", answer.text)) & world.people
    return {text for text in seen if not world.secrets[text] & {viewer.public_id for viewer in viewers}}


def owners_for(world: World, operation: Operation, place: int) -> list[Owner]:
    """All kinds of owners, or, in a short walk, the one whose turn it is among those for whom it is."""
    if LONG:
        return world.owners
    able = [one for one in world.owners if operation.admits(one.account) and world.path(operation, one)]
    return [able[place % len(able)]] if able else world.owners[:1]


def both_sides(world: World, place: int) -> list[Owner]:
    """All kinds of owners, or one of each side."""
    return world.owners if LONG else [world.owners[place % 2 * 2], world.owners[3 - place % 2 * 2]]


def rotations(place: int) -> range:
    """Which kinds of callers an owner meets: all, or the one whose turn it is."""
    return range(len(KINDS)) if LONG else range(place % len(KINDS), place % len(KINDS) + 1)


def of_kind(accounts: list[Any], owner: Owner, rotation: int) -> Any:
    """The one of the four whose turn it is."""
    return accounts[(KINDS.index(owner.kind) + rotation) % len(KINDS)]
