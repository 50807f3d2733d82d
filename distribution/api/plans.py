"""Commission plans over HTTP, for operators: drafts, their check, activation, and what they would have given."""

from collections.abc import Iterator, Sequence
from typing import Any

from django.urls import path
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.callers import actor_of
from accounts.references import AccountRefDocument, account_ref
from billing.errors import EffectiveInPast, PeriodInvalid, SecondPersonRequired
from core import clock
from core.api.fields import Input, MomentField
from core.api.jobs import ACCEPTED, JobAccepted, job_accepted
from core.api.lists import ListView
from core.api.schema import refuses
from core.api.views import ApiView
from distribution import errors, selectors
from distribution.models import Plan
from distribution.plan_documents import PlanInput
from distribution.services import activate_plan, check_draft, draft_plan, request_preview
from distribution.services.plans import problem_document

OPERATORS = {"*": frozenset({"operator"})}

PLAN = OpenApiExample(
    "A plan that pays everybody behind a sale",
    request_only=True,
    value={
        "name": "standard",
        "pool": {"of": "fee", "bps": 5000},
        "agents": [{"level": 3, "bps": 3000}, {"level": 2, "bps": 1500}, {"level": 1, "bps": 500}],
        "differential": False,
        "referrers": [{"level": 1, "bps": 2000}, {"level": 2, "bps": 1000}],
        "merchant_referrer": {"bps": 500},
        "cashback": {"bps": 1000},
        "vacancy": "house",
        "hold_days": 7,
        "caps": [{"role": "referrer", "per": "order", "amount": 100000, "currency": "CNY"}],
    },
)


class PlanDocument(serializers.Serializer):
    id = serializers.CharField()
    name = serializers.CharField()
    version = serializers.IntegerField()
    status = serializers.ChoiceField(Plan.Status.choices)
    effective_from = serializers.DateTimeField(allow_null=True, help_text="null: since ever, or not active yet.")
    created_by = AccountRefDocument(allow_null=True)
    activated_by = AccountRefDocument(allow_null=True)
    document = serializers.DictField()


class PlanProblemDocument(serializers.Serializer):
    code = serializers.CharField()
    path = serializers.CharField(help_text="Where in the document, such as agents.0.level.")
    detail = serializers.CharField()


class PlanCheckDocument(serializers.Serializer):
    ok = serializers.BooleanField()
    problems = PlanProblemDocument(many=True)


def plan_documents(plans: Sequence[Plan]) -> Iterator[dict[str, Any]]:
    for plan in plans:
        yield {
            "id": plan.public_id,
            "name": plan.name,
            "version": plan.version,
            "status": plan.status,
            "effective_from": plan.effective_from,
            "created_by": account_ref(plan.created_by),
            "activated_by": account_ref(plan.activated_by),
            "document": plan.document,
        }


class Plans(ListView):
    """GET, POST /api/v1/distribution/plans"""

    audience = OPERATORS
    Input = PlanInput

    @extend_schema(summary="Versions of the commission plan", responses=PlanDocument(many=True))
    def get(self, request: Request) -> Any:
        return self.answer_list(selectors.all_plans(), plan_documents)

    @extend_schema(summary="Draft a commission plan", request=PlanInput, responses={201: PlanDocument}, examples=[PLAN])
    def post(self, request: Request) -> Response:
        document = self.checked_body()
        plan = draft_plan(document=document, actor=actor_of(request))
        return self.created(next(plan_documents([selectors.get_plan(plan.public_id)])))


class PlanOne(ApiView):
    """GET /api/v1/distribution/plans/<id>"""

    audience = OPERATORS

    @extend_schema(summary="One version of the commission plan", responses=PlanDocument)
    def get(self, request: Request, plan_id: str) -> Response:
        return Response(next(plan_documents([selectors.get_plan(plan_id)])))


class PlanCheck(ApiView):
    """POST /api/v1/distribution/plans/<id>/check"""

    audience = OPERATORS

    @extend_schema(summary="What keeps a plan from being sound", request=None, responses=PlanCheckDocument)
    def post(self, request: Request, plan_id: str) -> Response:
        plan = selectors.get_plan(plan_id)
        self.checked_body()
        problems = [problem_document(problem) for problem in check_draft(plan)]
        return Response({"ok": not problems, "problems": problems})


class PlanActivation(ApiView):
    """POST /api/v1/distribution/plans/<id>/activate"""

    audience = OPERATORS

    class Input(Input):
        effective_from = MomentField(required=False, allow_null=True)

    @extend_schema(summary="Put a drafted plan in force", request=Input, responses=PlanDocument)
    @refuses(
        errors.PlanNotDraft, errors.PlanNotSound, errors.PlanEffectiveFromTaken, SecondPersonRequired, EffectiveInPast
    )
    def post(self, request: Request, plan_id: str) -> Response:
        draft = selectors.get_plan(plan_id)
        effective_from = self.checked_body().get("effective_from")
        activate_plan(plan=draft.public_id, effective_from=effective_from, actor=actor_of(request), now=clock.now())
        return Response(next(plan_documents([selectors.get_plan(plan_id)])))


class PlanReplay(ApiView):
    """POST /api/v1/distribution/plans/<id>/replay"""

    audience = OPERATORS

    class Input(Input):
        since = MomentField(help_text="Paid then or later.")
        until = MomentField(help_text="Paid before then.")

    @extend_schema(
        summary="Try a plan over past sales",
        description="Nothing is written. The job's result: `{events, changed, accounts: [{account, currency, before, "
        "after, difference}], accounts_left_out}`, before refunds.",
        request=Input,
        responses={202: JobAccepted},
        examples=[ACCEPTED],
    )
    @refuses(PeriodInvalid)
    def post(self, request: Request, plan_id: str) -> Response:
        plan = selectors.get_plan(plan_id)
        period = self.checked_body()
        return job_accepted(request_preview(plan=plan, actor=actor_of(request), **period))


plan_urls = [
    path("distribution/plans", Plans.as_view()),
    path("distribution/plans/<str:plan_id>", PlanOne.as_view()),
    path("distribution/plans/<str:plan_id>/check", PlanCheck.as_view()),
    path("distribution/plans/<str:plan_id>/activate", PlanActivation.as_view()),
    path("distribution/plans/<str:plan_id>/replay", PlanReplay.as_view()),
]
