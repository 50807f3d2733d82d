"""Linking two accounts: one invites with a code, the other one, logged in as itself, gives the code back."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.db.models import Q
from django.utils import timezone

from accounts.actor import Actor
from accounts.alarms import WRONG_INVITATION_CODES
from accounts.behaviours import record_behaviour
from accounts.errors import (
    AlreadyLinked,
    InvitationInvalid,
    LinkWithItself,
    NothingProposed,
    OwnProposal,
    TermsChanged,
)
from accounts.invitation_codes import digest_code, new_code
from accounts.models import Invitation, InvitationCode, Link, Session
from accounts.services.own_login import ensure_own_login
from accounts.terms import Terms
from core.alarms import count_towards
from core.errors import NotFound
from core.limits import Limit, limit_failures

CODES_OF_ACCOUNT = Limit("invitation", "INVITATION_FAILURES")
CODES_OF_ADDRESS = Limit("invitation-address", "INVITATION_ADDRESS_FAILURES")


@dataclass(frozen=True, slots=True)
class Invited:
    """A new group of codes; the codes themselves exist nowhere else."""

    invitation: Invitation
    codes: Sequence[str]


@transaction.atomic
def invite(*, count: int, terms: Terms, actor: Actor, now: datetime) -> Invited:
    """
    Make a group of codes with which `count` other accounts may link themselves, each once, for a short time.

    :raises OwnLoginRequired: through a link.
    """
    ensure_own_login(actor)
    invitation = Invitation.objects.create(
        inviter=actor.login, created_at=now, expires_at=now + settings.INVITATION_LIFETIME, **terms.columns()
    )
    codes = [new_code() for _ in range(count)]
    InvitationCode.objects.bulk_create(InvitationCode(invitation=invitation, digest=digest_code(c)) for c in codes)
    return Invited(invitation, codes)


@transaction.atomic
def withdraw_invitation(*, invitation: str, actor: Actor, now: datetime) -> None:
    """
    Let no unused code of a group be used any more. Doing it twice is fine.

    :raises OwnLoginRequired: through a link.
    :raises NotFound: the account has made no such group.
    """
    ensure_own_login(actor)
    own = Invitation.objects.filter(public_id=invitation, inviter=actor.login)
    if not own.filter(withdrawn_at=None).update(withdrawn_at=now) and not own.exists():
        raise NotFound


def preview_invitation(*, code: str, actor: Actor, address: str, now: datetime) -> Invitation:
    """
    Return who invites, and to what, without using the code up. A wrong one counts as a wrong try.

    :raises OwnLoginRequired: through a link.
    :raises InvitationInvalid: wrong, used, withdrawn or expired, all alike.
    :raises TooManyAttempts: too many wrong ones by this account, or from this address.
    """
    ensure_own_login(actor)
    with _counting_wrong_codes(actor, address):
        usable = InvitationCode.objects.filter(
            digest=digest_code(code),
            used_at=None,
            invitation__withdrawn_at=None,
            invitation__expires_at__gt=now,
            invitation__inviter__is_active=True,
        )
        found = usable.select_related("invitation__inviter").first()
        if found is None:
            raise InvitationInvalid
    return found.invitation


def link_accounts(*, code: str, actor: Actor, address: str, now: datetime) -> Link:
    """
    Link the acting account with the one that made the code, under the terms of its group.

    However many give the same code at the same moment, one is linked. A code that turns out to be one's
    own, or of an account one is linked with already, is not used up.

    :raises OwnLoginRequired: through a link.
    :raises InvitationInvalid: wrong, used, withdrawn or expired, all alike.
    :raises LinkWithItself: the account's own code.
    :raises AlreadyLinked: the two are linked.
    :raises TooManyAttempts: too many wrong ones by this account, or from this address.
    """
    ensure_own_login(actor)
    with _counting_wrong_codes(actor, address), transaction.atomic():
        invitation = _use_up(code, actor, now)
        if invitation.inviter_id == actor.login.pk:
            raise LinkWithItself
        return _link(invitation, actor, now)


@contextmanager
def _counting_wrong_codes(actor: Actor, address: str) -> Iterator[None]:
    with (
        limit_failures(CODES_OF_ACCOUNT, actor.login.public_id, failure=InvitationInvalid),
        limit_failures(CODES_OF_ADDRESS, address, failure=InvitationInvalid),
    ):
        try:
            yield
        except InvitationInvalid:
            count_towards(WRONG_INVITATION_CODES)  # Many accounts, each below its limit, are seen only together.
            raise


# One statement decides who wins: whoever waits for the row looks again at `used_at` when it has it.
_USE_UP = """
UPDATE accounts_invitationcode code SET used_at = %(now)s, used_by_id = %(account)s
FROM accounts_invitation invitation JOIN accounts_account inviter ON inviter.id = invitation.inviter_id
WHERE code.digest = %(digest)s AND code.used_at IS NULL AND invitation.id = code.invitation_id
  AND invitation.withdrawn_at IS NULL AND invitation.expires_at > %(now)s AND inviter.is_active
RETURNING invitation.id
"""


def _use_up(code: str, actor: Actor, now: datetime) -> Invitation:
    with connection.cursor() as cursor:
        cursor.execute(_USE_UP, {"digest": digest_code(code), "account": actor.login.pk, "now": now})
        used = cursor.fetchone()
    if used is None:
        raise InvitationInvalid
    return Invitation.objects.select_related("inviter").get(pk=used[0])


def _link(invitation: Invitation, actor: Actor, now: datetime) -> Link:
    link = Link(inviter=invitation.inviter, invitee=actor.login, linked_at=now, **invitation.terms.columns())
    try:
        with transaction.atomic():
            link.save(force_insert=True)
    except IntegrityError as refused:
        raise AlreadyLinked from refused
    for side in (link.invitee, link.inviter):
        data = {"with": link.other(side).public_id}
        record_behaviour("account.linked", as_=side, by=actor, object_id=link.public_id, data=data, now=now)
    return link


@transaction.atomic
def propose_terms(*, link: str, changes: Mapping[str, Any], actor: Actor) -> Link:
    """
    Propose other terms; they are in force once the other side accepts them. A later proposal, by either
    side, takes the place of an earlier one. What `changes` leaves out stays as it is.

    :raises OwnLoginRequired: through a link.
    :raises NotFound: the account has no such living link.
    """
    ensure_own_login(actor)
    found = lock_link(link, actor)
    found.proposed_terms = Terms.of_document(changes, instead_of=found.terms).document()
    found.proposed_by = actor.login
    found.save(update_fields=["proposed_terms", "proposed_by"])
    return found


@transaction.atomic
def accept_terms(*, link: str, expected: Mapping[str, Any] | None, actor: Actor) -> Link:
    """
    Put the terms that the other side proposes in force; sessions that act as they no longer allow end.

    `expected`: what the accepting side has seen; where it is given, nothing else is accepted.

    :raises OwnLoginRequired: through a link.
    :raises NotFound: the account has no such living link.
    :raises NothingProposed: the terms stand as they are.
    :raises OwnProposal: the account proposed them itself.
    :raises TermsChanged: the proposal is not (any more) what was expected.
    """
    ensure_own_login(actor)
    found = lock_link(link, actor)
    if found.proposed_terms is None:
        raise NothingProposed
    if found.proposed_by_id == actor.login.pk:
        raise OwnProposal
    proposed = Terms.of_document(found.proposed_terms)
    if expected is not None and Terms.of_document(expected, instead_of=proposed) != proposed:
        raise TermsChanged
    for column, value in proposed.columns().items():
        setattr(found, column, value)
    found.proposed_terms = found.proposed_by = None
    found.save(update_fields=[*proposed.columns(), "proposed_terms", "proposed_by"])
    _end_sessions_through(found, unless_allowed=True)
    return found


@transaction.atomic
def end_link(*, link: str, actor: Actor, now: datetime) -> None:
    """
    End a link from either side: sessions that act through it end with it, at once.

    :raises NotFound: the acting account has no such living link.
    """
    end_locked_link(lock_link(link, actor), actor=actor, now=now)


@transaction.atomic
def end_link_for_sides(*, link: str, reason: str, actor: Actor, now: datetime) -> Link:
    """
    End any link, as an operator decides. Both sides see who did, and why.

    :raises NotFound: there is no such link, or it has ended.
    """
    found = Link.objects.filter(public_id=link, ended_at=None).select_related("inviter", "invitee")
    locked = found.select_for_update(no_key=True, of=("self",)).first()
    if locked is None:
        raise NotFound
    end_locked_link(locked, actor=actor, reason=reason, now=now)
    return locked


def end_locked_link(link: Link, *, actor: Actor, reason: str = "", now: datetime) -> None:
    """End a living link that is locked; for the sides themselves, and for operators, who give a reason."""
    for side in (link.inviter, link.invitee):  # Before the end: each side's record follows the terms once more.
        data = {"with": link.other(side).public_id}
        record_behaviour("account.unlinked", as_=side, by=actor, object_id=link.public_id, data=data, now=now)
    link.ended_at, link.ended_by, link.end_reason = now, actor.acting, reason
    link.proposed_terms = link.proposed_by = None
    link.save(update_fields=["ended_at", "ended_by", "end_reason", "proposed_terms", "proposed_by"])
    _end_sessions_through(link)


def _end_sessions_through(link: Link, *, unless_allowed: bool = False) -> None:
    """End the sessions that act through a locked link, or only those that its terms do not allow (any more)."""
    for login, acting in ((link.inviter, link.invitee), (link.invitee, link.inviter)):
        if unless_allowed and link.terms.lets_switch(as_inviter=login.pk == link.inviter_id):
            continue
        through = Session.objects.filter(login_account=login, acting_account=acting, ended_at=None)
        through.update(ended_at=timezone.now())


def lock_link(public_id: str, actor: Actor) -> Link:
    """
    Lock one living link of the acting account.

    :raises NotFound: it has none of this id.
    """
    own = Link.objects.filter(Q(inviter=actor.acting) | Q(invitee=actor.acting), public_id=public_id, ended_at=None)
    found = own.select_related("inviter", "invitee").select_for_update(no_key=True, of=("self",)).first()
    if found is None:
        raise NotFound
    return found
