"""Acting as a linked account: for a whole session, or for a single call."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from accounts import lifecycle, sessions
from accounts.actor import Actor
from accounts.behaviours import record_behaviour
from accounts.errors import AccountNotLinked, SwitchNotAllowed
from accounts.models import Account, Link
from accounts.selectors import links_between
from accounts.services.second_factors import ensure_stepped_up


@dataclass(frozen=True, slots=True)
class Switched(sessions.Opened):
    """`carried`: what was taken along, as whoever registered it says; None where nothing was to be."""

    carried: Sequence[Mapping[str, Any]] | None = None


@transaction.atomic
def switch_session(
    *, to: str, actor: Actor, token: str | None = None, carry: str | None = None, now: datetime
) -> Switched:
    """
    Let the actor's session act as the login account, or as one directly linked with it, under a new credential.

    The old credential is dead with the commit. Of two switches at the same moment one finds its session
    ended. `token`: the new credential, where somebody else made it (a browser's cookie).

    `carry`: what of the account left behind is taken along (`accounts.lifecycle`), in the same transaction: a
    switch that is refused, or dies, carries nothing, and none is done without what it was to carry.

    :raises AccountNotLinked: there is no living link between the login account and that one.
    :raises SwitchNotAllowed: the link's terms do not let the one act as the other, or an operator stands in.
    :raises StepUpRequired: that account demands a fresh second factor.
    :raises SessionEnded: the session was ended or switched meanwhile.
    :raises NotCarried: what is to be taken along has no place there; nothing is switched.
    """
    assert actor.session_id is not None
    _ensure_not_standing_in(actor)
    login = actor.login
    target = login if to == login.public_id else _linked_account(login, to, lock=True)
    ensure_stepped_up(target, actor=actor)
    opened = sessions.replace_credential(actor, acting=target, token=token)
    record_behaviour(
        "session.switched",
        as_=target,
        by=replace(actor, acting=target),
        object_id=actor.session_id,
        data={"from": actor.acting.public_id, "to": target.public_id},
        now=now,
    )
    # Last: closing either account would have to end this session or its link first, and waits for us there.
    carried = None if carry is None else lifecycle.carry(carry, actor.acting, target)
    return Switched(opened.session, opened.token, carried)


def act_as(actor: Actor, to: str) -> Actor:
    """
    Return who acts where one call names another account than its session's.

    :raises AccountNotLinked: there is no living link between the login account and that one.
    :raises SwitchNotAllowed: the link's terms do not let the one act as the other, or an operator stands in.
    :raises StepUpRequired: that account demands a fresh second factor.
    """
    _ensure_not_standing_in(actor)
    login = actor.login
    target = login if to == login.public_id else _linked_account(login, to, lock=False)
    ensure_stepped_up(target, actor=actor)
    return replace(actor, acting=target)


def _ensure_not_standing_in(actor: Actor) -> None:
    """The reason that was given is for one account; the customer's links are not the operator's to use."""
    if actor.stands_in:
        raise SwitchNotAllowed


def _linked_account(login: Account, to: str, *, lock: bool) -> Account:
    """A session that begins to act through a link locks it: a link that ends meanwhile ends the session too."""
    links: QuerySet[Link] = links_between(login, to)
    if lock:
        links = links.select_for_update(no_key=True, of=("self",))
    link = links.first()
    if link is None:
        raise AccountNotLinked
    other = link.other(login)
    if not other.is_active:
        raise AccountNotLinked
    if not link.terms.lets_switch(as_inviter=link.inviter_id == login.pk):
        raise SwitchNotAllowed
    return other
