"""Scans over HTTP: binding one, and what came of a share, of an item's shares, of a sharer's."""

from typing import Any

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.callers import actor_of
from core import clock
from core.api.jobs import ACCEPTED, JobAccepted, job_accepted
from core.api.lists import ListView
from core.api.schema import refuses
from core.api.views import ApiView
from core.errors import NotFound
from sharing import errors, reports
from sharing.api import scan_outputs as outputs
from sharing.services.claiming import claim_scan
from sharing.services.reclassifying import request_reclassification


class Claim(ApiView):
    """POST /api/v1/scans/claim"""

    Input = outputs.ClaimInput

    @extend_schema(
        summary="Bind a scan to the acting account; the first to do so has it for good",
        request=outputs.ClaimInput,
        responses=outputs.ClaimDocument,
        examples=[outputs.CLAIM],
    )
    @refuses(errors.ScanTokenForged, errors.ScanTokenExpired, errors.ScanTokenUsed)
    def post(self, request: Request) -> Response:
        token, actor = self.checked_body()["scan"], actor_of(request)
        claim = claim_scan(token=token, account=actor.acting, login=actor.login, now=clock.now())
        return Response(outputs.claim_document(claim))


class Reclassification(ApiView):
    """POST /api/v1/scans/reclassify"""

    audience = {"POST": frozenset({"operator"})}
    Input = outputs.ReclassifyInput

    @extend_schema(
        summary="Replay the present classifier over all scans: what changes, or with `apply` the change itself",
        description="The job's result: `{classifier, scans, changed, shares: [{share, from, to, scans}], left_out}`. "
        "What was decided about orders stays as it is.",
        request=outputs.ReclassifyInput,
        responses={202: JobAccepted},
        examples=[ACCEPTED],
    )
    def post(self, request: Request) -> Response:
        apply = self.checked_body().get("apply", False)
        return job_accepted(request_reclassification(apply=apply, actor=actor_of(request)))


class Report(ListView):
    """What reports have in common: sums as JSON, with rows where somebody asks for them; rows as CSV."""

    csv_columns = outputs.CSV_COLUMNS

    def answer_report(self, scope: str, key: int, sums: Any) -> Any:
        """`sums`: turns the one row of everything into the report's document."""
        by = self.checked_query().get("by")
        if self.request.accepted_renderer.format == "csv":
            return self.answer_csv(outputs.flat_rows(reports.report_rows(scope, key, by=by or reports.BY_DAY)))
        (whole,) = reports.report_rows(scope, key)
        rows = {"rows": outputs.row_documents(reports.report_rows(scope, key, by=by))} if by else {}
        return Response({**sums(whole), **rows})


class ShareReport(Report):
    """GET /api/v1/shares/<id>/report"""

    Query = outputs.ShareReportQuery

    @extend_schema(
        summary="What came of a share: for its sharer, the item's seller and operators",
        responses=outputs.ShareReportDocument,
    )
    def get(self, request: Request, share_id: str) -> Any:
        share = reports.get_reported_share(share_id, visible_to=actor_of(request).acting)
        return self.answer_report(reports.SHARE, share.pk, lambda row: outputs.share_report_document(share, row))


class ItemReport(Report):
    """GET /api/v1/items/<id>/share-report"""

    Query = outputs.ItemReportQuery

    @extend_schema(
        summary="What came of all shares of an item: for its seller and operators", responses=outputs.SumReportDocument
    )
    def get(self, request: Request, item_id: str) -> Any:
        item = reports.get_reported_item(item_id, visible_to=actor_of(request).acting)
        return self.answer_report(reports.ITEM, item.pk, outputs.sum_report_document)


class SharerReport(Report):
    """GET /api/v1/share-report"""

    Query = outputs.SharerReportQuery

    @extend_schema(
        summary="What came of all own shares; operators ask for anybody's", responses=outputs.SumReportDocument
    )
    @refuses(NotFound)
    def get(self, request: Request) -> Any:
        own = actor_of(request).acting
        wanted = self.checked_query().get("account", own.public_id)
        sharer = reports.get_reported_sharer(wanted, visible_to=own)
        return self.answer_report(reports.SHARER, sharer.pk, outputs.sum_report_document)


scan_urls = [
    path("scans/claim", Claim.as_view()),
    path("scans/reclassify", Reclassification.as_view()),
    path("shares/<str:share_id>/report", ShareReport.as_view()),
    path("items/<str:item_id>/share-report", ItemReport.as_view()),
    path("share-report", SharerReport.as_view()),
]
