"""
Whose money pays a trade: a scanned code, a bound identity, or the customer with the phone.

Everything here runs under the order's lock, and ends in `pay_locked`, the one place where orders are paid.
"""

from datetime import datetime

from accounts.actor import Actor
from accounts.behaviours import record_behaviour
from accounts.models import Account, ExternalIdentity
from catalog.errors import StoreClosed
from catalog.models import Store
from core.errors import Conflict
from core.limits import Limit, Tries, count_failures, ensure_below
from core.money import Money
from ledger.errors import InsufficientFunds
from orders.counter.errors import ChargeRefused, IdentityUnknown
from orders.counter.models import Terminal
from orders.models import Order
from orders.services.paying import Payable, pay_locked
from wallets.pay_codes.errors import ConfirmationNeeded, PayCodeInvalid, PayCodeMaximum
from wallets.pay_codes.services import ScannedCode, confirms_above, scan_pay_code, spend_pay_code

REFUSALS: dict[str, type[Conflict]] = {
    refusal.code: refusal
    for refusal in (PayCodeInvalid, PayCodeMaximum, InsufficientFunds, ConfirmationNeeded, ChargeRefused)
}

PER_TILL = Limit("pay_code", "PAY_CODE_FAILURES")
PER_STORE = Limit("pay_code_store", "PAY_CODE_STORE_FAILURES")


def ensure_open(store: Store) -> None:
    """:raises StoreClosed: it sells nothing any more; what was sold there is still asked about and given back."""
    if store.closed_at is not None:
        raise StoreClosed


def ensure_may_try_codes(terminal: Terminal) -> None:
    """:raises TooManyAttempts: the till or its store has shown too many codes that are nobody's."""
    ensure_below(*_limits_of(terminal))


def scan(code: str, order: Order, now: datetime) -> ScannedCode:
    """Lock a code for this order, until the caller's transaction ends."""
    return scan_pay_code(code=code, order=order.public_id, currency=order.currency, now=now)


def charge_code(scanned: ScannedCode, orders: Payable, terminal: Terminal, now: datetime) -> Conflict | None:
    """
    Have a scanned code pay a locked order; return what refused it, for the caller to commit and then to say.

    A code of somebody else than the trade's customer is as good as none.

    :raises TooManyAttempts: it is nobody's, and there were too many of those: nothing of this is to be committed.
    """
    ((order, _row),) = orders
    if scanned.owner is None or order.buyer_id not in (None, scanned.owner.pk):
        count_failures(*_limits_of(terminal))
        refusal: Conflict | None = PayCodeInvalid()
    elif not scanned.allows(_total_of(order)):
        refusal = PayCodeMaximum()
    else:
        refusal = charge_wallet(scanned.owner, orders, above_minor=scanned.confirms_above_minor, now=now)
    if scanned.owner is not None:
        spend_pay_code(scanned=scanned, order=order.public_id, refusal=refusal.code if refusal else "", now=now)
    return refusal


def charge_wallet(owner: Account, orders: Payable, *, above_minor: int, now: datetime) -> Conflict | None:
    """
    Have a customer's own wallet pay a locked order at the till's word; return what refused it.

    `above_minor`: for more than that the customer is asked first, and the trade is that customer's from then on.
    """
    ((order, _row),) = orders
    buyer_before = order.buyer
    order.buyer = owner
    if order.total_minor > above_minor:
        order.keep("buyer")
        return ConfirmationNeeded()
    actor = Actor.own(owner)
    try:
        pay_locked(orders, amount=_total_of(order), payer=owner, actor=actor, now=now)
    except InsufficientFunds as refusal:
        order.buyer = buyer_before
        return refusal
    note_bought(order, actor, now)
    return None


def charge_identity(customer: Account, provider: str, orders: Payable, now: datetime) -> Conflict | None:
    """Have the wallet that an identity is bound to pay a locked order; return what refused it."""
    ((order, _row),) = orders
    order.institution = provider
    limit = confirms_above(account=customer, currency=order.currency)
    return charge_wallet(customer, orders, above_minor=limit, now=now)


def is_paid_by(order: Order, identity: ExternalIdentity) -> bool:
    """Whether this very identity has paid a locked order: then its payment is a repeat."""
    is_its_account = order.payer_id == identity.account_id and order.institution == identity.provider
    return bool(order.paid_minor) and is_its_account


def find_identity(provider: str, external_id: str, store: Store) -> ExternalIdentity:
    """
    Return an identity with the account to which it is bound, locked: whoever unbinds it, or closes the account,
    waits for what it begins.

    :raises IdentityUnknown: nobody has bound it, or the store is not trusted for its provider.
    """
    if provider not in store.trusted_providers:
        raise IdentityUnknown
    locking = ExternalIdentity.objects.select_for_update(no_key=True, of=("self",))
    bound = locking.filter(provider=provider, external_id=external_id, unbound_at=None)
    identity = bound.filter(account__is_active=True, account__side="buyer").select_related("account").first()
    if identity is None:
        raise IdentityUnknown
    return identity


def note_bought(order: Order, actor: Actor, now: datetime) -> None:
    """Record that somebody bought at the counter, as placing does for what is bought online."""
    record_behaviour("order.placed", object_id=order.public_id, data={"store": order.store}, by=actor, now=now)


def _total_of(order: Order) -> Money:
    return Money(order.total_minor, order.currency)


def _limits_of(terminal: Terminal) -> tuple[Tries, Tries]:
    return (PER_TILL, terminal.public_id), (PER_STORE, terminal.store.public_id)
