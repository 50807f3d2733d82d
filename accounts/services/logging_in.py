"""Log-in: a password in bounded tries, and a second factor where there is one."""

from django.contrib.auth.hashers import check_password, make_password
from django.db.models import Value
from django.db.models.functions import Lower
from django.utils import timezone

from accounts import sessions
from accounts.errors import CredentialsInvalid, OtpInvalid, OtpRequired
from accounts.models import Account
from accounts.services.second_factors import check_second_factor, has_second_factor
from core.limits import Limit, limit_failures

LOGINS = Limit("login", "LOGIN_FAILURES")


def log_in(*, username: str, password: str, otp: str = "", address: str, device: str = "") -> sessions.Opened:
    """
    Open a session for whoever knows the password and, where the account has one, shows the second factor.

    :raises CredentialsInvalid: unknown name, wrong password or second factor, closed account: one answer.
    :raises OtpRequired: the password is right, and the account has a second factor.
    :raises TooManyAttempts: too many wrong ones for this account from this address; right ones wait as well.
    """
    account = check_credentials(username, password, address=address)
    shown_at = timezone.now() if check_otp(account, otp) else None
    return sessions.open_session(account=account, device=device, second_factor_at=shown_at)


def check_otp(account: Account, otp: str) -> bool:
    """
    Check the second factor of somebody whose password was right; return whether there is one.

    :raises OtpRequired: there is one, and no code came.
    :raises CredentialsInvalid: the code is wrong, or was used.
    :raises TooManyAttempts: too many wrong ones.
    """
    if not has_second_factor(account):
        return False
    if not otp:
        raise OtpRequired
    try:
        check_second_factor(account, otp)
    except OtpInvalid as wrong:
        raise CredentialsInvalid from wrong
    return True


def check_credentials(username: str, password: str, *, address: str) -> Account:
    """
    Return the account that user name and password belong to; raises as `log_in`.

    Wrong tries are counted per account, not per spelling of its name.
    """
    account = Account.objects.alias(folded=Lower("username")).filter(folded=Lower(Value(username))).first()
    subject = account.public_id if account else username.casefold()
    with limit_failures(LOGINS, subject, address, failure=CredentialsInvalid):
        if not _is_right(account, password):
            raise CredentialsInvalid
    assert account is not None
    return account


def _is_right(account: Account | None, password: str) -> bool:
    """Hash once in any case: the time must not say whether there is such an account."""
    if account is None or not account.has_usable_password():
        make_password(password)
        return False
    return check_password(password, account.password) and account.is_active
