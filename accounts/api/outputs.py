"""The documents that accounts and sessions are shown as."""

from collections.abc import Iterable
from typing import Any

from rest_framework import serializers

from accounts.actor import Actor
from accounts.models import Account, Session
from accounts.references import AccountRefDocument, account_ref
from accounts.selectors import linked_accounts
from accounts.services.switching import Switched


class AccountDocument(serializers.Serializer):
    id = serializers.CharField()
    username = serializers.CharField()
    kind = serializers.ChoiceField(Account.Kind.values)
    side = serializers.ChoiceField(Account.Side.values, allow_null=True, help_text="Null for operators.")
    name = serializers.CharField(help_text="Shown to others.")
    email = serializers.CharField(help_text="Shown to the account itself only; empty where none was given.")
    referral_code = serializers.CharField(help_text="To be given by others when they register.")
    step_up = serializers.BooleanField(help_text="Linked accounts need a fresh second factor to act as this one.")


class SessionDocument(serializers.Serializer):
    id = serializers.CharField()
    login_account = AccountRefDocument(help_text="Who logged in.")
    acting_account = AccountRefDocument(help_text="Whose rights the session has.")
    linked_accounts = AccountRefDocument(many=True, help_text="Whom the login account may switch to.")
    expires_at = serializers.DateTimeField()
    reason = serializers.CharField(
        allow_null=True, help_text="Why an operator, who is then the login account, acts as this one; else null."
    )


class SessionListed(SessionDocument):
    current = serializers.BooleanField(help_text="The session that asks.")
    device = serializers.CharField(help_text="What the client calls itself.")
    created_at = serializers.DateTimeField()
    last_seen_at = serializers.DateTimeField(help_text="To the nearest few minutes.")


class LoggedIn(serializers.Serializer):
    token = serializers.CharField(help_text="Shown once; kept as a digest only.")
    session = SessionDocument()


class CarriedLine(serializers.Serializer):
    item = serializers.CharField()
    quantity = serializers.IntegerField(help_text="How many were moved; the other cart may hold more of it.")


class SwitchedDocument(LoggedIn):
    carried = CarriedLine(many=True, required=False, help_text="What was moved, where `carry_cart` was asked for.")


def account_document(account: Account) -> dict[str, Any]:
    return {
        "id": account.public_id,
        "username": account.username,
        "kind": account.kind,
        "side": account.side or None,
        "name": account.name,
        "email": account.email,
        "referral_code": account.referral_code,
        "step_up": account.step_up,
    }


def session_document(session: Session) -> dict[str, Any]:
    return {
        "id": session.public_id,
        "login_account": account_ref(session.login_account),
        "acting_account": account_ref(session.acting_account),
        "linked_accounts": [account_ref(linked) for linked in linked_accounts(session.login_account)],
        "expires_at": session.expires_at,
        "reason": session.reason or None,
    }


def switched_document(switched: Switched) -> dict[str, Any]:
    document = {"token": switched.token, "session": session_document(switched.session)}
    return document if switched.carried is None else document | {"carried": switched.carried}


def session_documents(sessions: Iterable[Session], actor: Actor) -> list[dict[str, Any]]:
    return [
        {
            **session_document(session),
            "current": session.public_id == actor.session_id,
            "device": session.device,
            "created_at": session.created_at,
            "last_seen_at": session.last_seen_at,
        }
        for session in sessions
    ]
