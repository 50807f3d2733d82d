"""What others may ask about accounts and sessions."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from accounts.actor import Actor
from accounts.errors import AccountNotLinked, SessionEnded
from accounts.models import Account, Behaviour, ExternalIdentity, Invitation, Link, LinkSpending, Session
from accounts.sessions import of_owner
from core.errors import NotFound
from core.money import Money


def get_account(*, public_id: str) -> Account:
    """
    Return an account by its public id, for operators' commands and for parties that a request names.

    :raises NotFound: there is none.
    """
    account = Account.objects.filter(public_id=public_id).first()
    if account is None:
        raise NotFound("There is no such account.")
    return account


def names_of(public_ids: Iterable[str]) -> dict[str, str]:
    """Return the names of accounts by public id, in one statement; what is no account's is left out."""
    return dict(Account.objects.filter(public_id__in=set(public_ids)).values_list("public_id", "name"))


def living_sessions(*, visible_to: Account) -> QuerySet[Session]:
    """Return the sessions in which an account is logged in just now, and those of operators who stand in for it."""
    living = Session.objects.filter(of_owner(visible_to), ended_at=None, expires_at__gt=timezone.now())
    return living.select_related("login_account", "acting_account")


def current_session(actor: Actor) -> Session:
    """
    Return the session that a request came in.

    :raises SessionEnded: it ended while the request was under way.
    """
    session = living_sessions(visible_to=actor.login).filter(public_id=actor.session_id).first()
    if session is None:
        raise SessionEnded
    return session


def links_of(*, visible_to: Account, state: str = "living") -> QuerySet[Link]:
    """Return the `living`, the `ended` or `all` links of an account, with both sides at hand."""
    return _links(Q(inviter=visible_to) | Q(invitee=visible_to), state)


def links_by_side(*, visible_to: Account, state: str = "living") -> list[QuerySet[Link]]:
    """Return the same in two parts, as inviter and as invitee: each part has an index in the list's order."""
    return [_links(Q(inviter=visible_to), state), _links(Q(invitee=visible_to), state)]


def _links(whose: Q, state: str) -> QuerySet[Link]:
    found = Link.objects.filter(whose)
    if state != "all":
        found = found.filter(ended_at__isnull=state == "living")
    return found.select_related("inviter", "invitee", "proposed_by", "ended_by")


def get_link(public_id: str, *, visible_to: Account) -> Link:
    """
    Return one living link of an account.

    :raises NotFound: it has none of this id.
    """
    link = links_of(visible_to=visible_to).filter(public_id=public_id).first()
    if link is None:
        raise NotFound
    return link


def sides_of_link(public_id: str) -> set[int]:
    """Return the keys of the two accounts of a living link, by its public id; none where there is no such link."""
    sides = Link.objects.filter(public_id=public_id, ended_at=None).values_list("inviter", "invitee").first()
    return set(sides or ())


def get_any_link(public_id: str) -> Link:
    """
    Return a living link of whomever, for operators.

    :raises NotFound: there is none of this id.
    """
    link = Link.objects.filter(public_id=public_id, ended_at=None).first()
    if link is None:
        raise NotFound
    return link


def links_between(account: Account, other: str) -> QuerySet[Link]:
    """Return the living link of two accounts, one of them by its public id: a query of one row or none."""
    pair = Q(inviter=account, invitee__public_id=other) | Q(invitee=account, inviter__public_id=other)
    return Link.objects.filter(pair, ended_at=None).select_related("inviter", "invitee")


def get_own_or_linked(public_id: str, *, login: Account) -> Account:
    """
    Return the login account or one directly linked with it, by its public id.

    :raises AccountNotLinked: it is neither.
    """
    if public_id == login.public_id:
        return login
    link = links_between(login, public_id).first()
    if link is None:
        raise AccountNotLinked
    return link.other(login)


def linked_accounts(account: Account) -> list[Account]:
    """Return the accounts directly linked with this one, the newest link first."""
    return [link.other(account) for link in links_of(visible_to=account).order_by("-id")]


@dataclass(frozen=True, slots=True)
class Identity:
    """
    An account that a person is known as: the one that logged in (without a link), or one linked with it.

    `is_open_to`: whether the terms let the log-in act as it.
    """

    account: Account
    link: Link | None = None
    is_open_to: bool = True


def identities_of(login: Account) -> list[Identity]:
    """Return whom a log-in may be, itself first, then the linked accounts that are open, the newest link first."""
    links = links_of(visible_to=login).order_by("-id")
    linked = [
        (link.other(login), link, link.terms.lets_switch(as_inviter=link.inviter_id == login.pk)) for link in links
    ]
    return [Identity(login), *(Identity(*of_link) for of_link in linked if of_link[0].is_active)]


def spent_through(links: Collection[Link]) -> dict[tuple[int, int], list[Money]]:
    """Return what was paid so far through links, by (link, whose wallet) as keys; one statement."""
    spent: dict[tuple[int, int], list[Money]] = defaultdict(list)
    rows = LinkSpending.objects.filter(link__in=[link.pk for link in links], spent_minor__gt=0)
    for row in rows.order_by("currency", "id"):
        spent[row.link_id, row.owner_id].append(Money(row.spent_minor, row.currency))
    return spent


def were_linked(pairs: Collection[tuple[str, str]], *, at: datetime) -> set[tuple[str, str]]:
    """
    Return those pairs of accounts (by public id) that were linked with each other at a moment.

    Linked accounts earn no share and no referral commission from each other's purchases. One statement,
    however many pairs.
    """
    return {(one, other) for one, other, _at in linked_then([(*pair, at) for pair in pairs])}


def linked_then(meetings: Collection[tuple[str, str, datetime]]) -> set[tuple[str, str, datetime]]:
    """Return those of (account, account, moment) whose two accounts were linked at that moment; one statement."""
    named = {account for one, other, _at in meetings for account in (one, other)}
    if not named:
        return set()
    between = Link.objects.filter(inviter__public_id__in=named, invitee__public_id__in=named)
    periods: dict[frozenset[str], list[tuple[datetime, datetime | None]]] = defaultdict(list)
    found = between.values_list("inviter__public_id", "invitee__public_id", "linked_at", "ended_at")
    for inviter, invitee, linked_at, ended_at in found:
        periods[frozenset((inviter, invitee))].append((linked_at, ended_at))
    return {
        (one, other, at)
        for one, other, at in meetings
        if any(begin <= at and (end is None or at < end) for begin, end in periods[frozenset((one, other))])
    }


def behaviours(
    *, kind: str | None = None, origin: str | None = None, since: datetime | None = None, visible_to: Account
) -> QuerySet[Behaviour]:
    """Return what is recorded in an account's storage: its own acts and those that came through links."""
    found = Behaviour.objects.filter(account=visible_to).select_related("login_account", "acting_account")
    if kind is not None:
        found = found.filter(kind=kind)
    if origin is not None:
        found = found.filter(link_id__isnull=origin == "own")
    if since is not None:
        found = found.filter(occurred_at__gte=since)
    return found


def link_ids(keys: Iterable[int]) -> dict[int | None, str]:
    """Return the public ids of links by key."""
    return dict(Link.objects.filter(pk__in=set(keys)).values_list("pk", "public_id"))


def bound_identities(*, visible_to: Account) -> QuerySet[ExternalIdentity]:
    """Return the external identities bound to an account now."""
    return ExternalIdentity.objects.filter(account=visible_to, unbound_at=None)


def own_invitations(*, visible_to: Account) -> QuerySet[Invitation]:
    """Return the groups of codes that an account has made, with how many codes each has and how many are used."""
    own = Invitation.objects.filter(inviter=visible_to)
    return own.annotate(count=Count("codes"), used=Count("codes", filter=Q(codes__used_at__isnull=False)))
