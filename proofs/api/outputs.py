"""What a proof looks like from outside."""

from typing import Any

from rest_framework import serializers

from core.ids import encode_key
from proofs.order_money import OrderMoney


class AccountReference(serializers.Serializer):
    id = serializers.CharField()
    name = serializers.CharField()


class ShareDocument(serializers.Serializer):
    party = serializers.CharField(help_text="`others`: everybody whom you do not see, in one row.")
    role = serializers.CharField()
    account = AccountReference(allow_null=True)
    original = serializers.IntegerField(help_text="The part at payment.")
    amount = serializers.IntegerField(help_text="What the party has after reversals.")
    status = serializers.ChoiceField(choices=["pending", "released", "reversed", "held", "escrow"])


class ProofEventDocument(serializers.Serializer):
    id = serializers.CharField()
    type = serializers.CharField()
    occurred_at = serializers.DateTimeField()


class ProofTransferDocument(serializers.Serializer):
    id = serializers.CharField()
    event = serializers.CharField()
    debit = serializers.CharField()
    credit = serializers.CharField()
    amount = serializers.IntegerField()
    currency = serializers.CharField()


class OrderMoneyDocument(serializers.Serializer):
    order = serializers.CharField()
    paid = serializers.IntegerField()
    refunded = serializers.IntegerField()
    currency = serializers.CharField()
    shares = ShareDocument(many=True)
    events = ProofEventDocument(many=True)
    transfers = ProofTransferDocument(many=True)
    balanced = serializers.BooleanField(help_text="The amounts of all parties and what was refunded are what was paid.")
    booked = serializers.BooleanField(help_text="Nothing of this order waits to be booked.")


def money_document(money: OrderMoney) -> dict[str, Any]:
    return {
        "order": money.order.public_id,
        "paid": money.order.paid_minor,
        "refunded": money.order.refunded_minor,
        "currency": money.order.currency,
        "shares": [
            {
                "party": line.party,
                "role": line.role,
                "account": money.names[line.account] if line.account is not None else None,
                "original": line.original_minor,
                "amount": line.amount_minor,
                "status": line.status,
            }
            for line in money.shares
        ],
        "events": [
            {"id": event.public_id, "type": event.type, "occurred_at": event.occurred_at} for event in money.events
        ],
        "transfers": [
            {
                "id": booked.transfer.public_id,
                "event": encode_key("evt", booked.transfer.journal_id),
                "debit": booked.debit,
                "credit": booked.credit,
                "amount": booked.transfer.amount_minor,
                "currency": booked.transfer.currency,
            }
            for booked in money.transfers
        ],
        "balanced": money.balanced,
        "booked": money.booked,
    }
