"""What wallets look like from outside."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from rest_framework import serializers

from core.ids import encode_key
from wallets.models import DebtRepayment, Earning, ProviderPayment, TopUp, Withdrawal
from wallets.selectors import StatementRow, WalletBalance

STATEMENT_COLUMNS = (
    "transfer",
    "event_type",
    "subject",
    "amount",
    "currency",
    "balance_after",
    "effective_at",
    "booked_at",
)
EARNINGS_COLUMNS = ("order", "role", "original", "amount", "currency", "status", "releases_at", "why")


class BalanceDocument(serializers.Serializer):
    currency = serializers.CharField()
    posted = serializers.IntegerField(help_text="Booked in the wallet.")
    held = serializers.IntegerField(help_text="Of that, promised to payments and withdrawals that wait for booking.")
    available = serializers.IntegerField(help_text="What can be spent now: posted less held.")
    pending = serializers.IntegerField(help_text="Earnings in their hold period.")
    debt = serializers.IntegerField(help_text="Owed to the platform; later earnings repay it first.")
    not_yet_booked = serializers.IntegerField(
        help_text="Net of own top-ups, refunds, withdrawals and releases that are decided and not yet in `posted`."
    )


class WalletDocument(serializers.Serializer):
    balances = BalanceDocument(many=True)


class ProviderPaymentDocument(serializers.Serializer):
    id = serializers.CharField()
    status = serializers.ChoiceField(choices=ProviderPayment.Status.choices)
    amount = serializers.IntegerField()
    currency = serializers.CharField()
    provider = serializers.CharField()
    failure = serializers.CharField(allow_null=True, help_text="Why the provider refused.")
    requested_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)


class TopUpDocument(ProviderPaymentDocument):
    client_secret = serializers.CharField(
        allow_null=True, help_text="While in progress, where the payer has to go on in the provider's own form."
    )


class WithdrawalDocument(ProviderPaymentDocument):
    refund = serializers.CharField(
        allow_null=True, help_text="Where it is a refund's money on its way back to whoever was charged."
    )
    payout_target = serializers.CharField(allow_null=True, help_text="Where its owner wanted it to go.")


class DebtRepaymentDocument(serializers.Serializer):
    amount = serializers.IntegerField()
    currency = serializers.CharField()
    debt = serializers.IntegerField(help_text="What is still owed in this currency.")


class StatementRowDocument(serializers.Serializer):
    transfer = serializers.CharField()
    event_type = serializers.CharField()
    subject = serializers.CharField(help_text="The order, top-up or withdrawal that it belongs to.")
    amount = serializers.IntegerField(help_text="Signed: money in is positive.")
    currency = serializers.CharField()
    balance_after = serializers.IntegerField()
    effective_at = serializers.DateTimeField(help_text="When it happened.")
    booked_at = serializers.DateTimeField(help_text="When it was booked; the list's order.")


class EarningDocument(serializers.Serializer):
    order = serializers.CharField()
    role = serializers.CharField()
    original = serializers.IntegerField(help_text="The part at payment.")
    amount = serializers.IntegerField(help_text="What refunds left of it.")
    currency = serializers.CharField()
    status = serializers.ChoiceField(choices=Earning.Status.choices)
    releases_at = serializers.DateTimeField(allow_null=True, help_text="Null until the order is completed.")
    why = serializers.CharField()


def wallet_document(balances: Iterable[WalletBalance]) -> dict[str, Any]:
    return {
        "balances": [
            {
                "currency": balance.currency,
                "posted": balance.posted_minor,
                "held": balance.held_minor,
                "available": balance.available_minor,
                "pending": balance.pending_minor,
                "debt": balance.debt_minor,
                "not_yet_booked": balance.not_yet_booked_minor,
            }
            for balance in balances
        ]
    }


def payment_document(payment: ProviderPayment) -> dict[str, Any]:
    return {
        "id": payment.public_id,
        "status": payment.status,
        "amount": payment.amount_minor,
        "currency": payment.currency,
        "provider": payment.provider,
        "failure": payment.failure or None,
        "requested_at": payment.requested_at,
        "finished_at": payment.finished_at,
    }


def top_up_document(top_up: TopUp) -> dict[str, Any]:
    return {**payment_document(top_up), "client_secret": top_up.client_secret or None}


def withdrawal_document(withdrawal: Withdrawal) -> dict[str, Any]:
    target = withdrawal.payout_target
    return {
        **payment_document(withdrawal),
        "refund": withdrawal.refund or None,
        "payout_target": target.public_id if target else None,
    }


def repayment_document(repayments: Sequence[DebtRepayment], still_owed_minor: int) -> dict[str, Any]:
    return {
        "amount": sum(repayment.amount_minor for repayment in repayments),
        "currency": repayments[0].debt.currency,
        "debt": still_owed_minor,
    }


def statement_documents(rows: Iterable[StatementRow]) -> Iterator[dict[str, Any]]:
    for row in rows:
        line = row.line
        yield {
            "transfer": encode_key("trf", line.transfer_id),
            "event_type": row.event_type,
            "subject": row.subject,
            "amount": line.amount_minor,
            "currency": line.currency,
            "balance_after": line.balance_after_minor,
            "effective_at": line.effective_at,
            "booked_at": line.booked_at,
        }


def earning_documents(earnings: Iterable[Earning]) -> Iterator[dict[str, Any]]:
    for earning in earnings:
        yield {
            "order": earning.order,
            "role": earning.role,
            "original": earning.original_minor,
            "amount": earning.amount_minor,
            "currency": earning.currency,
            "status": earning.status,
            "releases_at": earning.releases_at,
            "why": earning.why,
        }
