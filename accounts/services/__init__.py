"""What people do with their accounts; one function per use case."""

from accounts.services.by_mail import (
    find_forgetful,
    find_verifying,
    request_email_verification,
    request_password_reset,
    reset_password,
    verify_email,
)
from accounts.services.closing import close_account, erase_account, hold_open, purge_mirrored
from accounts.services.identities import bind_identity, unbind_identity
from accounts.services.linking import (
    Invited,
    accept_terms,
    end_link,
    end_link_for_sides,
    invite,
    link_accounts,
    preview_invitation,
    propose_terms,
    withdraw_invitation,
)
from accounts.services.logging_in import check_credentials, check_otp, log_in
from accounts.services.own_accounts import (
    change_password,
    deactivate_account,
    reactivate_account,
    register_account,
    replace_password,
    update_account,
)
from accounts.services.own_login import ensure_own_login
from accounts.services.second_factors import (
    confirm_second_factor,
    enrol,
    ensure_fresh_second_factor,
    has_second_factor,
    is_stepped_up,
    remove_second_factor,
    step_up,
)
from accounts.services.spending import ensure_lets_spend, give_back, owners_who_let_spend, spend_through_link
from accounts.services.standing_in import stand_in
from accounts.services.switching import act_as, switch_session

__all__ = [
    "Invited",
    "accept_terms",
    "act_as",
    "bind_identity",
    "change_password",
    "check_credentials",
    "check_otp",
    "close_account",
    "confirm_second_factor",
    "deactivate_account",
    "end_link",
    "end_link_for_sides",
    "enrol",
    "ensure_fresh_second_factor",
    "ensure_lets_spend",
    "ensure_own_login",
    "erase_account",
    "find_forgetful",
    "find_verifying",
    "give_back",
    "has_second_factor",
    "hold_open",
    "invite",
    "is_stepped_up",
    "link_accounts",
    "log_in",
    "owners_who_let_spend",
    "preview_invitation",
    "propose_terms",
    "purge_mirrored",
    "reactivate_account",
    "register_account",
    "remove_second_factor",
    "replace_password",
    "request_email_verification",
    "request_password_reset",
    "reset_password",
    "spend_through_link",
    "stand_in",
    "step_up",
    "switch_session",
    "unbind_identity",
    "update_account",
    "verify_email",
    "withdraw_invitation",
]
