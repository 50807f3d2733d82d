"""Accounts, the sessions in which they act, and the links between them."""

from accounts.models.account import REASON_LENGTH_MAX, Account, new_referral_code
from accounts.models.behaviour import Behaviour
from accounts.models.identity import ExternalIdentity
from accounts.models.link import Invitation, InvitationCode, Link, LinkSpending
from accounts.models.second_factor import RecoveryCode, SecondFactor
from accounts.models.session import Session

__all__ = [
    "REASON_LENGTH_MAX",
    "Account",
    "Behaviour",
    "ExternalIdentity",
    "Invitation",
    "InvitationCode",
    "Link",
    "LinkSpending",
    "RecoveryCode",
    "SecondFactor",
    "Session",
    "new_referral_code",
]
