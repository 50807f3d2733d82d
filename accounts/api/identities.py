"""External identities over HTTP."""

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import errors, selectors, services
from accounts.api import examples
from accounts.callers import actor_of
from accounts.identity_proofs import EXTERNAL_ID_LENGTH_MAX
from accounts.models import ExternalIdentity
from core import clock
from core.api import fields
from core.api.lists import ListView
from core.api.schema import refuses
from core.api.views import ApiView

PARTIES = frozenset({"buyer", "seller"})
PROOF_LENGTH_MAX = 4000


class IdentityDocument(serializers.Serializer):
    id = serializers.CharField()
    provider = serializers.CharField()
    external_id = serializers.CharField()
    money = serializers.ChoiceField(
        ["wallet", "provider"], help_text="Where it is when the identity pays at a counter: here, or at the provider's."
    )
    bound_at = serializers.DateTimeField()


def identity_documents(identities: Iterable[ExternalIdentity]) -> list[dict[str, Any]]:
    return [
        {
            "id": identity.public_id,
            "provider": identity.provider,
            "external_id": identity.external_id,
            "money": "provider" if identity.provider in settings.IDENTITY_SERVERS else "wallet",
            "bound_at": identity.bound_at,
        }
        for identity in identities
    ]


class Identities(ListView):
    """GET, POST /api/v1/identities"""

    audience = {"*": PARTIES}
    own_login = frozenset({"GET", "POST"})

    class Input(fields.Input):
        provider = fields.TextField(max_length=40)
        external_id = fields.TextField(max_length=EXTERNAL_ID_LENGTH_MAX)
        proof = fields.TextField(max_length=PROOF_LENGTH_MAX, help_text="A compact JWS (EdDSA) of the provider.")

    @extend_schema(summary="Own identities at providers", responses=IdentityDocument(many=True))
    def get(self, request: Request) -> Any:
        bound = selectors.bound_identities(visible_to=actor_of(request).login)
        return self.answer_list(bound, identity_documents)

    @extend_schema(
        summary="Bind an identity that its provider has signed for this account",
        request=Input,
        responses={201: IdentityDocument},
        examples=[examples.PROOF],
    )
    @refuses(errors.IdentityProofInvalid, errors.IdentityBoundElsewhere)
    def post(self, request: Request) -> Response:
        identity = services.bind_identity(**self.checked_body(), actor=actor_of(request), now=clock.now())
        return self.created(identity_documents([identity])[0])


class OneIdentity(ApiView):
    """DELETE /api/v1/identities/<id>"""

    audience = {"*": PARTIES}
    own_login = frozenset({"DELETE"})

    @extend_schema(summary="Unbind an identity", responses={204: None})
    def delete(self, request: Request, identity_id: str) -> Response:
        services.unbind_identity(identity=identity_id, actor=actor_of(request), now=clock.now())
        return Response(status=204)
