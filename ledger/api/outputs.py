"""What the book looks like from outside."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from rest_framework import serializers

from core.ids import encode_key
from ledger.models import LedgerAccount
from ledger.selectors import Balance, TrialBalance
from ledger.statements import StatementLine


class LedgerAccountDocument(serializers.Serializer):
    code = serializers.CharField()
    currency = serializers.CharField()
    debits = serializers.IntegerField()
    credits = serializers.IntegerField()
    balance = serializers.IntegerField(help_text="Credits less debits.")
    held = serializers.IntegerField(help_text="Reserved by holds at present.")
    as_of = serializers.DateTimeField(allow_null=True)


class LedgerBalanceDocument(LedgerAccountDocument):
    known_at = serializers.DateTimeField(allow_null=True)
    frontier = serializers.DateTimeField(help_text="Answers for a known_at up to here never change again.")


class TrialCurrencyDocument(serializers.Serializer):
    currency = serializers.CharField()
    debits = serializers.IntegerField()
    credits = serializers.IntegerField()
    difference = serializers.IntegerField(help_text="Always 0.")
    accounts = LedgerAccountDocument(many=True)


class TrialBalanceDocument(serializers.Serializer):
    currencies = TrialCurrencyDocument(many=True)
    frontier = serializers.DateTimeField(help_text="Answers for a known_at up to here never change again.")


def balance_document(balance: Balance, as_of: datetime | None = None) -> dict[str, Any]:
    return {
        "code": balance.code,
        "currency": balance.currency,
        "debits": balance.debits_minor,
        "credits": balance.credits_minor,
        "balance": balance.balance_minor,
        "held": balance.held_minor,
        "as_of": as_of,
    }


def present_accounts(accounts: Sequence[LedgerAccount]) -> Iterator[dict[str, Any]]:
    for a in accounts:
        yield balance_document(Balance(a.code, a.currency, a.debits_minor, a.credits_minor, a.held_minor))


def trial_document(trial: Iterable[TrialBalance], frontier: datetime) -> dict[str, Any]:
    currencies = [
        {
            "currency": one.currency,
            "debits": one.debits_minor,
            "credits": one.credits_minor,
            "difference": one.credits_minor - one.debits_minor,
            "accounts": [balance_document(account) for account in one.accounts],
        }
        for one in trial
    ]
    return {"currencies": currencies, "frontier": frontier}


class AccountTransferDocument(serializers.Serializer):
    transfer = serializers.CharField()
    journal = serializers.CharField()
    event = serializers.CharField()
    amount = serializers.IntegerField(help_text="Signed: credits are positive.")
    currency = serializers.CharField()
    balance_after = serializers.IntegerField()
    effective_at = serializers.DateTimeField()
    booked_at = serializers.DateTimeField()


def statement_documents(lines: Iterable[StatementLine]) -> Iterator[dict[str, Any]]:
    for line in lines:
        yield {
            "transfer": encode_key("trf", line.transfer_id),
            "journal": encode_key("jrn", line.event_id),
            "event": encode_key("evt", line.event_id),
            "amount": line.amount_minor,
            "currency": line.currency,
            "balance_after": line.balance_after_minor,
            "effective_at": line.effective_at,
            "booked_at": line.booked_at,
        }
