"""Operators, and payment servers with a key, over HTTP."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.callers import actor_of
from billing import errors, selectors
from billing.api import examples, outputs
from billing.api.authentication import ServiceCaller
from billing.coverage import coverage
from billing.document_text import write_document
from billing.documents import RuleSetInput
from billing.models import RuleSet, ServiceKey
from billing.services import event_types, external_events, rule_sets, service_keys
from billing.types import all_types, spec_of
from core import clock
from core.api.fields import CurrencyField, FlagField, Input, MinorUnitsField, MomentField, MoneyInput, TextField
from core.api.lists import ListView
from core.api.schema import refuses
from core.api.views import ApiView
from core.errors import NotFound
from ledger.models import Batch

OPERATORS = {"*": frozenset({"operator"})}
KEY_LENGTH_MAX = 120
NAME_LENGTH_MAX = 80
LIST_LENGTH_MAX = 100


class PartyInput(Input):
    name = TextField(max_length=40)

    def get_fields(self) -> dict[str, serializers.Field]:
        """`is` is a word of Python's own."""
        return super().get_fields() | {"is": serializers.ChoiceField(["account", "ledger"])}


class AmountInput(Input):
    name = TextField(max_length=40)
    part_of = TextField(max_length=40, required=False, allow_null=True)


class EventTypes(ApiView):
    """GET, POST /api/v1/billing/event-types"""

    audience = OPERATORS

    class Input(Input):
        type = TextField(max_length=NAME_LENGTH_MAX)
        parties = serializers.ListField(child=PartyInput(), max_length=20)
        amounts = serializers.ListField(child=AmountInput(), min_length=1, max_length=20)
        parameters = serializers.ListField(child=TextField(max_length=40), required=False, max_length=20)
        external = FlagField(required=False)

    @extend_schema(summary="Declared event types", responses=outputs.EventTypePage)
    def get(self, request: Request) -> Response:
        return Response({"results": [outputs.event_type_document(t) for t in all_types().values()], "next": None})

    @extend_schema(
        summary="Declare an event type of one's own",
        request=Input,
        responses={201: outputs.EventTypeDocument},
        examples=[examples.EVENT_TYPE],
    )
    @refuses(errors.TypeExists, errors.TypeDocumentInvalid)
    def post(self, request: Request) -> Response:
        body = self.checked_body()
        declared = event_types.declare_event_type(
            type_=body["type"],
            parties=body["parties"],
            amounts=body["amounts"],
            parameters=body.get("parameters", []),
            external=body.get("external", True),
            actor=actor_of(request),
        )
        return self.created(outputs.event_type_document(spec_of(declared)))


class Events(ListView):
    """GET, POST /api/v1/billing/events"""

    audience = {"POST": frozenset({"operator", "service"}), "*": frozenset({"operator"})}
    keyed = frozenset({"POST"})

    class Query(Input):
        status = serializers.ChoiceField(["pending", "booked", "unposted"], required=False)

    class Input(Input):
        type = TextField(max_length=NAME_LENGTH_MAX)
        key = TextField(max_length=KEY_LENGTH_MAX)
        parameters = serializers.DictField(child=TextField(max_length=120), required=False)
        parties = serializers.DictField(child=TextField(max_length=80))
        amounts = serializers.DictField(child=MinorUnitsField(least=0))
        currency = CurrencyField()
        occurred_at = MomentField()
        subject = TextField(max_length=50, required=False)

    @extend_schema(summary="Money events and what became of them", responses=outputs.EventDocument(many=True))
    def get(self, request: Request) -> Any:
        return self.answer_list(selectors.money_events(self.checked_query().get("status")), outputs.event_documents)

    @extend_schema(
        summary="Hand in a money event from outside",
        request=Input,
        responses={202: outputs.EventAccepted},
        examples=[examples.EXTERNAL_EVENT],
    )
    @refuses(
        errors.EventTypeInternal,
        errors.UnknownEventType,
        errors.UnknownParameter,
        errors.CurrencyContradicted,
        errors.BadParty,
        errors.BadAmounts,
        errors.OccurredInFuture,
        errors.OperatorLimitExceeded,
        errors.DailyLimitExceeded,
        external_events.KeyReused,
    )
    def post(self, request: Request) -> Response:
        body = self.checked_body()
        body.setdefault("parameters", {})
        sender = request.auth.key if isinstance(request.auth, ServiceCaller) else actor_of(request).acting
        public_id = external_events.submit_event(
            submission=external_events.Submission(**body), sender=sender, now=clock.now()
        )
        state = selectors.states_of([selectors.get_event(public_id)])[0]
        return Response({"id": public_id, "status": state.status}, status=202)


class OneEvent(ApiView):
    """GET /api/v1/billing/events/<id>"""

    audience = OPERATORS

    @extend_schema(summary="One money event", responses=outputs.EventDocument)
    def get(self, request: Request, event_id: str) -> Response:
        return Response(next(outputs.event_documents([selectors.get_event(event_id)])))


class RetryEvent(ApiView):
    """POST /api/v1/billing/events/<id>/retry"""

    audience = OPERATORS

    @extend_schema(summary="Try an unposted event again", request=None, responses=outputs.EventDocument)
    def post(self, request: Request, event_id: str) -> Response:
        event = selectors.get_event(event_id)
        self.checked_body()
        external_events.retry_event(event_id=event.pk)
        return Response(next(outputs.event_documents([event])))


def find_rule_set(public_id: str) -> RuleSet:
    rule_set = RuleSet.objects.select_related("created_by", "activated_by").filter(public_id=public_id).first()
    if rule_set is None:
        raise NotFound
    return rule_set


class RuleSets(ListView):
    """GET, POST /api/v1/billing/rule-sets"""

    audience = OPERATORS
    Input = RuleSetInput

    @extend_schema(summary="Versions of the rules", responses=outputs.RuleSetDocument(many=True))
    def get(self, request: Request) -> Any:
        rows = RuleSet.objects.select_related("created_by", "activated_by")
        return self.answer_list(rows, outputs.rule_set_documents)

    @extend_schema(
        summary="Draft the next version",
        request=RuleSetInput,
        responses={201: outputs.RuleSetDocument},
        examples=[examples.RULE_SET],
    )
    def post(self, request: Request) -> Response:
        drafted = rule_sets.draft_rule_set(document=self.checked_body(), actor=actor_of(request))
        return self.created(next(outputs.rule_set_documents([drafted])))


class OneRuleSet(ApiView):
    """GET /api/v1/billing/rule-sets/<id>"""

    audience = OPERATORS

    @extend_schema(summary="One version of the rules", responses=outputs.RuleSetDocument)
    def get(self, request: Request, rule_set_id: str) -> Response:
        return Response(next(outputs.rule_set_documents([find_rule_set(rule_set_id)])))


class CheckRuleSet(ApiView):
    """POST /api/v1/billing/rule-sets/<id>/check"""

    audience = OPERATORS

    @extend_schema(summary="What keeps a version from being sound", request=None, responses=outputs.CheckDocument)
    def post(self, request: Request, rule_set_id: str) -> Response:
        rule_set = find_rule_set(rule_set_id)
        self.checked_body()
        problems = rule_sets.check_rule_set(rule_set=rule_set)
        documents = [rule_sets.problem_document(problem) for problem in problems]
        text = write_document(rule_set.document).text
        return Response({"ok": not problems, "problems": documents, "text": text})


class ActivateRuleSet(ApiView):
    """POST /api/v1/billing/rule-sets/<id>/activate"""

    audience = OPERATORS

    class Input(Input):
        effective_from = MomentField(required=False, allow_null=True)

    @extend_schema(summary="Put a draft in force", request=Input, responses=outputs.RuleSetDocument)
    @refuses(errors.RuleSetNotDraft, errors.RuleSetNotSound, errors.SecondPersonRequired, errors.EffectiveInPast)
    def post(self, request: Request, rule_set_id: str) -> Response:
        draft = find_rule_set(rule_set_id)
        effective_from = self.checked_body().get("effective_from")
        rule_sets.activate_rule_set(
            rule_set_id=draft.pk, effective_from=effective_from, actor=actor_of(request), now=clock.now()
        )
        return Response(next(outputs.rule_set_documents([find_rule_set(rule_set_id)])))


class CoverageReport(ApiView):
    """GET /api/v1/billing/coverage"""

    audience = OPERATORS

    class Query(Input):
        rule_set = TextField(required=False, max_length=40)

    @extend_schema(summary="Which types and configurations the rules cover", responses=outputs.CoverageDocument)
    @refuses(NotFound)
    def get(self, request: Request) -> Response:
        asked = self.checked_query().get("rule_set")
        return Response(outputs.coverage_document(coverage(find_rule_set(asked) if asked else None)))


class ServiceKeys(ListView):
    """GET, POST /api/v1/service-keys"""

    audience = OPERATORS
    own_login = frozenset({"GET", "POST"})

    class Input(Input):
        name = TextField(max_length=120)
        types = serializers.ListField(
            child=TextField(max_length=NAME_LENGTH_MAX), min_length=1, max_length=LIST_LENGTH_MAX
        )
        daily_limit = MoneyInput(required=False, allow_null=True)

    @extend_schema(summary="Service keys", responses=outputs.ServiceKeyDocument(many=True))
    def get(self, request: Request) -> Any:
        return self.answer_list(ServiceKey.objects.all(), outputs.service_key_documents)

    @extend_schema(
        summary="Make a key for a payment server",
        request=Input,
        responses={201: outputs.ServiceKeyShownOnce},
        examples=[examples.SERVICE_KEY],
    )
    @refuses(errors.UnknownEventType, errors.EventTypeInternal)
    def post(self, request: Request) -> Response:
        body = self.checked_body()
        row, key = service_keys.create_service_key(
            name=body["name"], types=body["types"], daily_limit=body.get("daily_limit"), actor=actor_of(request)
        )
        row.refresh_from_db()
        return self.created({**next(outputs.service_key_documents([row])), "key": key})


class OneServiceKey(ApiView):
    """DELETE /api/v1/service-keys/<id>"""

    audience = OPERATORS
    own_login = frozenset({"DELETE"})

    @extend_schema(summary="Revoke a key", responses={204: None})
    def delete(self, request: Request, key_id: str) -> Response:
        key = ServiceKey.objects.filter(public_id=key_id).first()
        if key is None:
            raise NotFound
        service_keys.revoke_service_key(key=key, now=clock.now())
        return Response(status=204)


class Batches(ListView):
    """GET /api/v1/billing/batches"""

    audience = OPERATORS

    class Query(Input):
        since = MomentField(required=False)

    @extend_schema(summary="Batches", responses=outputs.BatchDocument(many=True))
    def get(self, request: Request) -> Any:
        since = self.checked_query().get("since")
        rows = Batch.objects.filter(booked_at__gte=since) if since else Batch.objects.all()
        return self.answer_list(rows, outputs.batch_documents)


class OneJournal(ApiView):
    """GET /api/v1/ledger/journals/<id>"""

    audience = OPERATORS

    @extend_schema(summary="One journal with its transfers", responses=outputs.JournalDocument)
    def get(self, request: Request, journal_id: str) -> Response:
        return Response(outputs.journal_document(selectors.get_journal(journal_id)))


class ExplainTransfer(ApiView):
    """GET /api/v1/ledger/transfers/<id>/explain"""

    audience = OPERATORS

    @extend_schema(summary="Why a transfer was booked where it was", responses=outputs.ExplanationDocument)
    def get(self, request: Request, transfer_id: str) -> Response:
        return Response(outputs.explanation_document(selectors.explain_transfer(transfer_id)))
