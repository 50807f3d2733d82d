"""The forms of these pages; what they mean is decided by the services."""

from django import forms
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminTextareaWidget

from accounts.models import REASON_LENGTH_MAX


class ReasonForm(BaseDialogForm):
    """Why an operator does what concerns other people."""

    reason = forms.CharField(max_length=REASON_LENGTH_MAX, widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}))


class StandInForm(forms.Form):
    """On a page of its own: what follows is read first."""

    reason = forms.CharField(
        max_length=REASON_LENGTH_MAX,
        widget=forms.Textarea(attrs={"rows": 3, "autofocus": ""}),
        help_text="The customer reads it, at once and later.",
    )
