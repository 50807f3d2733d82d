"""What a cart can refuse. Codes are public API and never change."""

from collections.abc import Sequence

from core.errors import Conflict, FieldError, Unprocessable


class CartFull(Conflict):
    code = "cart_full"
    message = "A cart holds no more lines than that."


class CartEmpty(Conflict):
    code = "cart_empty"
    message = "There is nothing in the cart."


class NotInCart(Unprocessable):
    code = "not_in_cart"
    message = "This item is not in the cart."

    @classmethod
    def at(cls, fields: Sequence[str]) -> "NotInCart":
        """Name the fields of the body that name no line."""
        return cls(errors=[FieldError(field, cls.code, cls.message) for field in fields])
