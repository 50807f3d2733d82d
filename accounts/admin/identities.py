"""Who accounts are at providers, and what invitations they have made. Codes are kept as digests, and shown nowhere."""

from django.contrib import admin
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest
from unfold.decorators import display

from accounts.admin.finding import account_link, key_of
from accounts.link_graph import cap_words, mirror_words, switch_words
from accounts.models import Account, ExternalIdentity, Invitation, Link
from accounts.terms import BEHAVIOUR_KINDS
from core import clock
from core.admin import ReadOnlyAdmin


@admin.register(ExternalIdentity)
class ExternalIdentityAdmin(ReadOnlyAdmin):
    """Found by its id, its account's, or what the provider calls the person."""

    icon = "badge"
    list_display = ("public_id", "shown_state", "shown_account", "provider", "external_id", "bound_at", "unbound_at")
    list_select_related = ("account",)
    search_fields = ("public_id__exact",)
    search_help_text = "idn_…, acc_…, or provider:name, such as demo-id:anna-77"
    fields = ("public_id", "shown_state", "shown_account", "provider", "external_id", "bound_at", "unbound_at")
    readonly_fields = fields

    def find(self, queryset: QuerySet, term: str) -> QuerySet | None:
        key = key_of(term)
        if key is not None:
            return queryset.filter(account_id=key)
        provider, colon, name = term.partition(":")
        return queryset.filter(provider=provider, external_id=name) if colon else None

    @display(description="state", label={"bound": "success", "unbound": "info"})
    def shown_state(self, identity: ExternalIdentity) -> str:
        return "unbound" if identity.unbound_at else "bound"

    @display(description="account")
    def shown_account(self, identity: ExternalIdentity) -> str:
        return account_link(identity.account)


@admin.register(Invitation)
class InvitationAdmin(ReadOnlyAdmin):
    """Groups of codes, with how many have linked somebody. Found by id, or the inviter's."""

    icon = "mark_email_unread"
    list_display = ("public_id", "shown_state", "shown_inviter", "shown_used", "created_at", "expires_at")
    list_select_related = ("inviter",)
    search_fields = ("public_id__exact",)
    search_help_text = "inv_…, or the inviter's acc_…"
    fields = (
        "public_id",
        "shown_state",
        "shown_inviter",
        "shown_used",
        "switching",
        "mirroring",
        "paying",
        "created_at",
        "expires_at",
        "withdrawn_at",
    )
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[Invitation]:
        used = Count("codes", filter=Q(codes__used_at__isnull=False))
        return super().get_queryset(request).annotate(codes_count=Count("codes"), codes_used=used)

    def find(self, queryset: QuerySet, term: str) -> QuerySet | None:
        key = key_of(term)
        return None if key is None else queryset.filter(inviter_id=key)

    @display(
        description="state", label={"open": "success", "used up": "info", "expired": "info", "withdrawn": "warning"}
    )
    def shown_state(self, invitation: Invitation) -> str:
        if invitation.withdrawn_at is not None:
            return "withdrawn"
        if invitation.codes_used == invitation.codes_count:  # type: ignore[attr-defined]
            return "used up"
        return "expired" if invitation.expires_at <= clock.now() else "open"

    @display(description="inviter")
    def shown_inviter(self, invitation: Invitation) -> str:
        return account_link(invitation.inviter)

    @display(description="codes used")
    def shown_used(self, invitation: Invitation) -> str:
        return f"{invitation.codes_used} of {invitation.codes_count}"  # type: ignore[attr-defined]

    @display(description="switching")
    def switching(self, invitation: Invitation) -> str:
        return switch_words(_as_link(invitation))

    @display(description="also recorded")
    def mirroring(self, invitation: Invitation) -> str:
        return mirror_words(_as_link(invitation), kinds_in_all=len(BEHAVIOUR_KINDS))

    @display(description="the other's log-in")
    def paying(self, invitation: Invitation) -> str:
        return cap_words(_as_link(invitation))


def _as_link(invitation: Invitation) -> Link:
    """The link that a code of it would make; whoever gives the code back has no name yet."""
    invitee = Account(name="whoever gives a code back")
    return Link(inviter=invitation.inviter, invitee=invitee, **invitation.terms.columns())
