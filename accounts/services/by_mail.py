"""What is proven by reading mail: a forgotten password is replaced, an address is verified."""

from datetime import timedelta

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.contrib.auth.tokens import default_token_generator
from django.core import signing
from django.db import transaction
from django.db.models import QuerySet, Value
from django.db.models.functions import Lower
from django.utils import timezone

from accounts import sessions
from accounts.actor import Actor
from accounts.errors import EmailMissing, MailTokenInvalid
from accounts.mails import write_mail
from accounts.models import Account
from accounts.services.own_accounts import ensure_strong
from accounts.services.own_login import ensure_own_login
from core.errors import TooManyAttempts
from core.limits import Limit, limit_successes
from core.pages import page_url

MAILS_OF_ACCOUNT = Limit("mail", "MAILS")
MAILS_OF_ADDRESS = Limit("mail-address", "ADDRESS_MAILS")
VERIFICATION_SALT = "accounts.email_verification"
RESET_PAGE = "portal:password-new"
EMAIL_PAGE = "portal:email-confirm"


def request_password_reset(*, username: str, address: str) -> None:
    """
    Mail a token with which the password can be replaced. Nobody learns whether there is such an account.

    :raises TooManyAttempts: the address has asked for enough for now.
    """
    with limit_successes(MAILS_OF_ADDRESS, address):
        named = Account.objects.alias(folded=Lower("username")).filter(folded=Lower(Value(username)))
        account = named.filter(is_active=True).first()
        if account is None or not account.email:
            return
        try:
            with limit_successes(MAILS_OF_ACCOUNT, account.public_id):
                _mail_reset(account)
        except TooManyAttempts:  # Said to nobody: it would say that there is such an account.
            return


def _mail_reset(account: Account) -> None:
    token = f"{account.public_id}:{default_token_generator.make_token(account)}"
    minutes = settings.PASSWORD_RESET_TIMEOUT // 60
    page = page_url(RESET_PAGE, token)
    write_mail(account, subject="A new password", template="password_reset", token=token, page=page, minutes=minutes)


def find_forgetful(*, token: str) -> Account:
    """
    Return whose password a mailed token can replace; nothing is used up.

    :raises MailTokenInvalid: it is wrong, too old, or was used.
    """
    public_id, _, proof = token.strip().partition(":")
    account = Account.objects.filter(public_id=public_id, is_active=True).first()
    if account is None or not default_token_generator.check_token(account, proof):
        raise MailTokenInvalid
    return account


def reset_password(*, token: str, new: str) -> None:
    """
    Replace a forgotten password; every session of the account ends. A token works once.

    :raises MailTokenInvalid: it is wrong, too old, or was used.
    :raises PasswordTooWeak: the new one is easy to guess.
    """
    account = find_forgetful(token=token)
    ensure_strong(new, account, field="new")
    encoded, known = make_password(new), account.password
    with transaction.atomic():
        if not Account.objects.filter(pk=account.pk, password=known).update(password=encoded):
            raise MailTokenInvalid  # A twin was first: the token is of the old password.
        sessions.end_sessions(owner=account)


def request_email_verification(*, actor: Actor, address: str) -> None:
    """
    Mail a token that proves the own address.

    :raises OwnLoginRequired: through a link.
    :raises EmailMissing: the account has no address.
    :raises TooManyAttempts: the account, or where it asks from, has had enough mails for now.
    """
    ensure_own_login(actor)
    account = actor.login
    if not account.email:
        raise EmailMissing
    with limit_successes(MAILS_OF_ADDRESS, address), limit_successes(MAILS_OF_ACCOUNT, account.public_id):
        token = signing.dumps({"account": account.public_id, "email": account.email}, salt=VERIFICATION_SALT)
        hours = settings.EMAIL_VERIFICATION_LIFETIME // timedelta(hours=1)
        page = page_url(EMAIL_PAGE, token)
        subject, template = "Is this your address?", "email_verification"
        write_mail(account, subject=subject, template=template, token=token, page=page, hours=hours)


def find_verifying(*, token: str) -> Account:
    """
    Return whose address a mailed token proves; nothing is written.

    :raises MailTokenInvalid: it is wrong or too old, or the account has another address by now.
    """
    account = _proven_by(token).first()
    if account is None:
        raise MailTokenInvalid
    return account


def verify_email(*, token: str) -> Account:
    """
    Note that an account's address is proven. Doing it twice is fine.

    :raises MailTokenInvalid: it is wrong or too old, or the account has another address by now.
    """
    _proven_by(token).filter(email_verified_at=None).update(email_verified_at=timezone.now())
    return find_verifying(token=token)


def _proven_by(token: str) -> QuerySet[Account]:
    try:
        said = signing.loads(token.strip(), salt=VERIFICATION_SALT, max_age=settings.EMAIL_VERIFICATION_LIFETIME)
    except signing.BadSignature as wrong:
        raise MailTokenInvalid from wrong
    return Account.objects.filter(public_id=said["account"], email=said["email"], is_active=True)
