"""Everything the catalogue can refuse. Codes are public API and never change."""

from collections.abc import Sequence

from core.errors import Conflict, FieldError, Unprocessable


class ItemUnknown(Unprocessable):
    code = "item_unknown"
    message = "There is no item of this id."

    @classmethod
    def at(cls, fields: Sequence[str]) -> "ItemUnknown":
        """Name the fields of the body that name no item."""
        return cls(errors=[FieldError(field, cls.code, cls.message) for field in fields])


class ItemNotOnSale(Conflict):
    code = "item_not_on_sale"
    message = "This item is not on sale now."


class OutOfStock(Conflict):
    code = "out_of_stock"
    message = "There are not as many left."


class StoreUnknown(Unprocessable):
    code = "store_unknown"
    message = "This is not one of the seller's stores."


class StoreClosed(Conflict):
    code = "store_closed"
    message = "This store is closed."


class CoordinatesIncomplete(Unprocessable):
    code = "coordinates_incomplete"
    message = "A place has a latitude and a longitude, or neither."


class PictureTooLarge(Unprocessable):
    code = "picture_too_large"
    message = "A picture has more bytes than are taken."


class PictureNotReadable(Unprocessable):
    code = "picture_not_readable"
    message = "This file is no picture of a format that is taken."


class PictureTooManyPixels(Unprocessable):
    code = "picture_too_many_pixels"
    message = "A picture has more pixels than are taken."


class PictureTooSmall(Unprocessable):
    code = "picture_too_small"
    message = "A picture has too few pixels to show anything."


class PicturesFull(Conflict):
    code = "pictures_full"
    message = "This item has as many pictures as an item may have."


class SellerUnknown(Unprocessable):
    code = "seller_unknown"
    message = "A rule names a seller that does not exist."


class FeeScheduleNotDraft(Conflict):
    code = "fee_schedule_not_draft"
    message = "Only a draft can be activated."


class FeeScheduleNotSound(Conflict):
    code = "fee_schedule_not_sound"
    message = "The fee schedule leaves open what a sale is charged."


class EffectiveFromTaken(Conflict):
    code = "effective_from_taken"
    message = "Another fee schedule takes effect at that very moment."
