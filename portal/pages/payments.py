"""What pages that ask for money have in common: whose wallet, a provider for what it lacks, and pressing twice."""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from django.conf import settings
from django.db import transaction
from django.http import QueryDict

from accounts.actor import Actor
from accounts.models import Account
from accounts.services import owners_who_let_spend
from core import clock
from core.api.idempotency import Attempt, IdempotencyKeyReused, digest_request
from core.errors import Refusal
from core.ids import PUBLIC_ID_LENGTH_MAX
from core.money import Money
from orders import services
from orders.api.views import payer_of
from orders.models import ProviderPayment
from portal.pages.base import CustomerPage
from portal.pages.scanning import with_query
from portal.wording import provider_in_words
from wallets.selectors import available_in


class WalletPage(CustomerPage):
    """A page that asks whose wallet pays: what was chosen before the log-in was lost is there again after it."""

    kept: ClassVar[tuple[str, ...]] = ("wallet",)

    @property
    def asked(self) -> QueryDict:
        return self.request.POST if self.request.method == "POST" else self.request.GET

    def way_back(self) -> str:
        return with_query(
            self.request.path, {name: self.asked.get(name, "")[:PUBLIC_ID_LENGTH_MAX] for name in self.kept}
        )


@dataclass(frozen=True, slots=True)
class WayToPay:
    """
    A wallet that may pay so much: whose it is, and what is in it and what it lacks where who looks may know that.

    It is somebody's own, or that of the account that acts; of others' wallets only they know.
    """

    public_id: str
    name: str
    pk: int
    available: Money | None
    lacking: Money | None


def ways_to_pay(total: Money, actor: Actor, *, form: Any, chosen: str | None) -> dict[str, Any]:
    """Return what a form asks: whose wallet pays so much, the one that acts first; the log-in's own always may."""
    willing = [actor.login, *owners_who_let_spend(amount=total, actor=actor)]
    available = available_in(total.currency, visible_to=[actor.login, actor.acting])
    owners = sorted(willing, key=lambda account: account.pk != actor.acting.pk)
    wallets = [_way_to_pay(owner, available.get(owner.pk), total) for owner in owners]
    is_enough = all(wallet.available is not None and wallet.lacking is None for wallet in wallets)
    return {
        "wallets": wallets,
        "chosen": _known(wallets, form.data.get("wallet") or chosen),
        "provider": settings.PORTAL_PROVIDER and not is_enough and provider_in_words(settings.PORTAL_PROVIDER),
        "charges": bool(form.data.get("provider")),
        "key": form.data.get("key") or secrets.token_urlsafe(16),
    }


def _way_to_pay(owner: Account, available_minor: int | None, total: Money) -> WayToPay:
    if available_minor is None:
        return WayToPay(owner.public_id, owner.name, owner.pk, None, None)
    lacking_minor = total.minor - available_minor
    return WayToPay(
        owner.public_id,
        owner.name,
        owner.pk,
        available=Money(available_minor, total.currency),
        lacking=Money(lacking_minor, total.currency) if lacking_minor > 0 else None,
    )


def _known(wallets: Sequence[WayToPay], chosen: str | None) -> str:
    return next((wallet.public_id for wallet in wallets if wallet.public_id == chosen), wallets[0].public_id)


def start_payment(*, order: str, said: dict[str, Any], actor: Actor) -> None:
    """Pay an order as a checked form says, in the caller's transaction; a provider is called after it."""
    amount, payer = Money(said["amount"], said["currency"]), payer_of(said["wallet"], actor)
    if not (said["provider"] and settings.PORTAL_PROVIDER):
        services.pay_order(order=order, amount=amount, payer=payer, actor=actor, now=clock.now())
        return
    payment = services.request_order_payment(
        order=order, amount=amount, provider=settings.PORTAL_PROVIDER, payer=payer, actor=actor, now=clock.now()
    )
    charge_afterwards(payment)


def charge_afterwards(payment: ProviderPayment) -> None:
    """Call the provider of a payment once the caller's transaction has written it."""
    transaction.on_commit(lambda: _charge(payment.public_id))


def start_checkout_payment(*, checkout: str, said: dict[str, Any], actor: Actor) -> None:
    """The same for all orders of a checkout that can be paid; all or none."""
    amount, payer = Money(said["amount"], said["currency"]), payer_of(said["wallet"], actor)
    if not (said["provider"] and settings.PORTAL_PROVIDER):
        services.pay_checkout(checkout=checkout, amount=amount, payer=payer, actor=actor, now=clock.now())
        return
    payment = services.request_checkout_payment(
        checkout=checkout, amount=amount, provider=settings.PORTAL_PROVIDER, payer=payer, actor=actor, now=clock.now()
    )
    transaction.on_commit(lambda: _charge(payment.public_id))


def _charge(payment: str) -> None:
    """Whoever dies here is finished by the task that asks providers."""
    outcome = services.call_provider(payment=payment)
    services.note_outcome(payment=payment, outcome=outcome, now=clock.now())


def attempt_of(said: dict[str, Any], path: str, actor: Actor) -> Attempt:
    """Return under which key a form is sent: the same key with other data is refused."""
    intended = " ".join(f"{name}={said[name]}" for name in sorted(said) if name != "key")
    return Attempt(actor.owner_id, said["key"], digest_request("POST", path, intended.encode()))


def once(attempt: Attempt, effect: Callable[[], str]) -> str:
    """
    Run what a form intends, once per key, and return where it leads; what its twin has done is done.

    Twins meet at the lock of what they change or at the latest at their key, so that the later one waits instead of
    being told to come back: it is its answer that the browser shows. What refuses it there is the echo of what the
    first has done.

    :raises Refusal: of the effect, where no twin has come to it.
    :raises IdempotencyKeyReused: the key was another form's.
    """
    try:
        with transaction.atomic():
            leads_to = effect()
            if not attempt.save(status=302, body=leads_to):
                raise IdempotencyKeyReused
    except Refusal:
        known = attempt.look_up()
        if known is None:
            raise
        return known.body
    return leads_to
