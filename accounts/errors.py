from core.errors import Forbidden, NotAuthenticated, NotFound, Unprocessable


class CredentialsInvalid(NotAuthenticated):
    """One answer for an unknown user name, a wrong password and a closed account."""

    code = "credentials_invalid"
    message = "User name and password do not belong together."


class SessionEnded(NotAuthenticated):
    code = "session_ended"
    message = "This session has ended; log in again."


class AccountNotLinked(NotFound):
    code = "account_not_linked"
    message = "You are not linked with such an account."


class OwnLoginRequired(Forbidden):
    code = "own_login_required"
    message = "Only the account's own log-in may do that."


class UsernameTaken(Unprocessable):
    code = "username_taken"
    message = "Somebody has this user name."


class PasswordTooWeak(Unprocessable):
    code = "password_too_weak"
    message = "This password is easy to guess."


class ReferralCodeUnknown(Unprocessable):
    code = "referral_code_unknown"
    message = "Nobody has this referral code."
