"""Who shares what: found by what is on a poster as well, and taken down with a reason."""

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from unfold.decorators import action, display
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminTextareaWidget

from accounts.browser import operator_of
from accounts.models import Account
from catalog.models import Item
from core import clock
from core.admin import ReadOnlyAdmin, back_to, link_to, list_link
from core.errors import Refusal
from core.qr import qr_svg
from sharing import services
from sharing.activity_urls import activity_page
from sharing.admin.programs import what_it_gives
from sharing.codes import share_id_of
from sharing.models import Share, ShareProgram
from sharing.models.shares import REVOKE_REASON_LENGTH_MAX
from sharing.shares import ENDED, LIVE, REVOKED, share_url, state_of

COLOURS = {LIVE: "success", REVOKED: "danger", ENDED: "warning"}


class ReasonForm(BaseDialogForm):
    """Why a share is taken down; its sharer reads it."""

    reason = forms.CharField(max_length=REVOKE_REASON_LENGTH_MAX, widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}))


@admin.register(Share)
class ShareAdmin(ReadOnlyAdmin):
    """Found by its id, its sharer, item or program, and by the code or address that a poster says."""

    icon = "qr_code_2"
    list_display = ("public_id", "shown_state", "shown_item", "shown_sharer", "terms", "shown_store", "made_at")
    list_select_related = ("item", "sharer", "program", "store", "revoked_by", "login_account")
    search_fields = ("public_id__exact",)
    search_help_text = "shr_…, acc_…, itm_…, spr_…, or a poster's code or address"
    fields = readonly_fields = (
        "public_id",
        "shown_state",
        "shown_item",
        "shown_sharer",
        "terms",
        "picture",
        "leads_to",
        "shown_store",
        "scans",
        "charges",
        "made_at",
        "made_by",
        "revoked_at",
        "shown_revoked_by",
        "revoke_reason",
    )
    actions_detail = ("take_down",)

    def find(self, queryset: QuerySet, term: str) -> QuerySet | None:
        """Whose key is looked up first: PostgreSQL then knows how much there is of it, and which index is best."""
        match term.partition("_")[0]:
            case "acc":
                return queryset.filter(sharer=Account.objects.filter(public_id=term).first())
            case "itm":
                return queryset.filter(item=Item.objects.filter(public_id=term).first())
            case "spr":
                program = ShareProgram.objects.filter(public_id=term).first()
                return queryset.filter(program=program, item=program.item_id) if program else queryset.none()
        share_id = share_id_of(term.rpartition("/")[2])
        return None if share_id is None else queryset.filter(pk=share_id)

    @display(description="state", label=COLOURS)
    def shown_state(self, share: Share) -> str:
        return state_of(share)

    @display(description="item")
    def shown_item(self, share: Share) -> str:
        return link_to("catalog.item", share.item_id, share.item.title)

    @display(description="sharer")
    def shown_sharer(self, share: Share) -> str:
        return link_to("accounts.account", share.sharer_id, share.sharer.name)

    @display(description="gets")
    def terms(self, share: Share) -> str:
        return link_to("sharing.shareprogram", share.program_id, what_it_gives(share.program))

    @display(description="code")
    def picture(self, share: Share) -> str:
        url = share_url(share.pk)
        return format_html('<img src="{}" alt="" width="160" height="160"><br>{}', qr_svg(url), url)

    @display(description="leads to")
    def leads_to(self, share: Share) -> str:
        return activity_page(activity_url=share.activity_url, item=share.item.public_id)

    @display(description="poster")
    def shown_store(self, share: Share) -> str:
        return link_to("catalog.store", share.store_id, share.store.name) if share.store else "-"

    @display(description="scans")
    def scans(self, share: Share) -> str:
        return list_link("sharing.scan", f"q={share.public_id}", "who looked at it")

    @display(description="charges")
    def charges(self, share: Share) -> str:
        return list_link("sharing.wonline", f"q={share.public_id}", "what it has brought")

    @display(description="made by")
    def made_by(self, share: Share) -> str:
        return link_to("accounts.account", share.login_account_id, share.login_account.name)

    @display(description="revoked by")
    def shown_revoked_by(self, share: Share) -> str:
        return link_to("accounts.account", share.revoked_by_id, share.revoked_by.name) if share.revoked_by else "-"

    def has_take_down_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return request.user.has_perm("sharing.change_share")

    @action(
        description="Take down",
        url_path="take-down",
        permissions=["take_down"],
        dialog={
            "title": "Take this share down",
            "description": "Scans lead nowhere from now on, for good. Its sharer is told, and reads the reason.",
            "form_class": ReasonForm,
            "form_submit_text": "Take down",
        },
    )
    def take_down(self, request: HttpRequest, form: ReasonForm, object_id: str) -> HttpResponse:
        reason, row = form.cleaned_data["reason"], Share.objects.get(pk=object_id)
        try:
            share = services.take_down_share(
                share=row.public_id, reason=reason, actor=operator_of(request), now=clock.now()
            )
        except Refusal as refusal:
            self.message_user(request, refusal.detail, messages.ERROR)
        else:
            self.log_change(request, share, f"Taken down: {reason}")
            self.message_user(request, "The share is taken down.", messages.SUCCESS)
        return back_to("sharing_share", object_id)
