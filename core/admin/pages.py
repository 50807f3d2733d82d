"""Pages of a list's own, beside Django's: each looks, or calls one service and says what came of it."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, TypeVar

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse

from core.errors import Refusal

Method = Callable[..., HttpResponse]
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class PageView:
    """A page as the URLs know it."""

    name: str
    path: str
    call: Callable[..., HttpResponse]

    def __call__(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self.call(request, *args, **kwargs)


def page(path: str, *, permission: str) -> Callable[[Method], Method]:
    """
    Make a method of an admin a page below its list, for operators who have the permission.

    `permission` is a full name such as `billing.add_ruleset`. The admin names the method in `pages`.
    """

    def mark(method: Method) -> Method:
        method.page_path = path  # type: ignore[attr-defined]
        method.page_permission = permission  # type: ignore[attr-defined]
        return method

    return mark


def as_view(owner: Any, name: str) -> PageView:
    """Return a marked method as a view: log-in, CSRF, then the permission."""
    method = getattr(owner, name)

    @wraps(method)
    def permitted(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not request.user.has_perm(method.page_permission):
            raise PermissionDenied
        return method(request, *args, **kwargs)

    return PageView(name, method.page_path, owner.admin_site.admin_view(permitted))


def show_page(request: HttpRequest, owner: Any, template: str, *, title: str, **context: Any) -> TemplateResponse:
    """Answer with a page that has the sidebar around it; `original` is the row that it is about."""
    around = {**admin.site.each_context(request), "opts": owner.opts, "title": title}
    return TemplateResponse(request, template, around | context)


def back_to(page: str, object_id: str) -> HttpResponse:
    """Close a dialog and show its row as it is now; `page` names the list, as in `wallets_debt`."""
    return HttpResponse(headers={"HX-Redirect": reverse(f"admin:{page}_change", args=[object_id])})


def attempt(request: HttpRequest, service: Callable[[], Result]) -> Result | None:
    """Call a service; a refusal becomes a message in its own words, and the answer is None."""
    try:
        return service()
    except Refusal as refusal:
        messages.error(request, refusal.detail)
        return None
