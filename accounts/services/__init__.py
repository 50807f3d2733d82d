"""What people do with their accounts; one function per use case."""

from accounts.services.identities import bind_identity, unbind_identity
from accounts.services.linking import (
    Invited,
    accept_terms,
    end_link,
    invite,
    link_accounts,
    preview_invitation,
    propose_terms,
    withdraw_invitation,
)
from accounts.services.own_accounts import (
    change_password,
    check_credentials,
    deactivate_account,
    ensure_own_login,
    log_in,
    reactivate_account,
    register_account,
    replace_password,
    update_account,
)
from accounts.services.spending import ensure_lets_spend, give_back, spend_through_link
from accounts.services.switching import act_as, switch_session

__all__ = [
    "Invited",
    "accept_terms",
    "act_as",
    "bind_identity",
    "change_password",
    "check_credentials",
    "deactivate_account",
    "end_link",
    "ensure_lets_spend",
    "ensure_own_login",
    "give_back",
    "invite",
    "link_accounts",
    "log_in",
    "preview_invitation",
    "propose_terms",
    "reactivate_account",
    "register_account",
    "replace_password",
    "spend_through_link",
    "switch_session",
    "unbind_identity",
    "update_account",
    "withdraw_invitation",
]
