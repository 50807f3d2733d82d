"""What may be done with the catalogue; one function per use case."""

from catalog.services.closing import end_offers
from catalog.services.fee_schedules import activate_fee_schedule, draft_fee_schedule
from catalog.services.items import change_item, offer_item
from catalog.services.pictures import add_picture, change_picture, move_picture, remove_picture, sweep_pictures
from catalog.services.stock import lock_stock, put_back_stock, take_stock
from catalog.services.stores import change_store, close_store, open_store, trust_providers

__all__ = [
    "activate_fee_schedule",
    "add_picture",
    "change_item",
    "change_picture",
    "change_store",
    "close_store",
    "draft_fee_schedule",
    "end_offers",
    "lock_stock",
    "move_picture",
    "offer_item",
    "open_store",
    "put_back_stock",
    "remove_picture",
    "sweep_pictures",
    "take_stock",
    "trust_providers",
]
