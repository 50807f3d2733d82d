"""What others may ask about accounts and sessions."""

from django.db.models import QuerySet
from django.utils import timezone

from accounts.actor import Actor
from accounts.errors import SessionEnded
from accounts.models import Account, Session
from core.errors import NotFound


def get_account(*, public_id: str) -> Account:
    """
    Return an account by its public id, for operators' commands and for parties that a request names.

    :raises NotFound: there is none.
    """
    account = Account.objects.filter(public_id=public_id).first()
    if account is None:
        raise NotFound("There is no such account.")
    return account


def living_sessions(*, visible_to: Account) -> QuerySet[Session]:
    """Return the sessions in which an account is logged in just now."""
    living = Session.objects.filter(login_account=visible_to, ended_at=None, expires_at__gt=timezone.now())
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


def linked_accounts(account: Account) -> list[Account]:
    """Return the accounts directly linked with this one. There are no links yet."""
    return []
