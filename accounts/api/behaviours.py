"""What is recorded about an account, and for whom, over HTTP."""

from collections.abc import Sequence
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request

from accounts import selectors
from accounts.callers import actor_of
from accounts.models import Behaviour
from accounts.references import AccountRefDocument, account_ref
from accounts.terms import BEHAVIOUR_KINDS
from core.api import fields
from core.api.lists import ListView


class BehaviourDocument(serializers.Serializer):
    id = serializers.CharField()
    kind = serializers.ChoiceField(BEHAVIOUR_KINDS)
    login_account = AccountRefDocument(help_text="Who really did it.")
    acting_account = AccountRefDocument(help_text="As whom.")
    object = serializers.CharField(allow_null=True, help_text="What it was done to: an order, an item, a link …")
    data = serializers.JSONField()  # type: ignore[assignment]
    occurred_at = serializers.DateTimeField()
    origin = serializers.ChoiceField(["own", "linked"], help_text="Own acts, or those of a linked account.")
    link = serializers.CharField(allow_null=True, help_text="Through which link it came here.")


def behaviour_documents(page: Sequence[Behaviour]) -> list[dict[str, Any]]:
    links = selectors.link_ids(behaviour.link_id for behaviour in page if behaviour.link_id)
    return [
        {
            "id": behaviour.public_id,
            "kind": behaviour.kind,
            "login_account": account_ref(behaviour.login_account),
            "acting_account": account_ref(behaviour.acting_account),
            "object": behaviour.object_id or None,
            "data": behaviour.data,
            "occurred_at": behaviour.occurred_at,
            "origin": "own" if behaviour.link_id is None else "linked",
            "link": links.get(behaviour.link_id),
        }
        for behaviour in page
    ]


class Behaviours(ListView):
    """GET /api/v1/behaviours"""

    ordering = ("-occurred_at", "-id")

    class Query(fields.Input):
        kind = serializers.ChoiceField(BEHAVIOUR_KINDS, required=False)
        origin = serializers.ChoiceField(["own", "linked"], required=False)
        since = fields.MomentField(required=False)

    @extend_schema(summary="What is recorded in the acting account's storage", responses=BehaviourDocument(many=True))
    def get(self, request: Request) -> Any:
        found = selectors.behaviours(**self.checked_query(), visible_to=actor_of(request).acting)
        return self.answer_list(found, behaviour_documents)
