"""What others read of programs and shares."""

from collections.abc import Iterable

from django.conf import settings
from django.db.models import Count, QuerySet

from accounts.models import Account
from catalog.models import Item
from core.errors import NotFound
from sharing.codes import share_code
from sharing.models import Share, ShareBudget, ShareProgram

LIVE, REVOKED, ENDED = "live", "revoked", "ended"
STATES = (LIVE, REVOKED, ENDED)


def program_in_force(item: Item) -> ShareProgram:
    """
    Return the version that shares of an item are made under now.

    :raises NotFound: it has none.
    """
    program = find_program(item)
    if program is None:
        raise NotFound
    return program


def find_program(item: Item) -> ShareProgram | None:
    """Return the same, None where an item has no program: most have none."""
    return ShareProgram.objects.select_related("item__seller").filter(item=item, until_at=None).first()


def programs_of(seller: Account) -> QuerySet[ShareProgram]:
    """Return all versions of the programs of a seller's items."""
    return ShareProgram.objects.select_related("item__seller").filter(item__seller=seller)


def shares_of(sharer: Account) -> QuerySet[Share]:
    """Return an account's own shares, revoked ones as well."""
    return _shares().filter(sharer=sharer)


def sharers_of(public_id: str) -> set[int]:
    """Return the key of whose a share is, by its public id; none where there is no such share."""
    return set(Share.objects.filter(public_id=public_id).values_list("sharer", flat=True))


def get_share(public_id: str, *, visible_to: Account) -> Share:
    """
    Return a share; its sharer and operators see it.

    :raises NotFound: there is none of this id that the account may see.
    """
    shares = _shares() if visible_to.is_staff else shares_of(visible_to)
    share = shares.filter(public_id=public_id).first()
    if share is None:
        raise NotFound
    return share


def get_share_key(public_id: str) -> int:
    """
    Return the key of anybody's share, from which its code is made.

    :raises NotFound: there is none of this id.
    """
    key = Share.objects.filter(public_id=public_id).values_list("pk", flat=True).first()
    if key is None:
        raise NotFound
    return key


def budgets_of(items: Iterable[int]) -> dict[int, ShareBudget]:
    """Return the budgets of items, by the items' keys; one statement."""
    return {budget.item_id: budget for budget in ShareBudget.objects.filter(item__in=set(items))}


def shares_out(item: Item) -> dict[int, int]:
    """Return how many shares of an item lead somewhere, by the version of its program that each was made under."""
    out = Share.objects.filter(item=item, revoked_at=None, program__ended_at=None)
    return dict(out.values_list("program__version").annotate(count=Count("id")).order_by("program__version"))


def share_url(share_id: int) -> str:
    """Return what a share's QR code says; the host is the setting's, never the request's."""
    return f"{settings.SITE_URL}/s/{share_code(share_id)}"


def state_of(share: Share) -> str:
    """Whether its code still leads anywhere: it may be revoked, its program ended or its item removed."""
    if share.revoked_at is not None:
        return REVOKED
    is_gone = share.program.ended_at is not None or share.item.status == Item.Status.REMOVED
    return ENDED if is_gone else LIVE


def has_budget_left(budget: ShareBudget | None) -> bool:
    """Whether an item's shares may still cost something."""
    return budget is None or budget.limit_minor is None or budget.spent_minor < budget.limit_minor


def _shares() -> QuerySet[Share]:
    return Share.objects.select_related("program", "item__seller", "sharer", "store", "revoked_by")
