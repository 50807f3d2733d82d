"""Long work over HTTP: what becomes of it, and how to end it."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.views import ApiView
from core.jobs import cancel_job, get_job
from core.models import Job

OPERATOR = "operator"

ACCEPTED = OpenApiExample(
    "accepted",
    value={"id": "job_01KAK7ZC5N7YQ2M3V4W5X6Y7Z8", "status": "queued", "progress": 0},
    response_only=True,
    status_codes=["202"],
)


class JobError(serializers.Serializer):
    code = serializers.CharField()
    detail = serializers.CharField()


class JobAccepted(serializers.Serializer):
    id = serializers.CharField()
    status = serializers.ChoiceField(Job.Status.values)
    progress = serializers.IntegerField(help_text="Percent.")


class JobDocument(JobAccepted):
    kind = serializers.CharField()
    arguments = serializers.DictField()
    result = serializers.JSONField(allow_null=True, help_text="What a job that is done has to show.")
    error = JobError(allow_null=True, help_text="Why it failed.")
    created_at = serializers.DateTimeField()
    started_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)


def job_accepted(job: Job) -> Response:
    """Answer 202 with where to ask what became of it."""
    answer = {"id": job.public_id, "status": job.status, "progress": job.progress}
    return Response(answer, status=202, headers={"Location": f"/api/v1/jobs/{job.public_id}"})


def job_document(job: Job) -> dict[str, Any]:
    return {
        "id": job.public_id,
        "kind": job.kind,
        "arguments": job.arguments,
        "status": job.status,
        "progress": job.progress,
        "result": job.result,
        "error": {"code": job.error_code, "detail": job.error_detail} if job.error_code else None,
        "created_at": job.created_at,
        "started_at": job.started_at,
        "finished_at": job.finished_at,
    }


class OneJob(ApiView):
    """GET, DELETE /api/v1/jobs/<id>"""

    @extend_schema(summary="What became of long work", responses=JobDocument)
    def get(self, request: Request, job_id: str) -> Response:
        return Response(job_document(self._job(job_id)))

    @extend_schema(summary="Cancel long work; what is done of it stays", responses=JobDocument)
    def delete(self, request: Request, job_id: str) -> Response:
        job = self._job(job_id)
        return Response(job_document(cancel_job(job_id=job.pk)))

    def _job(self, public_id: str) -> Job:
        """One's own; operators see everybody's."""
        everybodys = OPERATOR in self.principal.audiences
        return get_job(public_id, visible_to=None if everybodys else self.principal.owner_id)
