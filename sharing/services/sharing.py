"""Shares: made by whoever brings customers, revoked by them, by operators, or with their account."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Q

from accounts.actor import Actor
from accounts.errors import SessionEnded
from accounts.models import Account
from accounts.services import hold_open
from catalog.errors import ItemUnknown, StoreClosed, StoreUnknown
from catalog.models import Item, Store
from catalog.selectors import is_shown_to, items_by_id, stores_by_id
from core.errors import FieldError, NotFound
from events.services import emit
from sharing.activity_urls import normalise_activity_url
from sharing.errors import NoShareProgram, ShareRevokedAlready
from sharing.events import ShareTakenDown
from sharing.models import Share, ShareProgram


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedShare:
    """
    What somebody wants to share: an item (public id).

    `activity_url`: where a scan leads, our own page of the item where empty. `store`: public id of the store where a
    poster hangs, one of the sharer's or of the item's seller.
    """

    item: str
    activity_url: str = ""
    store: str | None = None
    actor: Actor


def make_share(*, item: str, activity_url: str = "", store: str | None = None, actor: Actor, now: datetime) -> Share:
    """
    Share an item under its program's version in force; the same once more is the same share. See `WantedShare`.

    :raises SessionEnded: the sharer is closed.
    :raises ItemUnknown: there is no such item that the sharer may see.
    :raises NoShareProgram: the item has no program, or has been removed.
    :raises ActivityUrlNotAllowed: the address leads elsewhere.
    :raises StoreUnknown: neither has such a store.
    :raises StoreClosed: it is closed.
    """
    wanted = WantedShare(item=item, activity_url=activity_url, store=store, actor=actor)
    (share,) = make_shares(wanted=[wanted], now=now)
    return share


@transaction.atomic
def make_shares(*, wanted: Sequence[WantedShare], now: datetime) -> list[Share]:
    """
    Make many shares as `make_share` makes each, and return them in the order given: as many statements as for one.

    All of them or, where one is refused as `make_share` says, none. What is wanted twice is one share.
    """
    sharers = {one.actor.acting.pk for one in wanted}
    if hold_open(sharers) != sharers:  # Whoever closes it revokes its shares, also one made this moment.
        raise SessionEnded
    items = items_by_id(one.item for one in wanted)
    in_force = ShareProgram.objects.filter(item__in=[item.pk for item in items.values()], until_at=None)
    programs = {program.item_id: program for program in in_force}
    named = [one.store for one in wanted if one.store is not None]
    stores = stores_by_id(named) if named else {}
    return _same_or_made([_draft(one, items.get(one.item), programs, stores, now) for one in wanted])


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


def _draft(
    wanted: WantedShare,
    item: Item | None,
    programs: Mapping[int, ShareProgram],
    stores: Mapping[str, Store],
    now: datetime,
) -> Share:
    sharer = wanted.actor.acting
    if item is None or not is_shown_to(item, sharer):
        raise ItemUnknown.at(["item"])
    program = programs.get(item.pk)
    if program is None or item.status == Item.Status.REMOVED:
        raise NoShareProgram
    url = wanted.activity_url
    return Share(
        program=program,
        item=item,
        sharer=sharer,
        activity_url=normalise_activity_url(url, item=item.public_id, hosts=tuple(program.hosts)) if url else "",
        store=None if wanted.store is None else _of_either(stores.get(wanted.store), sharer, item.seller),
        login_account=wanted.actor.login,
        made_at=now,
    )


def _of_either(store: Store | None, sharer: Account, seller: Account) -> Store:
    if store is None or store.seller_id not in (sharer.pk, seller.pk):
        raise StoreUnknown(errors=[FieldError("store", StoreUnknown.code, StoreUnknown.message)])
    if store.closed_at is not None:
        raise StoreClosed
    return store


_Saying = tuple[int, int, str, int | None]


def _saying(share: Share) -> _Saying:
    """Of shares that say the same only one is alive."""
    return (share.sharer_id, share.program_id, share.activity_url, share.store_id)


def _same_or_made(drafts: Sequence[Share]) -> list[Share]:
    """
    The living shares that say the same, made where there are none.

    Looks again after it has made some: a twin may have made one first, and somebody may have revoked that already.
    """
    found = _alive(drafts)
    while missing := {_saying(draft): draft for draft in reversed(drafts) if _saying(draft) not in found}:
        # In one order, so that two who make the same ones wait for each other and not crosswise.
        made = sorted(missing.values(), key=lambda draft: (*_saying(draft)[:3], draft.store_id or 0))
        Share.objects.bulk_create(made, ignore_conflicts=True)
        found |= _alive(made)
    return [found[_saying(draft)] for draft in drafts]


def _alive(drafts: Sequence[Share]) -> dict[_Saying, Share]:
    """Those there are, with what belongs to them, by what they say."""
    said = {_saying(draft): draft for draft in drafts}
    stores = {draft.store_id for draft in drafts}
    places = Q(store__in=stores - {None})
    shares = Share.objects.filter(
        places | Q(store=None) if None in stores else places,
        sharer__in={draft.sharer_id for draft in drafts},
        program__in={draft.program_id for draft in drafts},
        activity_url__in={draft.activity_url for draft in drafts},
        revoked_at=None,
    )
    found = {_saying(share): share for share in shares}
    for saying in found.keys() & said.keys():
        share, draft = found[saying], said[saying]
        share.program, share.item, share.sharer, share.store = draft.program, draft.item, draft.sharer, draft.store
    return found


def _lock(public_id: str, **owner: Account) -> Share:
    shares = Share.objects.select_for_update(no_key=True, of=("self",)).select_related("item", "sharer")
    share = shares.filter(public_id=public_id, **owner).first()
    if share is None:
        raise NotFound
    return share


def _revoke(share: Share, *, by: Account, now: datetime) -> None:
    share.revoked_at, share.revoked_by = now, by
    share.save(update_fields=["revoked_at", "revoked_by", "revoke_reason"])
