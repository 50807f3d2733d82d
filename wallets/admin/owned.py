"""What lists of one owner's money have in common, and the small forms on their pages."""

from typing import Any

from django import forms
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from unfold.admin import TabularInline
from unfold.decorators import display
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminTextareaWidget

from accounts.models import Account
from core.admin import ReadOnlyAdmin, link_to, list_link, shown_money

REASON_LENGTH_MAX = 500
STATUS_COLOURS = {
    "in_progress": "info",
    "pending": "info",
    "succeeded": "success",
    "released": "success",
    "failed": "danger",
    "reversed": "warning",
}


PAYMENT_LABELS = {"top": "wallets.topup", "wdr": "wallets.withdrawal", "ich": "wallets.identitycharge"}


class ReasonForm(BaseDialogForm):
    """Why an operator does what cannot be undone."""

    reason = forms.CharField(max_length=REASON_LENGTH_MAX, widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}))


class OwnedAdmin(ReadOnlyAdmin):
    """Rows of one owner and one currency."""

    list_select_related = ("owner",)
    sortable_by = ()

    @display(description="owner")
    def shown_owner(self, row: Any) -> str:
        return link_to("accounts.account", row.owner_id, row.owner.name)

    @display(description="amount")
    def amount(self, row: Any) -> str:
        return shown_money(row.amount_minor, row.currency)

    @display(description="status", label=STATUS_COLOURS)
    def shown_status(self, row: Any) -> str:
        return row.status

    @display(description="events")
    def events(self, row: Any) -> str:
        return list_link("events.eventrecord", f"q={self.subject_of(row)}", "what happened")

    def subject_of(self, row: Any) -> str:
        """Whose events belong to this row."""
        return row.public_id

    def find_owner(self, queryset: QuerySet, term: str) -> QuerySet | None:
        """An owner is found by public id, in a look-up of its own: the lists are indexed by owner."""
        if not term.startswith("acc_"):
            return None
        owner = Account.objects.filter(public_id=term).values_list("id", flat=True).first()
        return queryset.filter(owner_id=owner or 0)

    def find(self, queryset: QuerySet, term: str) -> QuerySet | None:
        owned = self.find_owner(queryset, term)
        return super().find(queryset, term) if owned is None else owned


class ReadOnlyInline(TabularInline):
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


def link_to_payment(reference: str) -> str:
    """Link to a top-up, withdrawal or charge by its public id."""
    label = PAYMENT_LABELS.get(reference.partition("_")[0])
    return list_link(label, f"q={reference}", reference) if label else reference
