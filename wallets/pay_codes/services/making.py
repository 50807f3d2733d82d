"""Making codes for a phone that is online."""

from datetime import datetime

from django.conf import settings
from django.db import transaction

from accounts.actor import Actor
from accounts.errors import SessionEnded
from accounts.services import ensure_own_login, hold_open
from core.money import Money
from wallets.pay_codes.digits import digest_code, new_code
from wallets.pay_codes.models import PayCode


@transaction.atomic
def make_pay_code(*, maximum: Money | None = None, actor: Actor, now: datetime) -> tuple[PayCode, str]:
    """
    Make a code with which a till may charge the own wallet once; return its row and the code, which is not kept.

    `maximum`: the most it pays, in its currency. Where PAY_CODES_SEVERAL_VALID is off, codes made before are
    dead from now on.

    :raises OwnLoginRequired: through a link.
    :raises SessionEnded: the account is closed.
    """
    ensure_own_login(actor)
    if not hold_open([actor.acting.pk]):  # Whoever closes it ends this code, too.
        raise SessionEnded
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
