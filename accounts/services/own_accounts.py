"""Registration, and what an account changes about itself."""

from datetime import datetime

from django.contrib.auth.hashers import make_password
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from accounts import sessions
from accounts.actor import Actor
from accounts.errors import PasswordTooWeak, ReferralCodeUnknown, UsernameTaken
from accounts.events import AccountRegistered
from accounts.models import Account
from accounts.services.logging_in import check_credentials
from accounts.services.own_login import ensure_own_login
from core.errors import FieldError
from core.limits import Limit, limit_successes
from events.services import emit

REGISTRATIONS = Limit("registration", "REGISTRATIONS")

_USERNAME_CONSTRAINTS = ("account_username_once", "accounts_account_username_key")


def register_account(
    *,
    username: str,
    password: str | None,
    kind: str,
    side: str,
    name: str,
    email: str = "",
    referral_code: str = "",
    address: str | None = None,
    now: datetime,
) -> Account:
    """
    Make an account that can log in at once, and tell the house.

    `password`: None makes one that nobody can log in to until it is given one (imported histories).
    `address`: where it comes from; so many registrations per address are let through in an hour.
    Who brought it is kept on the row; what follows from that is decided by those who hear the event.

    :raises PasswordTooWeak: the password is short, common, or like the names.
    :raises ReferralCodeUnknown: nobody has this code.
    :raises UsernameTaken: somebody has this name, in whatever case, also if that happened this moment.
    :raises TooManyAttempts: the address has registered enough for now.
    """
    account = Account(username=username, kind=kind, side=side, name=name, email=email)
    if password is not None:
        ensure_strong(password, account)
    account.referred_by = find_referrer(referral_code) if referral_code else None
    account.password = make_password(password)  # Slow on purpose, so outside the transaction.
    if address is None:
        return _save_registered(account, now)
    with limit_successes(REGISTRATIONS, address):
        return _save_registered(account, now)


@transaction.atomic
def _save_registered(account: Account, now: datetime) -> Account:
    try:
        with transaction.atomic():
            account.save(force_insert=True)
    except IntegrityError as refused:
        if _constraint_of(refused) in _USERNAME_CONSTRAINTS:
            raise UsernameTaken(errors=[FieldError("username", UsernameTaken.code, UsernameTaken.message)]) from refused
        raise
    referrer = account.referred_by
    emit(
        AccountRegistered(
            account=account.public_id,
            side=account.side,
            kind=account.kind,
            referral_code=referrer.referral_code if referrer else None,
        ),
        occurred_at=now,
    )
    return account


def change_password(*, old: str, new: str, address: str, actor: Actor) -> None:
    """
    Replace the own password; every other session of the account ends.

    :raises OwnLoginRequired: through a link.
    :raises CredentialsInvalid: the old one is wrong; counts as a wrong log-in.
    :raises PasswordTooWeak: the new one is easy to guess.
    :raises TooManyAttempts: as `log_in`.
    """
    ensure_own_login(actor)
    account = actor.login
    ensure_strong(new, account, field="new")
    check_credentials(account.username, old, address=address)
    replace_password(new=new, actor=actor)


def replace_password(*, new: str, actor: Actor) -> None:
    """Give the own account another password, strong and wanted as the caller has checked; other sessions end."""
    encoded = make_password(new)
    with transaction.atomic():
        Account.objects.filter(pk=actor.login.pk).update(password=encoded)
        sessions.end_sessions(owner=actor.login, keep=actor.session_id)


@transaction.atomic
def deactivate_account(*, account: Account) -> None:
    """Let nobody in any more and end every session, as an operator decides. What the account did stays."""
    Account.objects.filter(pk=account.pk).update(is_active=False)
    sessions.end_sessions(owner=account)


def reactivate_account(*, account: Account) -> None:
    """Let an account that an operator shut out log in again; what its owner has closed stays closed."""
    Account.objects.filter(pk=account.pk, closed_at=None).update(is_active=True)


@transaction.atomic
def update_account(
    *, name: str | None = None, email: str | None = None, step_up: bool | None = None, actor: Actor
) -> Account:
    """
    Change the own name or e-mail address, or whether linked accounts need a fresh second factor to act as
    this one; what is None stays.

    :raises OwnLoginRequired: through a link.
    """
    ensure_own_login(actor)
    account = Account.objects.select_for_update(no_key=True).get(pk=actor.login.pk)
    account.name = account.name if name is None else name
    if email is not None and email != account.email:
        account.email, account.email_verified_at = email, None
    account.step_up = account.step_up if step_up is None else step_up
    account.save(update_fields=["name", "email", "email_verified_at", "step_up"])
    return account


def ensure_strong(password: str, account: Account, *, field: str = "password") -> None:
    """:raises PasswordTooWeak: with every reason there is."""
    try:
        validate_password(password, account)
    except ValidationError as weak:
        raise PasswordTooWeak(
            " ".join(weak.messages), errors=[FieldError(field, PasswordTooWeak.code, m) for m in weak.messages]
        ) from weak


def find_referrer(code: str) -> Account:
    """:raises ReferralCodeUnknown: nobody has this code; case and spaces around it are forgiven."""
    referrer = Account.objects.filter(referral_code=code.strip().upper(), is_active=True).first()
    if referrer is None:
        raise ReferralCodeUnknown(
            errors=[FieldError("referral_code", ReferralCodeUnknown.code, ReferralCodeUnknown.message)]
        )
    return referrer


def _constraint_of(refused: IntegrityError) -> str:
    return getattr(getattr(refused.__cause__, "diag", None), "constraint_name", None) or ""
