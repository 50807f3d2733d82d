"""What is recorded about an account and for whom, all of it to take away, and the end of the account."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts import browser, services
from accounts.errors import AccountNotSettled
from accounts.exporting import export_account
from accounts.lifecycle import obstacles_of
from accounts.models import Account, Behaviour
from accounts.selectors import behaviours, identities_of, names_of
from accounts.terms import Direction
from catalog.selectors import items_by_id
from core import clock
from core.addresses import client_address
from core.api.lists import after_cursor, write_cursor
from portal.pages.base import CustomerPage, FormPage, TextPage
from portal.pages.people.forms import ClosingForm, RecordsForm
from portal.pages.people.own import OwnPage
from portal.pages.scanning import with_query
from portal.wording import KINDS, OBSTACLES, behaviour_in_words

_NEWEST_FIRST = ("-occurred_at", "-id")


@dataclass(frozen=True, slots=True)
class Record:
    """One act as a page shows it, with the page of what it was done to."""

    behaviour: Behaviour
    sentence: str
    leads_to: str

    @property
    def is_linked(self) -> bool:
        return self.behaviour.link_id is not None


@dataclass(frozen=True, slots=True)
class Onlooker:
    """Somebody for whom acts of the account are also recorded, and of which kinds."""

    account: Account
    link: str
    kinds: str


class Records(CustomerPage, TextPage):
    """/settings/records, with ?kind=, ?origin= and, further down, ?cursor="""

    template_name = "portal/people/records.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        form = RecordsForm(request.GET)
        wanted = {name: value for name, value in form.cleaned_data.items() if value} if form.is_valid() else {}
        acting, size = self.customer.acting, settings.RECORDS_PER_PAGE
        found = behaviours(**wanted, visible_to=acting)
        rows = list(after_cursor(found, _NEWEST_FIRST, request.GET.get("cursor"))[: size + 1])
        following = write_cursor(rows[size - 1], _NEWEST_FIRST) if len(rows) > size else ""
        context: dict[str, Any] = {
            "form": form,
            "records": _records(rows[:size], seen_by=acting),
            "onlookers": _onlookers(acting),
            "months": settings.BEHAVIOUR_RETENTION_MONTHS,
            "is_filtered": bool(wanted),
            "is_own": self.customer.is_own_login,
            "more": with_query(request.path, {**wanted, "cursor": following}) if following else "",
        }
        return self.render_to_response(self.get_context_data(**context))


def _records(rows: Sequence[Behaviour], *, seen_by: Account) -> list[Record]:
    """Say what acts were; the accounts and items that they name are looked up in a statement each."""
    named = {row.data[name] for row in rows for name in ("to", "with") if name in row.data}
    items = items_by_id({row.object_id for row in rows if row.object_id.startswith("itm_")})
    titles = {key: item.title for key, item in items.items() if item.is_for_sale or item.seller_id == seen_by.pk}
    names = names_of(named) if named else {}
    return [Record(row, behaviour_in_words(row, names=names, titles=titles), _page_of(row, titles)) for row in rows]


def _page_of(row: Behaviour, titles: Mapping[str, str]) -> str:
    """An order is shown to those whose it is; what came through a link is the other's."""
    if row.kind == "order.placed" and row.link_id is None:
        return reverse("portal:order", args=[row.object_id])
    return reverse("portal:item", args=[row.object_id]) if row.object_id in titles else ""


def _onlookers(account: Account) -> Sequence[Onlooker]:
    """Those to whom the terms of living links show what this account does."""
    found = []
    for identity in identities_of(account):
        link = identity.link
        if link is None or not link.mirror:
            continue
        towards = Direction.TO_INVITEE if link.inviter_id == account.pk else Direction.TO_INVITER
        if link.direction in (towards, Direction.BOTH):
            kinds = ", ".join(str(KINDS[kind]) for kind in link.mirror)
            found.append(Onlooker(identity.account, link.public_id, kinds))
    return found


class Export(OwnPage):
    """/settings/export: all of the own data in one file"""

    def get(self, request: HttpRequest) -> StreamingHttpResponse:
        answer = StreamingHttpResponse(export_account(self.customer.login), content_type="application/json")
        answer["Content-Disposition"] = 'attachment; filename="account.json"'
        return answer


class Close(OwnPage, FormPage):
    """/settings/close: what that means, and then the end"""

    template_name = "portal/people/close.html"
    form_class = ClosingForm
    refused_beside = {"credentials_invalid": "password"}

    def about(self) -> dict[str, Any]:
        return {"obstacles": [OBSTACLES.get(code, code) for code in obstacles_of(self.customer.login)]}

    def act(self, form: Any) -> HttpResponse:
        said = form.cleaned_data
        try:
            services.close_account(
                password=said["password"],
                erase=said["erase"],
                address=client_address(self.request),
                actor=self.customer,
                now=clock.now(),
            )
        except AccountNotSettled:
            form.add_error(None, _("Something is left to settle first; it stands below. Nothing was closed."))
            return self.show_form(form, status=AccountNotSettled.status)
        browser.log_out(self.request)
        self.actor = None
        context = {"actor": None, "site_name": settings.SITE_NAME, "erased": said["erase"]}
        return self.response_class(self.request, ["portal/people/closed.html"], context)
