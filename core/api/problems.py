"""One mapping from every refusal to RFC 9457 `application/problem+json`."""

from typing import Any

import structlog
from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from rest_framework import exceptions
from rest_framework.response import Response

from core.api.fields import flatten_errors
from core.apologies import apologize
from core.errors import (
    PROBLEM_TYPE,
    BadRequest,
    BodyTooLarge,
    Forbidden,
    InvalidInput,
    NotAuthenticated,
    NotFound,
    Refusal,
)

log = structlog.get_logger(__name__)


class MethodNotAllowed(Refusal):
    status = 405
    code = "method_not_allowed"
    message = "This path does not answer that method."


class UnsupportedMediaType(Refusal):
    status = 415
    code = "unsupported_media_type"
    message = "Bodies are application/json."


class ServerError(Refusal):
    status = 500
    code = "server_error"
    message = "Something broke on our side and has been logged; nothing was half done."


class Unavailable(Refusal):
    status = 503
    code = "unavailable"
    message = "The database did not answer in time; nothing was done. Try again."
    retry_after_seconds = 1


def headers_of(refusal: Refusal) -> dict[str, str]:
    """Return the headers that belong to a refusal's status."""
    if refusal.acted_as is not None:
        return {"Acting-Account": refusal.acted_as}
    if refusal.retry_after_seconds is not None:
        return {"Retry-After": str(refusal.retry_after_seconds)}
    return {"WWW-Authenticate": "Bearer"} if refusal.status == 401 else {}


def answer_problem(raised: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's exception handler. What is not anticipated crashes loudly: it returns None."""
    refusal = as_refusal(raised)
    if isinstance(refusal, Unavailable):
        log.error("database_unavailable", exc_info=raised)
    if refusal is None:
        return None
    return Response(refusal.document(), status=refusal.status, headers=headers_of(refusal), content_type=PROBLEM_TYPE)


def problem_response(refusal: Refusal) -> HttpResponse:
    """The same document outside DRF: middleware and error handlers."""
    return JsonResponse(
        refusal.document(), status=refusal.status, headers=headers_of(refusal), content_type=PROBLEM_TYPE
    )


def as_refusal(raised: Exception) -> Refusal | None:
    """Translate Django's and DRF's own exceptions; return None for anything not anticipated."""
    match raised:
        case Refusal():
            return raised
        case exceptions.ValidationError():
            return InvalidInput(flatten_errors(raised.detail))
        case exceptions.NotAuthenticated() | exceptions.AuthenticationFailed():
            return NotAuthenticated()
        case exceptions.PermissionDenied() | PermissionDenied():
            return Forbidden(str(raised) or None)
        case exceptions.NotFound() | Http404():
            return NotFound()
        case exceptions.MethodNotAllowed():
            return MethodNotAllowed()
        case exceptions.UnsupportedMediaType():
            return UnsupportedMediaType()
        case exceptions.ParseError():
            return BadRequest(str(raised))
        case RequestDataTooBig():
            return BodyTooLarge()
        case OperationalError() | InterfaceError():  # Lost, overloaded, or a lock waited for too long.
            return Unavailable()
    return None


def is_api(request: HttpRequest) -> bool:
    return request.path.startswith("/api/")


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's 404 handler: paths nobody answers."""
    if not is_api(request):
        return apologize(request, 404)
    return problem_response(NotFound("No such path."))


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's 403 handler: an operator without the permission."""
    if not is_api(request):
        return apologize(request, 403)
    return problem_response(as_refusal(exception) or Forbidden())


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's 400 handler: suspicious hosts and the like."""
    if not is_api(request):
        return apologize(request, 400)
    return problem_response(as_refusal(exception) or BadRequest())


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's 500 handler: says nothing of the inside."""
    if not is_api(request):
        return apologize(request, 500)
    return problem_response(ServerError())
