"""Payout targets: added and removed by the own log-in only, added with a fresh second factor where there is one."""

from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from accounts.actor import Actor
from accounts.errors import SessionEnded
from accounts.models import Account
from accounts.services import ensure_fresh_second_factor, ensure_own_login
from core import clock
from core.errors import NotFound
from core.secrecy import decrypt, encrypt
from wallets.models import Withdrawal
from wallets.payout_targets.errors import (
    PayoutTargetInUse,
    PayoutTargetKnown,
    PayoutTargetRequired,
    PayoutTargetUnknown,
    TooManyPayoutTargets,
)
from wallets.payout_targets.models import PayoutTarget

SHOWN_CHARACTERS = 4


@transaction.atomic
def add_payout_target(*, destination: str, name: str = "", actor: Actor, now: datetime) -> PayoutTarget:
    """
    Keep a place where the acting account's withdrawals may go, at the provider that pays out now.

    :raises OwnLoginRequired: somebody acts through a link.
    :raises StepUpRequired: the account has a second factor, and the session has shown none lately.
    :raises PayoutTargetKnown: the account has it already.
    :raises TooManyPayoutTargets: it has as many as it may.
    :raises SessionEnded: the account was closed meanwhile.
    """
    ensure_own_login(actor)
    ensure_fresh_second_factor(actor)
    owner = Account.objects.select_for_update(no_key=True).filter(pk=actor.acting.pk, is_active=True).first()
    if owner is None:
        raise SessionEnded
    kept = list(payout_targets_of(visible_to=owner))
    if any(
        target.provider == settings.PAYOUT_PROVIDER and decrypt(target.destination) == destination for target in kept
    ):
        raise PayoutTargetKnown
    if len(kept) >= settings.PAYOUT_TARGETS_MAX:
        raise TooManyPayoutTargets
    return PayoutTarget.objects.create(
        owner=owner,
        provider=settings.PAYOUT_PROVIDER,
        name=name,
        destination=encrypt(destination),
        ends_in=destination[-SHOWN_CHARACTERS:],
        added_at=now,
    )


@transaction.atomic
def remove_payout_target(*, target: str, actor: Actor, now: datetime) -> None:
    """
    Forget a payout target of the acting account; which withdrawals went there stays known.

    :raises OwnLoginRequired: somebody acts through a link.
    :raises NotFound: the account has none of this id.
    :raises PayoutTargetInUse: a withdrawal is on its way there.
    """
    ensure_own_login(actor)
    locked = payout_targets_of(visible_to=actor.acting).select_for_update(no_key=True)
    found = locked.filter(public_id=target).first()
    if found is None:
        raise NotFound
    if Withdrawal.objects.filter(payout_target=found, next_query_at__isnull=False).exists():
        raise PayoutTargetInUse
    _forget(found, now)


def choose_payout_target(*, owner: Account, target: str | None) -> PayoutTarget | None:
    """
    Lock the target that a withdrawal names, so that nobody removes it meanwhile; None where none is named nor needed.

    :raises PayoutTargetRequired: the house pays out to named targets only.
    :raises PayoutTargetUnknown: the owner has none of this id at the provider that pays out now.
    """
    if target is None:
        if settings.PAYOUT_TARGET_REQUIRED:
            raise PayoutTargetRequired
        return None
    of_provider = payout_targets_of(visible_to=owner).filter(provider=settings.PAYOUT_PROVIDER, public_id=target)
    chosen = of_provider.select_for_update(no_key=True).first()
    if chosen is None:
        raise PayoutTargetUnknown
    return chosen


def destination_of(withdrawal: Withdrawal) -> str:
    """Return where a withdrawal goes, whole; empty where its owner has named nothing."""
    target = withdrawal.payout_target
    return decrypt(target.destination) if target is not None else ""


def payout_targets_of(*, visible_to: Account) -> QuerySet[PayoutTarget]:
    """Return an account's own payout targets that are not removed."""
    return PayoutTarget.objects.filter(owner=visible_to, removed_at=None)


def erase_payout_targets(account: Account) -> None:
    """Forget where a person's money went; nothing of it is under way any more."""
    for target in payout_targets_of(visible_to=account):
        _forget(target, clock.now())


def _forget(target: PayoutTarget, now: datetime) -> None:
    target.destination, target.ends_in, target.name, target.removed_at = "", "", "", now
    target.save(update_fields=["destination", "ends_in", "name", "removed_at"])
