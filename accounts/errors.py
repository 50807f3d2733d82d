from core.errors import Conflict, Forbidden, NotAuthenticated, NotFound, Unprocessable


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


class SwitchNotAllowed(Forbidden):
    code = "switch_not_allowed"
    message = "You are linked, but the terms do not let you act as that account."


class InvitationInvalid(NotFound):
    """One answer for a wrong, a used, a withdrawn and an expired code."""

    code = "invitation_invalid"
    message = "This code admits nobody (any more)."


class LinkWithItself(Unprocessable):
    code = "link_with_itself"
    message = "This is the account's own code: give it to another account."


class AlreadyLinked(Conflict):
    code = "already_linked"
    message = "These two accounts are linked."


class NothingProposed(Conflict):
    code = "nothing_proposed"
    message = "Nobody has proposed other terms."


class OwnProposal(Conflict):
    code = "own_proposal"
    message = "You proposed these terms; the other side accepts them."


class TermsChanged(Conflict):
    code = "terms_changed"
    message = "The proposal is another one by now: look at it again."


class SpendingCapExceeded(Conflict):
    code = "spending_cap_exceeded"
    message = "The link's terms do not let so much be paid from this wallet."


class IdentityProofInvalid(Unprocessable):
    code = "identity_proof_invalid"
    message = "The provider has not signed this identity for this account, or too long ago."


class IdentityBoundElsewhere(Conflict):
    code = "identity_bound_elsewhere"
    message = "Another account has this identity."


class OtpRequired(NotAuthenticated):
    code = "otp_required"
    message = "This account has a second factor: send its code as `otp`."


class OtpInvalid(Unprocessable):
    code = "otp_invalid"
    message = "This code is wrong, too old, or was used."


class SecondFactorActive(Conflict):
    code = "second_factor_active"
    message = "The account has a second factor: take that away first."


class SecondFactorMissing(Conflict):
    code = "second_factor_missing"
    message = "The account has no second factor."


class StepUpRequired(Forbidden):
    """`methods`: how the session can show a second factor; none where the login account has to enrol one first."""

    code = "step_up_required"
    message = "This account demands a fresh second factor: `POST /session/second-factor` first."


class NotCarried(Conflict):
    code = "not_carried"
    message = "What is to be carried over does not fit there; nothing was switched."


class AccountNotSettled(Conflict):
    """`obstacles`: what is left to settle, as codes."""

    code = "account_not_settled"
    message = "Something is left to settle before the account can close."


class MailTokenInvalid(Unprocessable):
    code = "token_invalid"
    message = "This token is wrong, too old, or was used."


class EmailMissing(Conflict):
    code = "email_missing"
    message = "The account has no e-mail address."


class OwnLoginRequired(Forbidden):
    code = "own_login_required"
    message = "Only the account's own log-in may do that."


class StandInRefused(Forbidden):
    code = "stand_in_refused"
    message = "An operator who stands in for a customer may look, but not do that."


class NotACustomer(Conflict):
    code = "not_a_customer"
    message = "Operators stand in for buyers and sellers whose accounts are open, and for nobody else."


class UsernameTaken(Unprocessable):
    code = "username_taken"
    message = "Somebody has this user name."


class PasswordTooWeak(Unprocessable):
    code = "password_too_weak"
    message = "This password is easy to guess."


class ReferralCodeUnknown(Unprocessable):
    code = "referral_code_unknown"
    message = "Nobody has this referral code."
