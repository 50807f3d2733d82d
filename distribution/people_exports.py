"""What agents and people have when somebody asks for their data; as the API shows it."""

from collections.abc import Iterator
from typing import Any

from accounts.models import Account
from core.api.lists import every_page
from distribution.api.people_outputs import agent_document, brought_documents, place_document
from distribution.models import AgentSeat, Referral
from distribution.people import brought_by, places_of


def seats(account: Account) -> Iterator[dict[str, Any]]:
    held = AgentSeat.objects.select_related("area", "account").filter(account=account)
    for page in every_page(held, ("-id",)):
        yield from map(agent_document, page)


def places(account: Account) -> Iterator[dict[str, Any]]:
    for page in every_page(places_of(account), ("-id",)):
        yield from map(place_document, page)


def brought(account: Account) -> Iterator[dict[str, Any]]:
    for level in brought_by(account):
        for page in every_page(level, ("-id",)):
            yield from brought_documents(page)


def blank_reasons(account: Account) -> None:
    """What operators wrote about an account may name the person; the places themselves stay."""
    Referral.objects.filter(account=account).update(reason="", end_reason="")
