"""Requests with a remote call in the middle: intent, call, outcome; never a transaction open over the call."""

from typing import Any, ClassVar

from django.db import transaction
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.views import ApiView


class ThreeStepView(ApiView):
    """
    A keyed POST that calls somebody far away.

    The intent commits with the key; the call follows, outside any transaction; the outcome commits with
    the answer. A repeat after a crash at any point finds the intent and goes on with the same one, so
    the call must be harmless to repeat under the intent's name.
    """

    remote: ClassVar[frozenset[str]] = frozenset({"POST"})

    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        name = self.intent or self._keep_intent(request, *args, **kwargs)
        outcome = self.call(name)
        with transaction.atomic():
            response = self.conclude(name, outcome)
            assert self.attempt is not None
            body = JSONRenderer().render(response.data).decode()
            self.attempt.save_outcome(status=response.status_code, body=body)
        return response

    def intend(self, request: Request, *args: Any, **kwargs: Any) -> str:
        """First step, in a transaction: check the request, write the intent, return its public id."""
        raise NotImplementedError

    def call(self, intent: str) -> Any:
        """Second step, in no transaction: the remote call; return its outcome."""
        raise NotImplementedError

    def conclude(self, intent: str, outcome: Any) -> Response:
        """Third step, in a transaction: write the outcome, and return the answer."""
        raise NotImplementedError

    def _keep_intent(self, request: Request, *args: Any, **kwargs: Any) -> str:
        with transaction.atomic():
            name = self.intend(request, *args, **kwargs)
            assert self.attempt is not None
            self.attempt.save_intent(resource=name)
        return name
