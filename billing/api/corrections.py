"""Looking back and putting right over HTTP: replay, repair, reversal."""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.callers import actor_of
from billing import errors
from billing.api.views import OPERATORS, find_rule_set
from billing.services import replaying
from core.api.fields import Input, MomentField
from core.api.jobs import ACCEPTED, JobAccepted, job_accepted
from core.api.schema import refuses
from core.api.views import ApiView


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
