"""What the API and an export read of carts."""

from collections.abc import Iterator
from typing import Any

from accounts.models import Account
from orders.cart.models import CartLine


def cart_lines(*, visible_to: Account) -> list[CartLine]:
    """Return the lines of an account's cart with their items and sellers, as they were put in; one statement."""
    lines = CartLine.objects.filter(cart=visible_to.pk).select_related("item__seller")
    return list(lines.defer("item__description", "item__words").order_by("id"))


def count_lines(account: Account) -> int:
    """Count the lines of an account's cart."""
    return CartLine.objects.filter(cart=account.pk).count()


def export_cart(account: Account) -> Iterator[dict[str, Any]]:
    """Yield the lines of an account's cart for the export of its data."""
    for line in cart_lines(visible_to=account):
        yield {"item": line.item.public_id, "title": line.title, "quantity": line.quantity, "put_at": line.put_at}
