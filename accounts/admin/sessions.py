"""Where people are logged in, and as whom they act."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.text import Truncator
from unfold.decorators import action, display

from accounts import sessions
from accounts.admin.finding import account_link, either, key_of
from accounts.models import Session
from core.admin import ReadOnlyAdmin, link_to

DEVICE_SHOWN = 40  # characters in the list; browsers call themselves by whole sentences
COLOURS = {"living": "success", "stands in": "warning", "expired": "info", "ended": "info"}


def state_of(session: Session) -> str:
    """In one word, whether somebody can still act in it."""
    if session.ended_at is not None:
        return "ended"
    if session.expires_at <= timezone.now():
        return "expired"
    return "stands in" if session.stands_in else "living"


@admin.register(Session)
class SessionAdmin(ReadOnlyAdmin):
    """Found by its id, or by the id of an account that logged in or acts in it."""

    icon = "devices"
    list_display = ("public_id", "state", "logged_in", "acts_as", "shown_device", "last_seen_at")
    list_select_related = ("login_account", "acting_account", "opened_in")
    search_fields = ("public_id__exact",)
    search_help_text = "ses_…, or acc_… for all in which an account logged in or acts"
    fields = (
        "public_id",
        "state",
        "logged_in",
        "acts_as",
        "reason",
        "within",
        "device",
        "created_at",
        "last_seen_at",
        "second_factor_at",
        "expires_at",
        "ended_at",
    )
    readonly_fields = fields
    actions = ("end",)

    def find(self, queryset: QuerySet, term: str) -> QuerySet | None:
        key = key_of(term)
        return None if key is None else queryset.filter(either(key, "login_account_id", "acting_account_id"))

    @display(description="state", label=COLOURS)
    def state(self, session: Session) -> str:
        return state_of(session)

    @display(description="logged in")
    def logged_in(self, session: Session) -> str:
        return account_link(session.login_account)

    @display(description="acts as")
    def acts_as(self, session: Session) -> str:
        return account_link(session.acting_account)

    @display(description="device")
    def shown_device(self, session: Session) -> str:
        return Truncator(session.device).chars(DEVICE_SHOWN) or "-"

    @display(description="opened in")
    def within(self, session: Session) -> str:
        own = session.opened_in
        return link_to("accounts.session", own.pk, own.public_id) if own else "-"

    def has_end_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("accounts.change_session")

    @action(description="End", permissions=["end"])
    def end(self, request: HttpRequest, chosen: QuerySet[Session]) -> None:
        for session in chosen.select_related("login_account"):
            sessions.end_session(public_id=session.public_id, owner=session.login_account)
            self.log_change(request, session, "Ended.")
