"""What accounts itself hands out when somebody asks for their data; where the API shows it, as the API does."""

from collections.abc import Iterator
from typing import Any

from django.db.models import Q

from accounts import selectors
from accounts.api.behaviours import behaviour_documents
from accounts.api.outputs import account_document
from accounts.lifecycle import register_export
from accounts.models import Account, Link, Session
from core.api.lists import every_page

NEWEST_FIRST = ("-id",)


def register() -> None:
    """Hand them to `accounts.lifecycle`."""
    register_export("account", own_row)
    register_export("behaviours", behaviours)
    register_export("identities", identities)
    register_export("links", links)
    register_export("sessions", sessions)


def own_row(account: Account) -> Iterator[dict[str, Any]]:
    yield account_document(account) | {"created_at": account.created_at}


def behaviours(account: Account) -> Iterator[dict[str, Any]]:
    for page in every_page(selectors.behaviours(visible_to=account), NEWEST_FIRST):
        yield from behaviour_documents(page)


def identities(account: Account) -> Iterator[dict[str, Any]]:
    for page in every_page(account.identities.all(), NEWEST_FIRST):
        for identity in page:
            yield {
                "provider": identity.provider,
                "external_id": identity.external_id,
                "bound_at": identity.bound_at,
                "unbound_at": identity.unbound_at,
            }


def links(account: Account) -> Iterator[dict[str, Any]]:
    own = Link.objects.filter(Q(inviter=account) | Q(invitee=account)).select_related("inviter", "invitee")
    for page in every_page(own, NEWEST_FIRST):
        for link in page:
            yield {
                "id": link.public_id,
                "with": link.other(account).public_id,
                "terms": link.terms.document(),
                "linked_at": link.linked_at,
                "ended_at": link.ended_at,
            }


def sessions(account: Account) -> Iterator[dict[str, Any]]:
    for page in every_page(Session.objects.filter(login_account=account), NEWEST_FIRST):
        for session in page:
            yield {
                "id": session.public_id,
                "device": session.device,
                "created_at": session.created_at,
                "last_seen_at": session.last_seen_at,
                "ended_at": session.ended_at,
            }
