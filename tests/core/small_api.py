"""A small API in which the promises of every view are tested; used with `pytest.mark.urls`."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

from django.urls import include, path
from rest_framework.request import Request
from rest_framework.response import Response

from core.api import fields
from core.api.lists import ListView
from core.api.three_steps import ThreeStepView
from core.api.views import ApiView
from core.errors import Conflict, NotFound, Unprocessable
from core.models import AttemptCount

NOTES = "note"  # Any table serves: a note is a row with this scope.


class BoxClosed(Conflict):
    code = "box_closed"


class TextMismatch(Unprocessable):
    code = "text_mismatch"


def nothing() -> None:
    """What happens between the effect and its answer; tests put something else here."""


class Hooks:
    before_answer: Callable[[], None] = staticmethod(nothing)


def write(text: str) -> AttemptCount:
    return AttemptCount.objects.create(scope=NOTES, subject=f"{text} {uuid4().hex}", window_ends_at=NOW)


NOW = "2026-01-01T00:00:00Z"


class Notes(ApiView):
    """Keyed; for buyers; the box "open" takes notes, the box "closed" refuses them by its state."""

    audience = {"POST": frozenset({"buyer"})}
    keyed = frozenset({"POST"})

    class Input(fields.Input):
        text = fields.TextField(max_length=20)
        amount = fields.MinorUnitsField(required=False)

    def post(self, request: Request, box: str) -> Response:
        if box not in ("open", "closed"):
            raise NotFound
        body = self.checked_body()
        note = write(body["text"])
        Hooks.before_answer()
        if box == "closed":
            raise BoxClosed
        if body["text"] == "mismatch":
            raise TextMismatch
        return self.created({"id": note.pk})


class RemoteNotes(ThreeStepView):
    """Keyed over several transactions, with a call in between."""

    class Input(fields.Input):
        text = fields.TextField(max_length=20)

    def intend(self, request: Request) -> str:
        return str(write(self.checked_body()["text"]).pk)

    def call(self, intent: str) -> str:
        Hooks.before_answer()
        return "done"

    def conclude(self, intent: str, outcome: str) -> Response:
        return self.created({"id": int(intent), "outcome": outcome})


class NoteList(ListView):
    """Public; newest first; also as CSV."""

    public = frozenset({"GET"})
    csv_columns = ("id", "text")

    def get(self, request: Request) -> Any:
        rows = AttemptCount.objects.filter(scope=NOTES)
        return self.answer_list(rows, lambda page: [{"id": row.pk, "text": row.subject} for row in page])


class Everything(ApiView):
    """Takes one of each field."""

    class Input(fields.Input):
        text = fields.TextField(required=False, max_length=200)
        number = fields.WholeNumberField(required=False, min_value=0)
        amount = fields.MinorUnitsField(required=False)
        money = fields.MoneyInput(required=False)
        degrees = fields.NumberField(required=False)
        flag = fields.FlagField(required=False)
        at = fields.MomentField(required=False)

    def post(self, request: Request) -> Response:
        return Response({name: str(value) for name, value in self.checked_body().items()})


urlpatterns = [
    path(
        "api/v1/",
        include(
            [
                path("boxes/<str:box>/notes", Notes.as_view()),
                path("remote-notes", RemoteNotes.as_view()),
                path("notes", NoteList.as_view()),
                path("everything", Everything.as_view()),
            ]
        ),
    )
]

handler400 = "core.api.problems.bad_request"
handler404 = "core.api.problems.not_found"
handler500 = "core.api.problems.server_error"
