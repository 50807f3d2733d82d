"""What billing looks like from outside."""

from collections.abc import Iterator, Sequence
from typing import Any

from rest_framework import serializers

from accounts.references import AccountRefDocument, account_ref
from billing.coverage import Coverage
from billing.event_types import TypeSpec
from billing.models import RuleSet, ServiceKey
from billing.selectors import EventState, Explanation, JournalView, states_of
from billing.subjects import shown_subject
from billing.types import all_types
from core.ids import encode_key
from events.models import EventRecord
from ledger.models import Batch
from ledger.seals import hashes_of_batches

# --- Documents, as the schema shows them -----------------------------------------------------


class EventAccepted(serializers.Serializer):
    id = serializers.CharField()
    status = serializers.ChoiceField(["pending", "booked", "unposted"])


class EventDocument(EventAccepted):
    type = serializers.CharField()
    key = serializers.CharField()
    subject = serializers.CharField()
    parameters = serializers.DictField(child=serializers.CharField())
    parties = serializers.DictField(child=serializers.CharField())
    amounts = serializers.DictField(child=serializers.IntegerField())
    currency = serializers.CharField()
    occurred_at = serializers.DateTimeField()
    recorded_at = serializers.DateTimeField()
    reason = serializers.CharField(allow_null=True, help_text="no_rule, insufficient_cover, same_account …")
    detail = serializers.CharField(allow_null=True)
    journal = serializers.CharField(allow_null=True)


class PartyDocument(serializers.Serializer):
    name = serializers.CharField()

    def get_fields(self) -> dict[str, serializers.Field]:
        """`is` is a word of Python's own."""
        return super().get_fields() | {"is": serializers.ChoiceField(["account", "ledger"])}


class AmountDocument(serializers.Serializer):
    name = serializers.CharField()
    part_of = serializers.CharField(required=False)


class EventTypeDocument(serializers.Serializer):
    type = serializers.CharField()
    parties = PartyDocument(many=True)
    amounts = AmountDocument(many=True)
    parameters = serializers.ListField(child=serializers.CharField())
    external = serializers.BooleanField()
    built_in = serializers.BooleanField()


class EventTypePage(serializers.Serializer):
    results = EventTypeDocument(many=True)
    next = serializers.CharField(allow_null=True, help_text="Always null: the list is short.")


class RuleSetDocument(serializers.Serializer):
    id = serializers.CharField()
    name = serializers.CharField()
    version = serializers.IntegerField()
    status = serializers.ChoiceField(RuleSet.Status.choices)
    effective_from = serializers.DateTimeField(allow_null=True, help_text="null: since ever, or not active yet.")
    created_by = AccountRefDocument(allow_null=True)
    activated_by = AccountRefDocument(allow_null=True)
    document = serializers.DictField()


class ProblemDocument(serializers.Serializer):
    code = serializers.CharField()
    type = serializers.CharField()
    rule = serializers.CharField()
    detail = serializers.CharField()
    path = serializers.CharField(help_text="Where in the document, such as types.order.paid.1.transfers.0.amount.")
    line = serializers.IntegerField(help_text="The line of that in `text`, from 1.")


class CheckDocument(serializers.Serializer):
    ok = serializers.BooleanField()
    problems = ProblemDocument(many=True)
    text = serializers.CharField(help_text="The document as the house writes it; the lines of problems are its lines.")


class CoveredDocument(serializers.Serializer):
    type = serializers.CharField()
    configuration = serializers.DictField(
        child=serializers.CharField(), help_text="The parameters by which the type's rules tell events apart."
    )
    state = serializers.ChoiceField(["covered", "ambiguous", "dead", "unposted"])
    count = serializers.IntegerField(help_text="Booked events; where it is unposted, those that are set aside.")
    oldest = serializers.DateTimeField(allow_null=True, help_text="The earliest `occurred_at` of those.")
    rule = serializers.CharField(allow_null=True, help_text="The rule that books them.")
    reasons = serializers.DictField(child=serializers.IntegerField(), help_text="Why they are unposted, and how often.")


class CoverageDocument(serializers.Serializer):
    rule_set = serializers.CharField(help_text="The version that is reported on.")
    types = CoveredDocument(many=True)
    complete = serializers.BooleanField(help_text="False where the report was cut at 1000 rows.")


class ServiceKeyDocument(serializers.Serializer):
    id = serializers.CharField()
    name = serializers.CharField()
    types = serializers.ListField(child=serializers.CharField())
    daily_limit = serializers.DictField(allow_null=True)
    created_at = serializers.DateTimeField()
    revoked_at = serializers.DateTimeField(allow_null=True)


class ServiceKeyShownOnce(ServiceKeyDocument):
    key = serializers.CharField(help_text="Shown once.")


class BatchDocument(serializers.Serializer):
    id = serializers.CharField()
    trigger = serializers.ChoiceField(["period", "accounts", "transfers", "manual"])
    events = serializers.IntegerField()
    transfers = serializers.IntegerField()
    accounts = serializers.IntegerField()
    opened_at = serializers.DateTimeField()
    booked_at = serializers.DateTimeField()
    seal = serializers.CharField(allow_null=True, help_text="The hash that chains it; null until it is sealed.")


class TransferDocument(serializers.Serializer):
    id = serializers.CharField()
    debit = serializers.CharField()
    credit = serializers.CharField()
    amount = serializers.IntegerField()
    currency = serializers.CharField()


class JournalDocument(serializers.Serializer):
    id = serializers.CharField()
    event = serializers.CharField()
    rule_set = serializers.CharField()
    rule = serializers.CharField()
    batch = serializers.CharField()
    effective_at = serializers.DateTimeField()
    booked_at = serializers.DateTimeField()
    reverses = serializers.CharField(allow_null=True)
    reversed_by = serializers.CharField(allow_null=True, help_text="The journal that takes this one back.")
    stands_for = serializers.CharField(allow_null=True, help_text="The event of the past that a repair booked again.")
    transfers = TransferDocument(many=True)


class NearMiss(serializers.Serializer):
    rule = serializers.CharField()
    why_not = serializers.CharField()


class DecidingVersion(serializers.Serializer):
    id = serializers.CharField()
    name = serializers.CharField()
    version = serializers.IntegerField()
    because = serializers.ChoiceField(
        ["in_force", "retry", "undone", "journal.reversed", "journal.rebooked"],
        help_text="Why this version: in force when it happened, or at the retry; the one that booked what this "
        "event takes back; that of the journal which a correction takes back, or books anew.",
    )


class Corrects(serializers.Serializer):
    event = serializers.CharField(help_text="The event of the past.")
    journal = serializers.CharField(help_text="The journal that was taken back.")
    reason = serializers.CharField()


class ExplanationDocument(serializers.Serializer):
    event = serializers.CharField()
    parameters = serializers.DictField(child=serializers.CharField())
    path = serializers.ListField(help_text="[type, configuration, rule]; of a correction, those of what it corrects")
    rule_set = DecidingVersion()
    retried = serializers.BooleanField(help_text="Booked by the version at a retry.")
    corrects = Corrects(allow_null=True)
    near_misses = NearMiss(many=True)
    batch = serializers.DictField()


# --- Making them -----------------------------------------------------------------------------


def event_documents(events: Sequence[EventRecord]) -> Iterator[dict[str, Any]]:
    types = all_types()
    for state in states_of(events):
        yield _event_document(state, types[state.event.type])


def _event_document(state: EventState, spec: TypeSpec) -> dict[str, Any]:
    event = state.event
    booked = state.status == "booked"
    return {
        "id": event.public_id,
        "type": event.type,
        "key": state.external_key or event.key,
        "subject": shown_subject(event_id=event.pk, key=event.key, subject=event.subject),
        "parameters": parameters_of(event, spec),
        "parties": {party.name: event.payload.get(party.name) for party in spec.parties},
        "amounts": {amount.name: event.payload.get(f"{amount.name}_minor") or 0 for amount in spec.amounts},
        "currency": event.payload["currency"],
        "occurred_at": event.occurred_at,
        "recorded_at": event.recorded_at,
        "status": state.status,
        "reason": state.reason,
        "detail": state.detail,
        "journal": encode_key("jrn", event.pk) if booked else None,
    }


def parameters_of(event: EventRecord, spec: TypeSpec) -> dict[str, str]:
    return {name: event.payload[name] for name in spec.parameters if event.payload.get(name) is not None}


def event_type_document(spec: TypeSpec) -> dict[str, Any]:
    return {
        "type": spec.type,
        "parties": [{"name": party.name, "is": "ledger" if party.is_ledger else "account"} for party in spec.parties],
        "amounts": [{"name": a.name, "part_of": a.part_of} if a.part_of else {"name": a.name} for a in spec.amounts],
        "parameters": list(spec.parameters),
        "external": spec.external,
        "built_in": spec.built_in,
    }


def rule_set_documents(rule_sets: Sequence[RuleSet]) -> Iterator[dict[str, Any]]:
    for rule_set in rule_sets:
        yield {
            "id": rule_set.public_id,
            "name": rule_set.name,
            "version": rule_set.version,
            "status": rule_set.status,
            "effective_from": rule_set.effective_from,
            "created_by": account_ref(rule_set.created_by),
            "activated_by": account_ref(rule_set.activated_by),
            "document": rule_set.document,
        }


def coverage_document(found: Coverage) -> dict[str, Any]:
    rows = [
        {
            "type": row.type,
            "configuration": row.configuration,
            "state": row.state,
            "count": row.count,
            "oldest": row.oldest,
            "rule": row.rule,
            "reasons": row.reasons,
        }
        for row in found.rows
    ]
    return {"rule_set": found.rule_set.public_id, "types": rows, "complete": found.complete}


def service_key_documents(keys: Sequence[ServiceKey]) -> Iterator[dict[str, Any]]:
    for key in keys:
        limit = {"amount": key.daily_limit_minor, "currency": key.daily_limit_currency}
        yield {
            "id": key.public_id,
            "name": key.name,
            "types": key.types,
            "daily_limit": None if key.daily_limit_minor is None else limit,
            "created_at": key.created_at,
            "revoked_at": key.revoked_at,
        }


def batch_documents(batches: Sequence[Batch]) -> Iterator[dict[str, Any]]:
    seals = hashes_of_batches([batch.id for batch in batches])
    for batch in batches:
        yield {
            "id": batch.public_id,
            "trigger": batch.trigger,
            "events": batch.events_count,
            "transfers": batch.transfers_count,
            "accounts": batch.accounts_count,
            "opened_at": batch.opened_at,
            "booked_at": batch.booked_at,
            "seal": seals.get(batch.id),
        }


def journal_document(view: JournalView) -> dict[str, Any]:
    journal = view.journal
    return {
        "id": journal.public_id,
        "event": encode_key("evt", journal.event_id),
        "rule_set": view.rule_set.public_id,
        "rule": journal.rule,
        "batch": view.batch.public_id,
        "effective_at": journal.effective_at,
        "booked_at": view.batch.booked_at,
        "reverses": encode_key("jrn", journal.reverses_id) if journal.reverses_id is not None else None,
        "reversed_by": encode_key("jrn", view.reversed_by_id) if view.reversed_by_id is not None else None,
        "stands_for": encode_key("evt", view.stands_for_id) if view.stands_for_id is not None else None,
        "transfers": [
            {
                "id": transfer.public_id,
                "debit": view.codes[transfer.debit_id],
                "credit": view.codes[transfer.credit_id],
                "amount": transfer.amount_minor,
                "currency": transfer.currency,
            }
            for transfer in view.transfers
        ],
    }


def explanation_document(found: Explanation) -> dict[str, Any]:
    spec = all_types()[found.decided.type]
    version = found.rule_set
    return {
        "event": found.event.public_id,
        "parameters": parameters_of(found.decided, spec),
        "path": [found.decided.type, dict(found.rule.match), found.rule.name],
        "rule_set": {
            "id": version.public_id,
            "name": version.name,
            "version": version.version,
            "because": found.because,
        },
        "retried": found.retried,
        "corrects": found.corrects,
        "near_misses": [{"rule": rule, "why_not": why_not} for rule, why_not in found.near_misses],
        "batch": {"id": found.batch.public_id, "trigger": found.batch.trigger},
    }
