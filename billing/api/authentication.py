"""`Authorization: Service <key>`: payment servers."""

from dataclasses import dataclass
from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from billing.models import ServiceKey
from billing.services.service_keys import find_service_key
from core.errors import NotAuthenticated


class ServiceKeyUnknown(NotAuthenticated):
    message = "No living service key has this secret."


@dataclass(frozen=True, slots=True)
class ServiceCaller:
    """A payment server's request."""

    key: ServiceKey

    @property
    def owner_id(self) -> str:
        return self.key.public_id

    @property
    def audiences(self) -> frozenset[str]:
        return frozenset({"service"})

    def ensure_own_login(self) -> None:
        """A key acts for nobody else."""

    def ensure_in_person(self) -> None:
        """A key stands in for nobody."""


class ServiceAuthentication(BaseAuthentication):
    """One indexed look-up; a revoked key stops at once."""

    def authenticate_header(self, request: Request) -> str:
        return "Service"

    def authenticate(self, request: Request) -> tuple[None, ServiceCaller] | None:
        scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "service":
            return None
        key = find_service_key(secret.strip())
        if key is None:
            raise ServiceKeyUnknown
        return None, ServiceCaller(key)


class ServiceScheme(OpenApiAuthenticationExtension):
    target_class = "billing.api.authentication.ServiceAuthentication"
    name = "service"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        return {"type": "apiKey", "in": "header", "name": "Authorization", "description": "`Service <key>`"}
