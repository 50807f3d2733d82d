"""From which sum on a till has to ask the customer first."""

from django.conf import settings
from django.db import transaction
from django.db.models import BigIntegerField, OuterRef, Subquery, Value
from django.db.models.functions import Coalesce

from accounts.actor import Actor
from accounts.models import Account
from accounts.services import ensure_own_login
from core.money import Money
from wallets.pay_codes.models import ConfirmationLimit


@transaction.atomic
def set_confirmation_limit(*, limit: Money, actor: Actor) -> ConfirmationLimit:
    """
    Say above which sum, in its currency, tills have to ask the own account first; 0 asks always.

    :raises OwnLoginRequired: through a link.
    """
    ensure_own_login(actor)
    row, _is_new = ConfirmationLimit.objects.update_or_create(
        account=actor.acting, currency=limit.currency, defaults={"amount_minor": limit.minor}
    )
    return row


def confirms_above(*, account: Account, currency: str) -> int:
    """Return from which sum on an account is asked before a till is paid, in minor units."""
    found = ConfirmationLimit.objects.filter(account=account, currency=currency).values_list("amount_minor", flat=True)
    return next(iter(found), settings.COUNTER_CONFIRM_ABOVE_MINOR)


def limit_of(account: OuterRef, currency: str) -> Coalesce:
    """Return the same as part of a statement that finds the account."""
    own = ConfirmationLimit.objects.filter(account=account, currency=currency).values("amount_minor")
    default = Value(settings.COUNTER_CONFIRM_ABOVE_MINOR, output_field=BigIntegerField())
    return Coalesce(Subquery(own), default)
