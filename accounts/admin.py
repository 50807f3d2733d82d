"""Accounts and sessions for operators: looked at, closed and ended, never edited."""

from django.contrib import admin, messages
from django.contrib.auth.models import Group
from django.db.models import QuerySet, Value
from django.db.models.functions import Lower
from django.http import HttpRequest
from post_office.models import Attachment, Email, EmailTemplate, Log
from unfold.decorators import action, display

from accounts import services, sessions
from accounts.browser import actor_of
from accounts.models import Account, Session
from core.admin import ReadOnlyAdmin, list_link

admin.site.unregister(Group)  # Rights come from the kind of account, not from groups.


@admin.register(Account)
class AccountAdmin(ReadOnlyAdmin):
    """Found by its id, its user name in any case, or the beginning of it."""

    icon = "person"
    list_display = ("public_id", "username", "name", "kind", "side", "is_staff", "is_active", "created_at")
    list_filter = ("kind", "side", "is_staff", "is_active")
    list_select_related = False
    sortable_by = ()
    search_fields = ("username__startswith", "referral_code__exact")
    search_help_text = "acc_…, a user name, or a referral code"
    fields = (
        "public_id",
        "username",
        "name",
        "email",
        "kind",
        "side",
        "is_staff",
        "is_active",
        "referral_code",
        "referred_by",
        "created_at",
        "last_login",
        "sessions",
    )
    readonly_fields = ("public_id", "sessions")
    actions = ("deactivate", "reactivate")

    def find(self, queryset: QuerySet, term: str) -> QuerySet | None:
        if term.startswith("acc_"):
            return queryset.filter(public_id=term)
        named = queryset.alias(folded=Lower("username")).filter(folded=Lower(Value(term)))
        return named if named.exists() else None

    def has_close_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("accounts.change_account")

    @display(description="sessions")
    def sessions(self, account: Account) -> str:
        return list_link("accounts.session", f"q={account.public_id}", "Sessions of this account")

    @action(description="Deactivate: log out everywhere and let nobody in", permissions=["close"])
    def deactivate(self, request: HttpRequest, accounts: QuerySet[Account]) -> None:
        operator = actor_of(request)
        assert operator is not None
        for account in accounts.exclude(pk=operator.login.pk):
            services.deactivate_account(account=account)
            self.log_change(request, account, "Deactivated.")
        if accounts.filter(pk=operator.login.pk).exists():
            self.message_user(request, "You cannot deactivate yourself.", messages.WARNING)

    @action(description="Reactivate: may log in again", permissions=["close"])
    def reactivate(self, request: HttpRequest, accounts: QuerySet[Account]) -> None:
        for account in accounts:
            services.reactivate_account(account=account)
            self.log_change(request, account, "Reactivated.")


@admin.register(Session)
class SessionAdmin(ReadOnlyAdmin):
    """Found by its id, or by the id of the account that logged in."""

    icon = "devices"
    list_display = (
        "public_id",
        "login_account",
        "acting_account",
        "created_at",
        "last_seen_at",
        "expires_at",
        "ended_at",
    )
    list_select_related = ("login_account", "acting_account")
    sortable_by = ()
    search_fields = ("public_id__exact",)
    search_help_text = "ses_…, or acc_… for all of an account"
    exclude = ("token_digest",)
    actions = ("end",)

    def find(self, queryset: QuerySet, term: str) -> QuerySet | None:
        """By the account's key: only for a key does PostgreSQL know whose sessions are many."""
        if not term.startswith("acc_"):
            return None
        return queryset.filter(
            login_account_id__in=list(Account.objects.filter(public_id=term).values_list("pk", flat=True))
        )

    def has_end_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("accounts.change_session")

    @action(description="End", permissions=["end"])
    def end(self, request: HttpRequest, chosen: QuerySet[Session]) -> None:
        for session in chosen.select_related("login_account"):
            sessions.end_session(public_id=session.public_id, owner=session.login_account)
            self.log_change(request, session, "Ended.")


for model in (Attachment, Email, EmailTemplate, Log):
    admin.site.unregister(model)


@admin.register(Email)
class MailAdmin(ReadOnlyAdmin):
    """Whether a mail went out; what it says is its reader's business, and may hold a token."""

    icon = "mail"
    list_display = ("id", "to", "subject", "status", "created", "last_updated", "number_of_retries")
    list_filter = ("status",)
    sortable_by = ()
    search_fields = ("to__exact",)
    search_help_text = "a whole address"
    fields = ("to", "subject", "status", "created", "last_updated", "number_of_retries", "scheduled_time")
