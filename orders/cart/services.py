"""
What may be done with a cart: fill it, empty it, order it, and take it along to another account.

Every service locks the cart's row before it looks at the lines. Where a line is written, the account is held open
after that: an account that is closed and erased at the same moment keeps none.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction

from accounts.actor import Actor
from accounts.errors import NotCarried, SessionEnded
from accounts.models import Account
from accounts.services import hold_open
from catalog.errors import ItemNotOnSale
from catalog.models import Item
from catalog.selectors import get_item
from core.errors import NotFound
from orders.cart.errors import CartEmpty, CartFull, NotInCart
from orders.cart.models import Cart, CartLine
from orders.services import PlacedCheckout, WantedLine, place_checkout


@transaction.atomic
def put_line(*, item: str, quantity: int, actor: Actor, now: datetime) -> CartLine:
    """
    Let the acting account's cart hold so many of an item, however many it held before; a repeat changes nothing.

    Nothing is reserved: price and stock are those of the moment of ordering.

    :raises NotFound: there is no such item that the account may see.
    :raises ItemNotOnSale: the item is not on sale.
    :raises CartFull: it would be one line too many.
    :raises SessionEnded: the account was closed meanwhile.
    """
    found = _find_for_sale(item, actor)
    _lock_open(actor)
    return _set_line(found, quantity, actor, now)


@transaction.atomic
def add_to_line(*, item: str, quantity: int, actor: Actor, now: datetime) -> CartLine:
    """
    Let the acting account's cart hold so many more of an item, and no more than CART_QUANTITY_MAX. Each call adds.

    :raises NotFound: there is no such item that the account may see.
    :raises ItemNotOnSale: the item is not on sale.
    :raises CartFull: it would be one line too many.
    :raises SessionEnded: the account was closed meanwhile.
    """
    found = _find_for_sale(item, actor)
    _lock_open(actor)
    lines = CartLine.objects.filter(cart=actor.acting.pk, item=found).values_list("quantity", flat=True)
    held = next(iter(lines), 0)
    return _set_line(found, min(held + quantity, settings.CART_QUANTITY_MAX), actor, now)


def _find_for_sale(item: str, actor: Actor) -> Item:
    found = get_item(item, visible_to=actor.acting)
    if not found.is_for_sale:
        raise ItemNotOnSale(items=[found.public_id])
    return found


def _lock_open(actor: Actor) -> None:
    _lock([actor.acting])
    if not hold_open([actor.acting.pk]):
        raise SessionEnded


def _set_line(item: Item, quantity: int, actor: Actor, now: datetime) -> CartLine:
    """Under the cart's lock."""
    line, is_new = CartLine.objects.update_or_create(
        cart_id=actor.acting.pk,
        item=item,
        defaults={
            "quantity": quantity,
            "title": item.title,
            "put_at": now,
            "unit_minor": item.price_minor,
            "currency": item.currency,
        },
    )
    if is_new and CartLine.objects.filter(cart=actor.acting.pk).count() > settings.CART_LINES_MAX:
        raise CartFull
    return line


@transaction.atomic
def take_line_out(*, item: str, actor: Actor) -> None:
    """
    Take an item out of the acting account's cart.

    :raises NotFound: it is not in there.
    """
    _lock([actor.acting])
    if not CartLine.objects.filter(cart=actor.acting.pk, item__public_id=item).delete()[0]:
        raise NotFound


@transaction.atomic
def empty_cart(*, owner: Account) -> None:
    """Take everything out of an account's cart; an empty one stays empty."""
    CartLine.objects.filter(cart=owner.pk).delete()


def erase_cart(account: Account) -> None:
    """Leave nothing in the cart of an account that is erased."""
    empty_cart(owner=account)


@transaction.atomic
def place_cart(
    *, items: Sequence[str] | None = None, scans: Sequence[str] = (), actor: Actor, now: datetime
) -> PlacedCheckout:
    """
    Order what is in the acting account's cart, as `place_checkout` does, and take exactly that out of it.

    `items`: only the lines of these (public ids); None orders all. `scans`: tokens, as there. A refused order leaves
    the cart as it is.

    :raises CartEmpty: there is nothing to order.
    :raises NotInCart: `items` names something that is not in the cart.
    :raises ItemNotOnSale: some of it is not on sale any more.
    :raises MixedCurrencies: the items' prices are in two currencies.
    :raises AmountTooLarge: a line or the total is beyond 2^53-1.
    :raises OutOfStock: there are not as many left.
    """
    _lock([actor.acting])
    lines = _chosen(items, list(CartLine.objects.filter(cart=actor.acting.pk).select_related("item__seller")))
    not_on_sale = sorted(line.item.public_id for line in lines if not line.item.is_for_sale)
    if not_on_sale:
        raise ItemNotOnSale(items=not_on_sale)
    wanted = [WantedLine(line.item.public_id, line.quantity) for line in lines]
    placed = place_checkout(lines=wanted, scans=scans, actor=actor, now=now)
    CartLine.objects.filter(pk__in=[line.pk for line in lines]).delete()
    return placed


def _chosen(items: Sequence[str] | None, lines: list[CartLine]) -> list[CartLine]:
    lines.sort(key=lambda line: line.pk)
    if not lines:
        raise CartEmpty
    if items is None:
        return lines
    held = {line.item.public_id for line in lines}
    unknown = [f"items.{place}" for place, item in enumerate(items) if item not in held]
    if unknown:
        raise NotInCart.at(unknown)
    return [line for line in lines if line.item.public_id in set(items)]


@transaction.atomic
def carry_cart(source: Account, target: Account) -> list[dict[str, Any]]:
    """
    Move all lines of one account's cart into another's, and return them as `{item, quantity}` (what was moved).

    What both hold is added up. All lines move, or none. Part of a switch (`accounts.lifecycle`), whose locks see to
    it that neither account closes meanwhile; after it the source is empty, so that a repeat moves nothing.

    :raises NotCarried: the target does not buy, or its cart cannot hold that much.
    """
    if source.pk == target.pk:
        return []
    if target.side != Account.Side.BUYER or target.is_staff:
        raise NotCarried("Only a buyer has a cart.", reason="not_a_buyer")
    _lock([source, target])
    lines = list(CartLine.objects.filter(cart__in=[source.pk, target.pk]).select_related("item").order_by("id"))
    held = {line.item_id: line for line in lines if line.cart_id == target.pk}
    moving = [line for line in lines if line.cart_id == source.pk]
    carried = [{"item": line.item.public_id, "quantity": line.quantity} for line in moving]
    joined = [line for line in moving if line.item_id in held]
    for line in joined:
        held[line.item_id].quantity += line.quantity
    _refuse_too_much(held, moving)
    CartLine.objects.filter(pk__in=[line.pk for line in joined]).delete()
    CartLine.objects.bulk_update([held[line.item_id] for line in joined], ["quantity"])
    CartLine.objects.filter(cart=source.pk).update(cart=target.pk)
    return carried


def _refuse_too_much(held: dict[int, CartLine], moving: Sequence[CartLine]) -> None:
    if len(held.keys() | {line.item_id for line in moving}) > settings.CART_LINES_MAX:
        raise NotCarried("The other cart would have too many lines.", reason="cart_full")
    if any(line.quantity > settings.CART_QUANTITY_MAX for line in held.values()):
        raise NotCarried("The other cart would have too many of one item.", reason="cart_full")


def _lock(owners: Sequence[Account]) -> None:
    """Lock the carts of accounts, by id; who has never had one gets it here."""
    keys = sorted(owner.pk for owner in owners)
    Cart.objects.bulk_create([Cart(owner_id=key) for key in keys], ignore_conflicts=True)
    list(Cart.objects.select_for_update(no_key=True).filter(pk__in=keys).order_by("pk").values_list("pk"))
