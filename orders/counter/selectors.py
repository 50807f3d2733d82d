"""What the API reads of the counter."""

from django.db.models import QuerySet

from accounts.models import Account
from core.errors import NotFound
from orders.counter.models import Terminal


def terminals_of(store: str, *, visible_to: Account) -> QuerySet[Terminal]:
    """Return the tills of a store (public id) of this seller, those out of service as well."""
    return Terminal.objects.select_related("store").filter(store__public_id=store, store__seller=visible_to)


def get_terminal(public_id: str, *, visible_to: Account) -> Terminal:
    """
    Return a till of this seller.

    :raises NotFound: the seller has none of this id.
    """
    found = Terminal.objects.select_related("store").filter(public_id=public_id, store__seller=visible_to).first()
    if found is None:
        raise NotFound
    return found
