"""Changes of agents and of places in three steps: say what, look at what would follow, do it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from accounts.models import Account
from accounts.models.account import REASON_LENGTH_MAX
from core.admin import attempt, show_page, table
from core.errors import Refusal
from core.ids import PUBLIC_ID_LENGTH_MAX


class AccountField(forms.CharField):
    """An account by its public id; whoever it names is what the form gives."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=PUBLIC_ID_LENGTH_MAX, help_text="acc_…", **options)

    def clean(self, value: Any) -> Account:
        account = Account.objects.filter(public_id=super().clean(value)).first()
        if account is None:
            raise forms.ValidationError("There is no account of this id.")
        return account


class AgentForm(forms.Form):
    """Who is to be the agent, and from when."""

    account = AccountField(label="Agent")
    begins = forms.DateTimeField(
        label="From",
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        input_formats=["%Y-%m-%dT%H:%M"],
        help_text="UTC; at once, where empty.",
    )


class ReferrerForm(forms.Form):
    """Below whom an account is to stand, and why."""

    referrer = AccountField(label="Referrer")
    reason = forms.CharField(max_length=REASON_LENGTH_MAX, widget=forms.Textarea(attrs={"rows": 3}))


class WhyForm(forms.Form):
    reason = forms.CharField(max_length=REASON_LENGTH_MAX, widget=forms.Textarea(attrs={"rows": 3}))


class NothingAsked(forms.Form):
    """For what needs no word but yes."""


Given = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """
    One change. `look` says what would follow, as rows of a table; `do` calls one service and says what was done.

    `back`: where it was begun, and where it ends.
    """

    title: str
    lead: str
    form: type[forms.Form]
    look: Callable[[Given], Sequence[tuple[str, object]]]
    do: Callable[[Given], str]
    button: str
    back: str
    grave: bool = False

    def answer(self, request: HttpRequest, owner: Any, about: Any) -> HttpResponse:
        """Go on by one step; `about` is the row in whose history it is written."""
        asks_nothing = not self.form.base_fields
        form = self.form(request.POST if request.method == "POST" or asks_nothing else None)
        if not form.is_valid():
            return self._ask(request, owner, form)
        if "sure" in request.POST:
            return self._do(request, owner, about, form)
        try:
            rows = self.look(form.cleaned_data)
        except Refusal as refused:
            messages.error(request, refused.detail)
            return redirect(self.back) if asks_nothing else self._ask(request, owner, form)
        given = [(name, form.data.get(name, "")) for name in form.fields]
        context: dict[str, Any] = {"sheet": table(["", ""], rows), "given": given, "button": self.button}
        context |= {"back": self.back, "grave": self.grave}
        return show_page(request, owner, "distribution/admin/look.html", title=self.title, **context)

    def _ask(self, request: HttpRequest, owner: Any, form: forms.Form) -> HttpResponse:
        context = {"form": form, "lead": self.lead, "button": "Look what follows"}
        return show_page(request, owner, "core/form.html", title=self.title, **context)

    def _do(self, request: HttpRequest, owner: Any, about: Any, form: forms.Form) -> HttpResponse:
        done = attempt(request, lambda: self.do(form.cleaned_data))
        if done:
            owner.log_change(request, about, done)
            messages.success(request, done)
        return redirect(self.back)
