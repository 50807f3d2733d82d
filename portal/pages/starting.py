"""Where somebody begins who has wanted to go nowhere in particular."""

from django.urls import reverse

from accounts.actor import Actor
from accounts.models import Account
from portal.navigation import groups_for


def start_of(account: Account) -> str:
    """Return the first page that an account is offered; operators have pages of their own."""
    if account.is_staff:
        return reverse("admin:index")
    return groups_for(Actor.own(account), path="")[0].places[0].address
