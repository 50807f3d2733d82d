"""Closing an account for good, and erasing who it was: what it did stays, under an id that names nobody."""

from collections.abc import Collection
from datetime import datetime

from django.db import transaction

from accounts import sessions
from accounts.actor import Actor
from accounts.errors import AccountNotSettled
from accounts.events import AccountClosed
from accounts.lifecycle import close_everywhere, erase_everywhere, obstacles_of
from accounts.mails import blank_mails
from accounts.models import (
    Account,
    Behaviour,
    ExternalIdentity,
    Invitation,
    Link,
    SecondFactor,
    Session,
)
from accounts.services.linking import end_locked_link
from accounts.services.logging_in import check_credentials
from accounts.services.own_login import ensure_own_login
from core.prepared import Prepared
from events.services import emit

# Shared among all who hold it open; who closes an account waits for them, and they for whoever is closing it.
_HOLD_OPEN = Prepared(
    "hold_accounts_open",
    "SELECT id FROM accounts_account WHERE id = ANY(%(accounts)s::bigint[]) AND is_active ORDER BY id FOR SHARE",
)

ERASED_NAME = "Erased account"


def close_account(*, password: str, erase: bool = False, address: str, actor: Actor, now: datetime) -> None:
    """
    Close the own account for good: nobody logs in, acts as it or is linked with it any more.

    Wallets, orders and debts must be settled before. `erase`: also remove name, user name and address.

    :raises OwnLoginRequired: through a link.
    :raises CredentialsInvalid: the password is wrong; counts as a wrong log-in.
    :raises TooManyAttempts: too many wrong ones.
    :raises AccountNotSettled: with what is left to settle.
    """
    ensure_own_login(actor)
    check_credentials(actor.login.username, password, address=address)
    with transaction.atomic():
        account = Account.objects.select_for_update(no_key=True).get(pk=actor.login.pk)
        ExternalIdentity.objects.filter(account=account, unbound_at=None).update(unbound_at=now)
        close_everywhere(account, now)
        obstacles = obstacles_of(account)
        if obstacles:
            raise AccountNotSettled(obstacles=obstacles)
        _close(account, actor, now)
        if erase:
            erase_account(account=account)


def hold_open(accounts: Collection[int]) -> set[int]:
    """
    Let accounts (by key) neither be closed nor shut out until the transaction ends; return those that are open.

    To be called before rows of the kind that has to be settled or erased are written: whoever closes the account then
    sees those rows, or has closed it already. Its place among the locks is in docs/architecture.md.
    """
    return {key for (key,) in _HOLD_OPEN.rows(accounts=list(accounts))}


def _close(account: Account, actor: Actor, now: datetime) -> None:
    links = Link.objects.between_anybody(account).select_related("inviter", "invitee")
    for link in links.select_for_update(no_key=True, of=("self",)).order_by("id"):
        end_locked_link(link, actor=actor, now=now)
    Invitation.objects.filter(inviter=account, withdrawn_at=None).update(withdrawn_at=now)
    SecondFactor.objects.filter(account=account).delete()
    account.is_active, account.closed_at = False, now
    account.save(update_fields=["is_active", "closed_at"])
    sessions.end_sessions(owner=account)
    emit(AccountClosed(account=account.public_id, side=account.side, kind=account.kind), occurred_at=now)


@transaction.atomic
def erase_account(*, account: Account) -> None:
    """
    Remove who a closed account was: name, user name, e-mail address, mails, devices, and its own record of behaviours.

    Orders, books and events hold public ids only, and stay whole. Doing it twice changes nothing.
    """
    account.username = f"erased-{account.public_id}"
    account.name, account.email, account.email_verified_at = ERASED_NAME, "", None
    account.set_unusable_password()
    account.save(update_fields=["username", "name", "email", "email_verified_at", "password"])
    Session.objects.filter(login_account=account).update(device="")
    blank_mails(account)
    Behaviour.objects.filter(account=account).delete()
    ExternalIdentity.objects.filter(account=account).delete()
    erase_everywhere(account)


def purge_mirrored(*, link: str, actor: Actor) -> int:
    """
    Remove from the own storage what came through a link that has ended; return how many acts that were.

    :raises OwnLoginRequired: through a link.
    :raises NotFound: the account had no such link, or it has not ended.
    """
    ensure_own_login(actor)
    ended = Link.objects.ended_of(actor.login, link)
    return Behaviour.objects.filter(account=actor.login, link_id=ended.pk).delete()[0]
