"""Secrets with which phones make codes while they are offline: enrolled, and revoked."""

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import IntegrityError, transaction

from accounts.actor import Actor
from accounts.errors import SessionEnded
from accounts.models import Account, Session
from accounts.services import ensure_own_login
from core.errors import NotFound
from core.money import Money
from core.secrecy import encrypt
from wallets.pay_codes.errors import TooManyPayCodeSecrets
from wallets.pay_codes.models import PayCodeSecret
from wallets.pay_codes.offline import new_key_number, new_secret
from wallets.pay_codes.selectors import living_secrets

_KEY_NUMBERS_TRIED = 20  # With one number in ten taken, twenty in a row are taken once in 10^20 times.


@dataclass(frozen=True, slots=True)
class PhoneSecret:
    """What a phone keeps to make codes with; shown once."""

    row: PayCodeSecret
    secret: str


@transaction.atomic
def enrol_phone(*, name: str = "", maximum: Money | None = None, actor: Actor, now: datetime) -> PhoneSecret:
    """
    Give the phone whose session this is a secret, with which it makes pay codes without us from then on.

    `maximum`: the most each of its codes pays, in its currency. The secret is dead once the session is.

    :raises OwnLoginRequired: through a link.
    :raises SessionEnded: the session has ended, or the account is closed.
    :raises TooManyPayCodeSecrets: the account has so many already.
    """
    ensure_own_login(actor)
    account = Account.objects.select_for_update(no_key=True).get(pk=actor.login.pk)  # Counted one after the other.
    session = Session.objects.filter(public_id=actor.session_id, ended_at=None).first()
    if session is None or not account.is_active:
        raise SessionEnded
    if living_secrets(account).count() >= settings.PAY_CODE_SECRETS_MAX:
        raise TooManyPayCodeSecrets
    secret = new_secret()
    row = PayCodeSecret(
        account=account,
        session=session,
        secret=encrypt(secret),
        name=name,
        max_minor=maximum.minor if maximum else None,
        max_currency=maximum.currency if maximum else "",
        made_at=now,
    )
    _save_under_a_free_number(row)
    return PhoneSecret(row, secret)


@transaction.atomic
def revoke_phone_secret(*, secret: str, actor: Actor, now: datetime) -> None:
    """
    End one of the own phones' secrets (public id): none of its codes pays from now on. Doing it twice is fine.

    :raises OwnLoginRequired: through a link.
    :raises NotFound: the account has no such secret.
    """
    ensure_own_login(actor)
    own = PayCodeSecret.objects.filter(public_id=secret, account=actor.login)
    if not own.filter(revoked_at=None).update(revoked_at=now, secret="") and not own.exists():
        raise NotFound


def _save_under_a_free_number(row: PayCodeSecret) -> None:
    for _ in range(_KEY_NUMBERS_TRIED):
        row.key_number = new_key_number()
        try:
            with transaction.atomic():
                row.save(force_insert=True)
        except IntegrityError:
            if not PayCodeSecret.objects.filter(key_number=row.key_number).exists():
                raise
        else:
            return
    raise RuntimeError("Key numbers of pay-code secrets run out: nearly all of them are taken.")
