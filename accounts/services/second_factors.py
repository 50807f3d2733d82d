"""Second factors: enrolled, confirmed, asked for at log-in and before stepping up, and taken away."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import pyotp
from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac

from accounts.actor import Actor
from accounts.errors import (
    OtpInvalid,
    SecondFactorActive,
    SecondFactorMissing,
    SessionEnded,
    StepUpRequired,
)
from accounts.invitation_codes import ALPHABET
from accounts.models import Account, RecoveryCode, SecondFactor, Session
from accounts.services.own_login import ensure_own_login
from core.limits import Limit, limit_failures
from core.secrecy import decrypt, encrypt

OTPS = Limit("otp", "OTP_FAILURES")
STEP_SECONDS = 30
STEPS_OF_DRIFT = 1  # Phones' clocks are a little off.
RECOVERY_CODES = 10
RECOVERY_CODE_LENGTH = 12


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What an authenticator app needs; shown once."""

    secret: str
    otpauth_url: str


def enrol(*, actor: Actor) -> Enrolment:
    """
    Begin with a second factor: it counts once `confirm_second_factor` has seen a first code.

    Beginning again makes a new secret, as long as none is confirmed.

    :raises OwnLoginRequired: through a link.
    :raises SecondFactorActive: the account has one; take that away first.
    """
    ensure_own_login(actor)
    account, secret = actor.login, pyotp.random_base32()
    fresh = {"secret": encrypt(secret), "created_at": timezone.now(), "last_step": 0}
    factor, made = SecondFactor.objects.get_or_create(account=account, defaults=fresh)
    if not made and not SecondFactor.objects.filter(pk=factor.pk, confirmed_at=None).update(**fresh):
        raise SecondFactorActive
    url = pyotp.TOTP(secret).provisioning_uri(name=account.username, issuer_name=settings.SITE_NAME)
    return Enrolment(secret, url)


def confirm_second_factor(*, otp: str, actor: Actor) -> Sequence[str]:
    """
    Put the enrolled factor in force with a first code; return the recovery codes, which are shown once.

    :raises OwnLoginRequired: through a link.
    :raises SecondFactorMissing: none is enrolled.
    :raises SecondFactorActive: it is in force.
    :raises OtpInvalid: the code is wrong.
    :raises TooManyAttempts: too many wrong ones.
    """
    ensure_own_login(actor)
    factor = SecondFactor.objects.filter(account=actor.login).first()
    if factor is None:
        raise SecondFactorMissing
    if factor.confirmed_at is not None:
        raise SecondFactorActive
    with limit_failures(OTPS, actor.login.public_id, failure=OtpInvalid), transaction.atomic():
        _use_code(factor, otp)
        SecondFactor.objects.filter(pk=factor.pk).update(confirmed_at=timezone.now())
        codes = ["".join(secrets.choice(ALPHABET) for _ in range(RECOVERY_CODE_LENGTH)) for _ in range(RECOVERY_CODES)]
        RecoveryCode.objects.bulk_create(RecoveryCode(factor=factor, digest=_digest(code)) for code in codes)
        _mark(actor)
    return codes


def remove_second_factor(*, otp: str, actor: Actor) -> None:
    """
    Take the second factor away, with a code of it or a recovery code.

    :raises OwnLoginRequired: through a link.
    :raises SecondFactorMissing: there is none.
    :raises OtpInvalid: the code is wrong, or was used.
    :raises TooManyAttempts: too many wrong ones.
    """
    ensure_own_login(actor)
    factor = _factor_in_force(actor.login)
    if factor is None:
        raise SecondFactorMissing
    with limit_failures(OTPS, actor.login.public_id, failure=OtpInvalid), transaction.atomic():
        _use(factor, otp)
        factor.delete()
        Account.objects.filter(pk=actor.login.pk).update(step_up=False)


def step_up(*, otp: str, actor: Actor) -> None:
    """
    Show the login account's second factor in a session: it may switch to accounts that demand a fresh one.

    :raises SecondFactorMissing: the login account has none.
    :raises OtpInvalid: the code is wrong, or was used.
    :raises TooManyAttempts: too many wrong ones.
    """
    check_second_factor(actor.login, otp)
    _mark(actor)


def has_second_factor(account: Account) -> bool:
    return _factor_in_force(account) is not None


def check_second_factor(account: Account, otp: str) -> None:
    """
    Use up one code of an account's second factor, or one of its recovery codes.

    :raises SecondFactorMissing: it has none.
    :raises OtpInvalid: the code is wrong, or was used.
    :raises TooManyAttempts: too many wrong ones.
    """
    factor = _factor_in_force(account)
    if factor is None:
        raise SecondFactorMissing
    with limit_failures(OTPS, account.public_id, failure=OtpInvalid), transaction.atomic():
        _use(factor, otp)


def is_stepped_up(target: Account, *, actor: Actor) -> bool:
    """Whether a session has shown as much as an account demands of those who act as it."""
    if not target.step_up or target.pk == actor.login.pk:
        return True
    oldest = timezone.now() - settings.STEP_UP_LIFETIME
    return actor.second_factor_at is not None and actor.second_factor_at >= oldest


def ensure_stepped_up(target: Account, *, actor: Actor) -> None:
    """:raises StepUpRequired: the account demands a fresh second factor, and the session has shown none."""
    if not is_stepped_up(target, actor=actor):
        raise StepUpRequired(methods=["totp", "recovery_code"] if has_second_factor(actor.login) else [])


def ensure_fresh_second_factor(actor: Actor) -> None:
    """:raises StepUpRequired: who logged in has a second factor, and the session has not shown it lately."""
    oldest = timezone.now() - settings.STEP_UP_LIFETIME
    is_fresh = actor.second_factor_at is not None and actor.second_factor_at >= oldest
    if not is_fresh and has_second_factor(actor.login):
        raise StepUpRequired(methods=["totp", "recovery_code"])


def _factor_in_force(account: Account) -> SecondFactor | None:
    return SecondFactor.objects.filter(account=account, confirmed_at__isnull=False).first()


def _use(factor: SecondFactor, otp: str) -> None:
    plain = otp.replace(" ", "").replace("-", "").upper()
    if len(plain) == RECOVERY_CODE_LENGTH:
        unused = RecoveryCode.objects.filter(factor=factor, digest=_digest(plain), used_at=None)
        if not unused.update(used_at=timezone.now()):
            raise OtpInvalid
    else:
        _use_code(factor, plain)


def _use_code(factor: SecondFactor, otp: str) -> None:
    """One conditional UPDATE: of two log-ins with the same code one is refused."""
    step = _step_of(decrypt(factor.secret), otp.replace(" ", ""), timezone.now())
    if step is None or not SecondFactor.objects.filter(pk=factor.pk, last_step__lt=step).update(last_step=step):
        raise OtpInvalid


def _step_of(secret: str, otp: str, now: datetime) -> int | None:
    """Return the time step a code belongs to, None for a wrong one; every step is compared, right or not."""
    totp, found = pyotp.TOTP(secret, interval=STEP_SECONDS), None
    for drift in range(-STEPS_OF_DRIFT, STEPS_OF_DRIFT + 1):
        at = now + timedelta(seconds=drift * STEP_SECONDS)
        if constant_time_compare(totp.at(at), otp):
            found = totp.timecode(at)
    return found


def _mark(actor: Actor) -> None:
    living = Session.objects.filter(public_id=actor.session_id, ended_at=None)
    if actor.session_id is not None and not living.update(second_factor_at=timezone.now()):
        raise SessionEnded


def _digest(code: str) -> str:
    return salted_hmac("accounts.recovery_codes", code, algorithm="sha256").hexdigest()
