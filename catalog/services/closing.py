"""What becomes of a catalogue whose seller has closed its account, or is erased."""

from datetime import datetime

from django.db import transaction

from accounts.models import Account
from catalog import events
from catalog.models import Item, Store
from catalog.services.pictures import erase_pictures
from events.services import emit_all

ERASED_STORE_NAME = "Erased store"


@transaction.atomic
def end_offers(*, seller: str, now: datetime) -> None:
    """
    Take all items of a seller (public id) off sale and close its stores, for good. Doing it twice changes nothing.

    Orders placed keep their lines. Who places stores in areas hears `store.closed`.
    """
    items = Item.objects.filter(seller__public_id=seller).exclude(status=Item.Status.REMOVED)
    keys = list(items.select_for_update(no_key=True, of=("self",)).order_by("id").values_list("id", flat=True))
    Item.objects.filter(pk__in=keys).update(status=Item.Status.REMOVED, updated_at=now)
    stores = Store.objects.filter(seller__public_id=seller, closed_at=None)
    closing = list(stores.select_for_update(no_key=True, of=("self",)).order_by("id"))
    Store.objects.filter(pk__in=[store.pk for store in closing]).update(closed_at=now)
    emit_all([events.StoreClosed(store=store.public_id, seller=seller) for store in closing], occurred_at=now)


@transaction.atomic
def erase_seller(account: Account) -> None:
    """
    Leave of an erased seller's stores neither name nor place, and of its items no pictures.

    The area that a store has declared names nobody.
    """
    erase_pictures(account)
    Store.objects.filter(seller=account).update(name=ERASED_STORE_NAME, address="", latitude=None, longitude=None)
