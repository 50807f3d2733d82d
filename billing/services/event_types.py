"""Declaring event types of one's own, so that a payment server can use the engine alone."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import IntegrityError, transaction

from accounts.actor import Actor
from billing.errors import TypeDocumentInvalid, TypeExists
from billing.event_types import ALWAYS_PARAMETERS, BUILT_IN
from billing.models import EventType
from events.consumers import hearers
from events.types import emitted_types

NAME = re.compile(r"[a-z][a-z0-9_]{0,39}\Z")
TYPE_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}(\.[a-z][a-z0-9_]{0,39}){0,3}\Z")
RESERVED = frozenset({"holds", "undoes"})  # The payload's own.


def declare_event_type(
    *,
    type_: str,
    parties: Sequence[Mapping[str, Any]],
    amounts: Sequence[Mapping[str, Any]],
    parameters: Sequence[str],
    external: bool,
    actor: Actor,
) -> EventType:
    """
    Declare a type; `institution channel currency` are parameters of every one.

    :raises TypeExists: the name is taken, or is one of the house's own events.
    :raises TypeDocumentInvalid: a name is no name or stands twice, or a part has no whole.
    """
    if _is_ours(type_):
        raise TypeExists
    all_parameters = list(dict.fromkeys([*ALWAYS_PARAMETERS, *parameters]))
    _check_names(type_, parties, amounts, all_parameters)
    try:
        with transaction.atomic():
            return EventType.objects.create(
                type=type_,
                parties=[{"name": party["name"], "is": party["is"]} for party in parties],
                amounts=[dict(amount) for amount in amounts],
                parameters=all_parameters,
                external=external,
                created_by=actor.acting,
            )
    except IntegrityError as taken:
        raise TypeExists from taken


def _is_ours(type_: str) -> bool:
    """
    Whether the house itself says this: whoever may send events of such a type could make rooms believe that
    something happened.
    """
    return type_ in BUILT_IN or type_ in emitted_types() or bool(hearers(type_))


def _check_names(
    type_: str, parties: Sequence[Mapping[str, Any]], amounts: Sequence[Mapping[str, Any]], parameters: Sequence[str]
) -> None:
    if not TYPE_NAME.match(type_):
        raise TypeDocumentInvalid("A type is lower-case words joined by dots, such as parking.paid.")
    amount_names = [amount["name"] for amount in amounts]
    fields = [party["name"] for party in parties] + [f"{name}_minor" for name in amount_names] + list(parameters)
    names = [party["name"] for party in parties] + amount_names + list(parameters)
    if any(not NAME.match(name) or name in RESERVED for name in names):
        raise TypeDocumentInvalid("Names are lower-case words with underscores, and not one of the payload's own.")
    twice = [name for name, times in Counter(fields).items() if times > 1]
    if twice:
        raise TypeDocumentInvalid(f"{twice[0]} is declared twice.")
    wholes = {amount["name"] for amount in amounts if not amount.get("part_of")}
    orphans = [amount["name"] for amount in amounts if amount.get("part_of") and amount["part_of"] not in wholes]
    if orphans:
        raise TypeDocumentInvalid(f"{orphans[0]} is a part of what is no whole.")
    if not wholes:
        raise TypeDocumentInvalid("A type has at least one whole amount.")
