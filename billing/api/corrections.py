"""Looking back and putting right over HTTP: replay, repair, reversal."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.callers import actor_of
from accounts.references import AccountRefDocument, account_ref
from billing import errors
from billing.api.views import OPERATORS, find_rule_set
from billing.models import JournalReversal
from billing.selectors import get_journal
from billing.services import repairing, replaying, reversing
from core import clock
from core.api.fields import Input, MomentField, TextField
from core.api.jobs import ACCEPTED, JobAccepted, job_accepted
from core.api.schema import refuses
from core.api.views import ApiView
from core.ids import encode_key

REASON_LENGTH_MAX = 500


class ReplayRuleSet(ApiView):
    """POST /api/v1/billing/rule-sets/<id>/replay"""

    audience = OPERATORS

    class Input(Input):
        since = MomentField(help_text="Happened then or later.")
        until = MomentField(help_text="Happened before then.")

    @extend_schema(
        summary="Replay a version over history",
        description="The job's result: `{events, changed, accounts: [{code, currency, before, after, difference}], "
        "accounts_left_out, refused: [{reason, count}], waiting}`.",
        request=Input,
        responses={202: JobAccepted},
        examples=[ACCEPTED],
    )
    @refuses(errors.PeriodInvalid)
    def post(self, request: Request, rule_set_id: str) -> Response:
        rule_set = find_rule_set(rule_set_id)
        period = self.checked_body()
        return job_accepted(replaying.request_replay(rule_set=rule_set, actor=actor_of(request), **period))


class RepairRuleSet(ApiView):
    """POST /api/v1/billing/rule-sets/<id>/repair"""

    audience = OPERATORS

    class Input(ReplayRuleSet.Input):
        reason = TextField(max_length=REASON_LENGTH_MAX)

    @extend_schema(
        summary="Book the past as a version books it",
        description="The job's result: `{events, repaired, skipped: [{reason, count}]}`.",
        request=Input,
        responses={202: JobAccepted},
        examples=[ACCEPTED],
    )
    @refuses(errors.PeriodInvalid, errors.RuleSetNotActivated)
    def post(self, request: Request, rule_set_id: str) -> Response:
        rule_set = find_rule_set(rule_set_id)
        asked = self.checked_body()
        return job_accepted(repairing.request_repair(rule_set=rule_set, actor=actor_of(request), **asked))


class ReversalDocument(serializers.Serializer):
    journal = serializers.CharField()
    status = serializers.ChoiceField(JournalReversal.Status.values)
    reason = serializers.CharField()
    requested_by = AccountRefDocument(allow_null=True)
    approved_by = AccountRefDocument(allow_null=True)
    reversal = serializers.CharField(allow_null=True, help_text="The journal that takes it back, once approved.")


def reversal_document(wish: JournalReversal) -> dict[str, Any]:
    return {
        "journal": encode_key("jrn", wish.journal_id),
        "status": wish.status,
        "reason": wish.reason,
        "requested_by": account_ref(wish.requested_by),
        "approved_by": account_ref(wish.approved_by),
        "reversal": None if wish.event_id is None else encode_key("jrn", wish.event_id),
    }


class ReverseJournal(ApiView):
    """POST /api/v1/ledger/journals/<id>/reverse"""

    audience = OPERATORS

    class Input(Input):
        reason = TextField(max_length=REASON_LENGTH_MAX)

    @extend_schema(summary="Ask for a journal to be taken back", request=Input, responses={202: ReversalDocument})
    @refuses(
        errors.JournalAlreadyReversed, errors.JournalNotReversible, errors.JournalTakenBack, errors.ReversalRequested
    )
    def post(self, request: Request, journal_id: str) -> Response:
        get_journal(journal_id)
        reason = self.checked_body()["reason"]
        wish = reversing.request_reversal(journal=journal_id, reason=reason, actor=actor_of(request), now=clock.now())
        return Response(reversal_document(wish), status=202)


class ApproveReversal(ApiView):
    """POST /api/v1/ledger/journals/<id>/approve"""

    audience = OPERATORS

    @extend_schema(summary="Approve a reversal", request=None, responses={202: ReversalDocument})
    @refuses(
        errors.SecondPersonRequired,
        errors.JournalAlreadyReversed,
        errors.JournalNotReversible,
        errors.JournalTakenBack,
        errors.ReversalNotRequested,
    )
    def post(self, request: Request, journal_id: str) -> Response:
        get_journal(journal_id)
        self.checked_body()
        wish = reversing.approve_reversal(journal=journal_id, actor=actor_of(request), now=clock.now())
        return Response(reversal_document(wish), status=202)
