"""Shares: made by whoever brings customers, revoked by them, by operators, or with their account."""

from datetime import datetime

from django.db import transaction

from accounts.actor import Actor
from accounts.errors import SessionEnded
from accounts.models import Account
from accounts.services import hold_open
from catalog.errors import ItemUnknown, StoreClosed, StoreUnknown
from catalog.models import Item, Store
from catalog.selectors import get_item, get_store
from core.errors import FieldError, NotFound
from events.services import emit
from sharing.activity_urls import normalise_activity_url
from sharing.errors import NoShareProgram, ShareRevokedAlready
from sharing.events import ShareTakenDown
from sharing.models import Share, ShareProgram


@transaction.atomic
def make_share(*, item: str, activity_url: str = "", store: str | None = None, actor: Actor, now: datetime) -> Share:
    """
    Share an item (public id) under its program's version in force; the same once more is the same share.

    `activity_url`: where a scan leads, our own page of the item where empty. `store`: public id of the store where a
    poster hangs, one of the sharer's or of the item's seller.

    :raises SessionEnded: the sharer is closed.
    :raises ItemUnknown: there is no such item that the sharer may see.
    :raises NoShareProgram: the item has no program, or has been removed.
    :raises ActivityUrlNotAllowed: the address leads elsewhere.
    :raises StoreUnknown: neither has such a store.
    :raises StoreClosed: it is closed.
    """
    if not hold_open([actor.acting.pk]):  # Whoever closes it revokes its shares, also one made this moment.
        raise SessionEnded
    shared = _visible_item(item, actor.acting)
    program = ShareProgram.objects.filter(item=shared, until_at=None).first()
    if program is None or shared.status == Item.Status.REMOVED:
        raise NoShareProgram
    url = normalise_activity_url(activity_url, item=item, hosts=tuple(program.hosts)) if activity_url else ""
    place = _store_of_either(store, actor.acting, shared.seller) if store is not None else None
    wanted = Share(
        program=program,
        item=shared,
        sharer=actor.acting,
        activity_url=url,
        store=place,
        login_account=actor.login,
        made_at=now,
    )
    return _same_or_made(wanted)


@transaction.atomic
def revoke_share(*, share: str, actor: Actor, now: datetime) -> None:
    """
    Revoke a share (public id) of the acting account, for scans to come. Doing it twice is fine.

    :raises NotFound: the account has no such share.
    """
    locked = _lock(share, sharer=actor.acting)
    if locked.revoked_at is None:
        _revoke(locked, by=actor.login, now=now)


@transaction.atomic
def take_down_share(*, share: str, reason: str, actor: Actor, now: datetime) -> Share:
    """
    Revoke anybody's share (public id) as an operator, for scans to come; what it has earned is decided apart.

    :raises NotFound: there is no such share.
    :raises ShareRevokedAlready: somebody was before.
    """
    locked = _lock(share)
    if locked.revoked_at is not None:
        raise ShareRevokedAlready
    locked.revoke_reason = reason
    _revoke(locked, by=actor.login, now=now)
    said = ShareTakenDown(share=locked.public_id, item=locked.item.public_id, sharer=locked.sharer.public_id)
    emit(said, occurred_at=now)
    return locked


@transaction.atomic
def revoke_shares_of(*, sharer: Account, now: datetime) -> int:
    """Revoke every share of an account that has closed; return how many. Doing it twice revokes none."""
    return Share.objects.filter(sharer=sharer, revoked_at=None).update(revoked_at=now, revoked_by=sharer)


def blank_reasons(account: Account) -> None:
    """What operators wrote about an account's shares may name the person; the shares themselves stay."""
    Share.objects.filter(sharer=account).exclude(revoke_reason="").update(revoke_reason="")


def _visible_item(public_id: str, sharer: Account) -> Item:
    try:
        return get_item(public_id, visible_to=sharer)
    except NotFound as unknown:
        raise ItemUnknown.at(["item"]) from unknown


def _store_of_either(public_id: str, sharer: Account, seller: Account) -> Store:
    try:
        store = get_store(public_id)
    except NotFound:
        store = None
    if store is None or store.seller_id not in (sharer.pk, seller.pk):
        raise StoreUnknown(errors=[FieldError("store", StoreUnknown.code, StoreUnknown.message)])
    if store.closed_at is not None:
        raise StoreClosed
    return store


def _same_or_made(wanted: Share) -> Share:
    """
    The living share that says the same, made where there is none.

    Looks again after it has made one: a twin may have made it first, and somebody may have revoked that already.
    """
    same = Share.objects.filter(
        sharer=wanted.sharer,
        program=wanted.program,
        activity_url=wanted.activity_url,
        store=wanted.store,
        revoked_at=None,
    )
    while (share := same.select_related("program", "item__seller", "sharer", "store").first()) is None:
        Share.objects.bulk_create([wanted], ignore_conflicts=True)
    return share


def _lock(public_id: str, **owner: Account) -> Share:
    shares = Share.objects.select_for_update(no_key=True, of=("self",)).select_related("item", "sharer")
    share = shares.filter(public_id=public_id, **owner).first()
    if share is None:
        raise NotFound
    return share


def _revoke(share: Share, *, by: Account, now: datetime) -> None:
    share.revoked_at, share.revoked_by = now, by
    share.save(update_fields=["revoked_at", "revoked_by", "revoke_reason"])
