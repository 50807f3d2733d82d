"""The end of codes and of what they are made with: by closing, by erasing, by time."""

from datetime import datetime

from django.conf import settings
from django.db.models import Q

from accounts.models import Account
from core.forgetting import delete_in_chunks
from wallets.pay_codes.models import PayCode, PayCodeSecret


def end_pay_codes(account: Account, now: datetime) -> None:
    """
    End all codes of an account that closes, and its phones' secrets.

    A till that tries one at this moment holds it: what comes of that is there when this goes on. Secrets come
    first, as wherever both are locked.
    """
    PayCodeSecret.objects.filter(account=account, revoked_at=None).update(revoked_at=now, secret="")
    PayCode.objects.filter(account=account, used_at=None).update(used_at=now)


def erase_phone_secrets(account: Account) -> None:
    """Remove what an account called its phones, and all about them; what their codes paid is in the orders."""
    PayCodeSecret.objects.filter(account=account).delete()


def purge_pay_codes(*, now: datetime) -> int:
    """Forget codes and phones' secrets that have long been dead; what they paid is in the orders."""
    before = now - settings.PAY_CODE_RETENTION
    dead = PayCodeSecret.objects.filter(Q(revoked_at__lt=before) | Q(session__ended_at__lt=before))
    return delete_in_chunks(PayCode.objects.filter(expires_at__lt=before)) + delete_in_chunks(dead)
