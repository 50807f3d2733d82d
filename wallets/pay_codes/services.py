"""
Making pay codes, and trying them once.

A try is written whether it pays or not: the caller commits it with its refusal, so that a refused code is
as dead as one that has paid. The same try again (a double scan, a lost answer) gets the same outcome.
"""

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.db.models import BigIntegerField, OuterRef, Subquery, Value
from django.db.models.functions import Coalesce

from accounts.actor import Actor
from accounts.models import Account
from accounts.services.own_login import ensure_own_login
from core.forgetting import delete_in_chunks
from core.money import Money
from wallets.pay_codes.digits import digest_code, new_code
from wallets.pay_codes.models import ConfirmationLimit, PayCode


@transaction.atomic
def make_pay_code(*, maximum: Money | None = None, actor: Actor, now: datetime) -> tuple[PayCode, str]:
    """
    Make a code with which a till may charge the own wallet once; return its row and the code, which is not kept.

    `maximum`: the most it pays, in its currency. Where PAY_CODES_SEVERAL_VALID is off, codes made before are
    dead from now on.

    :raises OwnLoginRequired: through a link.
    """
    ensure_own_login(actor)
    if not settings.PAY_CODES_SEVERAL_VALID:
        PayCode.objects.filter(account=actor.acting, used_at=None).update(used_at=now)
    code = new_code()
    row = PayCode.objects.create(
        account=actor.acting,
        code_digest=digest_code(code),
        max_minor=maximum.minor if maximum else None,
        max_currency=maximum.currency if maximum else "",
        made_at=now,
        expires_at=now + settings.PAY_CODE_LIFETIME,
    )
    return row, code


@dataclass(frozen=True, slots=True)
class ScannedCode:
    """
    A code that a till has scanned, locked. `owner` None: it is nobody's, or dead.

    `outcome`: of an earlier try for the same order, "" where that has paid; None where this is the first.
    `confirms_above_minor`: what its owner lets a till take without asking, in the currency of the amount.
    """

    row: PayCode | None
    owner: Account | None
    confirms_above_minor: int = 0
    outcome: str | None = None

    def allows(self, amount: Money) -> bool:
        """Whether the maximum that its owner gave it is enough."""
        assert self.row is not None
        return self.row.max_minor is None or (
            self.row.max_currency == amount.currency and amount.minor <= self.row.max_minor
        )


DEAD = ScannedCode(None, None)


def scan_pay_code(*, code: str, order: str, currency: str, now: datetime) -> ScannedCode:
    """
    Lock a code for one try at paying an order (public id), until the caller's transaction ends.

    Two scans of one code at once wait for each other; the later one sees how the earlier one ended.
    """
    codes = PayCode.objects.select_for_update(no_key=True, of=("self",)).select_related("account")
    limit = _confirms_above(OuterRef("account"), currency)
    row = codes.annotate(confirms_above=limit).filter(code_digest=digest_code(code)).first()
    if row is None or not row.account.is_active:
        return DEAD
    if row.used_at is not None:
        is_same_try = row.used_for == order
        return ScannedCode(row, row.account, row.confirms_above, row.refusal) if is_same_try else DEAD
    if row.expires_at <= now:
        return DEAD
    return ScannedCode(row, row.account, row.confirms_above)


def spend_pay_code(*, scanned: ScannedCode, order: str, refusal: str = "", now: datetime) -> None:
    """Write how the try ended: with `refusal` (its code), or paid. The code is dead from now on."""
    assert scanned.row is not None
    PayCode.objects.filter(pk=scanned.row.pk).update(used_at=now, used_for=order, refusal=refusal)


def confirms_above(*, account: Account, currency: str) -> int:
    """Return from which sum on an account is asked before a till is paid, in minor units."""
    found = ConfirmationLimit.objects.filter(account=account, currency=currency).values_list("amount_minor", flat=True)
    return next(iter(found), settings.COUNTER_CONFIRM_ABOVE_MINOR)


def _confirms_above(account: OuterRef, currency: str) -> Coalesce:
    own = ConfirmationLimit.objects.filter(account=account, currency=currency).values("amount_minor")
    default = Value(settings.COUNTER_CONFIRM_ABOVE_MINOR, output_field=BigIntegerField())
    return Coalesce(Subquery(own), default)


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


def purge_pay_codes(*, now: datetime) -> int:
    """Forget codes that have long been dead; what they paid is in the orders."""
    return delete_in_chunks(PayCode.objects.filter(expires_at__lt=now - settings.PAY_CODE_RETENTION))
