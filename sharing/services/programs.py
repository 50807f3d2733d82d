"""Share programs: what sellers offer for an item, version by version."""

from collections.abc import Collection
from datetime import datetime

from django.db import transaction
from django.db.models import Max, Value
from django.db.models.functions import Greatest

from accounts.actor import Actor
from accounts.errors import SessionEnded
from accounts.models import Account
from accounts.services import hold_open
from catalog.errors import ItemNotOnSale
from catalog.models import Item
from core.errors import NotFound
from sharing.errors import OtherCurrency
from sharing.models import ShareBudget, ShareProgram
from sharing.program_terms import ProgramTerms, terms_of
from sharing.services.telling import tell_sharers_later


@transaction.atomic
def set_program(*, item: str, terms: ProgramTerms, actor: Actor, now: datetime) -> ShareProgram:
    """
    Let an item (public id) of the acting seller have a program of these terms from now on; return its version.

    The version in force ends and the next begins; shares keep the version they were made under. The same terms again
    change nothing. A budget counts what all versions have cost since the item first had one.

    :raises SessionEnded: the seller is closed.
    :raises NotFound: the seller has no such item.
    :raises ItemNotOnSale: the item has been removed.
    :raises OtherCurrency: an amount or the budget is in another currency than the item's price.
    """
    if not hold_open([actor.acting.pk]):  # Whoever closes it ends its programs, also one that begins this moment.
        raise SessionEnded
    shared = _lock_item(item, actor.acting)
    if shared.status == Item.Status.REMOVED:
        raise ItemNotOnSale("This item has been removed.")
    if terms.currencies - {shared.currency}:
        raise OtherCurrency
    in_force = ShareProgram.objects.filter(item=shared, until_at=None).first()
    if in_force is not None and (terms_of(in_force), in_force.currency) == (terms, shared.currency):
        return in_force
    at = max(now, in_force.from_at) if in_force is not None else now  # Whoever came later may hold the lock first.
    ShareProgram.objects.filter(item=shared, until_at=None).update(until_at=at)
    begun = _begin(shared, terms, actor, at)
    _keep_to_budget(begun)
    return begun


@transaction.atomic
def end_program(*, item: str, actor: Actor, now: datetime) -> None:
    """
    End the program of an item (public id) of the acting seller: no share of any version leads anywhere from now on.

    Scans from before count for as long as their window lasts. A program that begins later has shares of its own.
    Sharers are told by a job.

    :raises NotFound: the seller has no such item, or it has no program.
    """
    shared = _lock_item(item, actor.acting)
    if not _end([shared.pk], now):
        raise NotFound


@transaction.atomic
def end_programs_of(*, seller: Account, now: datetime) -> None:
    """End the programs of all items of a seller who has closed. Doing it twice ends none."""
    shared = ShareProgram.objects.filter(item__seller=seller, ended_at=None).values("item_id")
    items = Item.objects.select_for_update(no_key=True, of=("self",)).filter(pk__in=shared)
    keys = list(items.order_by("pk").values_list("pk", flat=True))
    _end(keys, now)


def _lock_item(public_id: str, seller: Account) -> Item:
    """Whoever changes the item's program, its price or its status waits here for whoever does."""
    items = Item.objects.select_for_update(no_key=True, of=("self",))
    item = items.filter(public_id=public_id, seller=seller).first()
    if item is None:
        raise NotFound
    return item


def _end(items: Collection[int], now: datetime) -> int:
    """End all versions of these items' programs, whose rows are locked; return how many were in force."""
    programs = ShareProgram.objects.filter(item__in=items, ended_at=None)
    keys = list(programs.values_list("pk", flat=True))
    were_in_force = programs.filter(until_at=None).update(until_at=Greatest(Value(now), "from_at"))
    programs.update(ended_at=Greatest(Value(now), "until_at"))
    tell_sharers_later(programs=keys, ended_at=now)
    return were_in_force


def _begin(item: Item, terms: ProgramTerms, actor: Actor, now: datetime) -> ShareProgram:
    last = ShareProgram.objects.filter(item=item).aggregate(last=Max("version"))["last"] or 0
    return ShareProgram.objects.create(
        item=item,
        version=last + 1,
        rate_bps=terms.rate_bps,
        amount_minor=terms.amount.minor if terms.amount else None,
        currency=item.currency,
        window_days=terms.window_days,
        model=terms.model,
        lock_days=terms.lock_days,
        budget_minor=terms.budget.minor if terms.budget else None,
        hosts=list(terms.hosts),
        made_by=actor.acting,
        login_account=actor.login,
        from_at=now,
    )


def _keep_to_budget(program: ShareProgram) -> None:
    """Give the row that charges lock its new limit; an item that never had a budget has none."""
    if program.budget_minor is None:
        ShareBudget.objects.filter(item=program.item).update(limit_minor=None)
        return
    ShareBudget.objects.update_or_create(
        item=program.item,
        defaults={"limit_minor": program.budget_minor},
        create_defaults={"limit_minor": program.budget_minor, "currency": program.currency},
    )
