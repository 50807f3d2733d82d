"""Pictures of items: added, described, put in order and removed by their sellers."""

from datetime import datetime
from functools import partial
from typing import IO

from django.conf import settings
from django.db import transaction

from accounts.actor import Actor
from accounts.models import Account
from catalog.drawing import Drawn, draw_anew
from catalog.errors import PicturesFull
from catalog.models import Item, ItemPicture
from catalog.picture_files import drop_files, keep_files, kept_pictures, newest_file_of
from catalog.selectors import get_own_item
from core.errors import NotFound
from core.ids import new_public_id


def add_picture(*, item: str, file: IO[bytes], alt: str = "", actor: Actor, now: datetime) -> ItemPicture:
    """
    Add a picture behind those that an item (public id) of the acting seller has; the first is shown in lists.

    The file is drawn anew, and its own bytes are kept nowhere. Drawing and writing take their time before the item is
    locked; whoever dies in between leaves files that nobody names, and no picture: `sweep_pictures`.

    :raises NotFound: the seller has no such item.
    :raises PicturesFull: the item has ITEM_PICTURES_MAX of them.
    :raises PictureTooLarge, PictureNotReadable, PictureTooManyPixels, PictureTooSmall: as `draw_anew`.
    """
    described = get_own_item(item, seller=actor.acting)
    if described.pictures.count() >= settings.ITEM_PICTURES_MAX:
        raise PicturesFull
    drawn, public_id = draw_anew(file), new_public_id("pic")
    keep_files(public_id, drawn.files)
    try:
        return _write(item, public_id, drawn, alt, actor, now)
    except BaseException:
        drop_files(public_id)
        raise


@transaction.atomic
def change_picture(*, item: str, picture: str, alt: str, actor: Actor) -> ItemPicture:
    """
    Say what is to be seen on a picture (public id) of an item of the acting seller.

    :raises NotFound: the seller has no such picture.
    """
    changed = _one_of(_lock_pictures(item, actor)[1], picture)
    changed.alt = alt
    changed.save(update_fields=["alt"])
    return changed


@transaction.atomic
def move_picture(*, item: str, picture: str, place: int, actor: Actor) -> None:
    """
    Put a picture (public id) of an item of the acting seller at a place, counted from 0; the others close up.

    A place behind the last is the last. A repeat changes nothing.

    :raises NotFound: the seller has no such picture.
    """
    locked, pictures = _lock_pictures(item, actor)
    moved = _one_of(pictures, picture)
    pictures.remove(moved)
    pictures.insert(place, moved)
    _put_in_order(locked, pictures)


@transaction.atomic
def remove_picture(*, item: str, picture: str, actor: Actor) -> None:
    """
    Remove a picture (public id) of an item of the acting seller, with its files.

    :raises NotFound: the seller has no such picture.
    """
    locked, pictures = _lock_pictures(item, actor)
    removed = _one_of(pictures, picture)
    pictures.remove(removed)
    removed.delete()
    _put_in_order(locked, pictures)
    transaction.on_commit(partial(drop_files, picture))


@transaction.atomic
def erase_pictures(account: Account) -> None:
    """Remove all pictures of an erased seller: they may show people, and places."""
    pictures = ItemPicture.objects.filter(item__seller=account)
    erased = list(pictures.values_list("public_id", flat=True))
    Item.objects.filter(seller=account).exclude(cover="").update(cover="")
    pictures.delete()
    for picture in erased:
        transaction.on_commit(partial(drop_files, picture))


def sweep_pictures(*, before: datetime) -> int:
    """
    Delete the files that no picture names and that were written before a moment; return of how many pictures.

    They are of those who died between the files and the row, while adding, removing or erasing.
    """
    kept, swept = kept_pictures(), 0
    for first in range(0, len(kept), settings.ITEM_PICTURES_SWEPT_AT_ONCE):
        asked = kept[first : first + settings.ITEM_PICTURES_SWEPT_AT_ONCE]
        named = set(ItemPicture.objects.filter(public_id__in=asked).values_list("public_id", flat=True))
        for picture in asked:
            if picture in named or ((written := newest_file_of(picture)) and written >= before):
                continue
            drop_files(picture)
            swept += 1
    return swept


@transaction.atomic
def _write(item: str, public_id: str, drawn: Drawn, alt: str, actor: Actor, now: datetime) -> ItemPicture:
    locked, pictures = _lock_pictures(item, actor)
    if len(pictures) >= settings.ITEM_PICTURES_MAX:
        raise PicturesFull
    added = ItemPicture.objects.create(
        public_id=public_id,
        item=locked,
        place=len(pictures),
        alt=alt,
        width=drawn.width,
        height=drawn.height,
        added_by=actor.login,
        added_at=now,
    )
    _put_in_order(locked, [*pictures, added])
    return added


def _lock_pictures(item: str, actor: Actor) -> tuple[Item, list[ItemPicture]]:
    """Lock the item, under whose lock its pictures change, and then look at them, in their order."""
    locked = Item.objects.select_for_update(no_key=True, of=("self",)).filter(public_id=item, seller=actor.acting)
    found = locked.first()
    if found is None:
        raise NotFound
    return found, list(found.pictures.order_by("place"))


def _one_of(pictures: list[ItemPicture], public_id: str) -> ItemPicture:
    found = next((picture for picture in pictures if picture.public_id == public_id), None)
    if found is None:
        raise NotFound
    return found


def _put_in_order(item: Item, pictures: list[ItemPicture]) -> None:
    for place, picture in enumerate(pictures):
        picture.place = place
    ItemPicture.objects.bulk_update(pictures, ["place"])
    item.cover = pictures[0].public_id if pictures else ""
    item.save(update_fields=["cover"])
