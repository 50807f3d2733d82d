"""Accounts for operators: one page for each, with what hangs on it; closed and stood in for, never edited."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.db.models import QuerySet, Value
from django.db.models.functions import Lower
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.decorators import method_decorator
from django.utils.html import format_html
from django.utils.timesince import timesince
from django.views.decorators.cache import never_cache
from unfold.decorators import action, display

from accounts import selectors, services, sessions
from accounts.admin.finding import account_link, day
from accounts.admin.forms import StandInForm
from accounts.admin.sessions import state_of
from accounts.browser import actor_of, operator_of
from accounts.link_graph import (
    Edge,
    LinkGraph,
    cap_short,
    cap_words,
    links_around,
    mirror_words,
    paid_words,
    switch_words,
)
from accounts.models import Account, Behaviour, Link
from accounts.terms import BEHAVIOUR_KINDS
from core import clock
from core.admin import ReadOnlyAdmin, attempt, link_to, list_link, page, show_page, table

LISTED_MAX = 10  # links, sessions and behaviours on an account's page; all of them are one click away
STATE_COLOURS = {"open": "success", "deactivated": "danger", "closed": "warning"}


@admin.register(Account)
class AccountAdmin(ReadOnlyAdmin):
    """Found by its id, its user name in any case, or the beginning of it, its e-mail address or its referral code."""

    icon = "person"
    list_display = ("public_id", "username", "name", "kind", "side", "state", "is_staff", "created_at")
    list_filter = ("kind", "side", "is_staff", "is_active")
    list_select_related = False
    search_fields = ("username__startswith", "referral_code__exact")
    search_help_text = "acc_…, a user name, an e-mail address, or a referral code"
    actions = ("deactivate", "reactivate")
    pages = ("graph", "stand_in", "end_sessions", "shut", "reopen")

    def find(self, queryset: QuerySet, term: str) -> QuerySet | None:
        if term.startswith("acc_"):
            return queryset.filter(public_id=term)
        if "@" in term:
            written = queryset.alias(folded=Lower("email")).filter(folded=Lower(Value(term))).exclude(email="")
            if written.exists():
                return written
        named = queryset.alias(folded=Lower("username")).filter(folded=Lower(Value(term)))
        return named if named.exists() else None

    @display(description="state", label=STATE_COLOURS)
    def state(self, account: Account) -> str:
        if account.closed_at is not None:
            return "closed"
        return "open" if account.is_active else "deactivated"

    def has_close_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("accounts.change_account")

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

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> HttpResponse:
        """The account with what hangs on it, and what can be done."""
        if request.method != "GET" or not self.has_view_permission(request):
            return super().change_view(request, object_id, *args, **kwargs)
        account = _account(object_id)
        state = self.state(account)
        return show_page(
            request,
            self,
            "accounts/admin/account.html",
            title=account.name,
            original=account,
            state=state,
            colour=STATE_COLOURS[state],
            facts=_facts(account),
            elsewhere=_elsewhere(account),
            links=_links(account),
            sessions=_sessions(account),
            behaviours=_behaviours(account),
            identities=_identities(account),
        )

    @page("<int:account_id>/graph/", permission="accounts.view_link")
    def graph(self, request: HttpRequest, account_id: int) -> HttpResponse:
        """The links around an account, drawn; and the same as a table."""
        account = _account(account_id)
        depth = _asked_depth(request)
        with_ended = "ended" in request.GET
        drawn = links_around(account, depth=depth, with_ended=with_ended)
        return show_page(
            request,
            self,
            "accounts/admin/link_graph.html",
            title=f"Links around {account.name}",
            original=account,
            drawn=drawn,
            edges=[(e, cap_short(e.link), paid_words(e.spent)) for e in drawn.edges if not e.crossing],
            crossing=[edge for edge in drawn.edges if edge.crossing],
            depth=depth,
            depths=range(1, settings.LINK_GRAPH_DEPTH_MAX + 1),
            with_ended=with_ended,
            accounts_max=settings.LINK_GRAPH_ACCOUNTS_MAX,
            sheet=_graph_table(drawn),
        )

    @page("<int:account_id>/stand-in/", permission="accounts.add_session")
    @method_decorator(never_cache)
    def stand_in(self, request: HttpRequest, account_id: int) -> HttpResponse:
        """Asks for the reason; the answer shows the token, and nothing ever does again."""
        customer = _account(account_id)
        form = StandInForm(request.POST if request.method == "POST" else None)
        minutes = int(settings.STAND_IN_LIFETIME.total_seconds() // 60)
        if request.method == "POST" and form.is_valid():
            reason, operator = form.cleaned_data["reason"], operator_of(request)
            opened = attempt(
                request,
                lambda: services.stand_in(customer=customer, reason=reason, actor=operator, now=clock.now()),
            )
            if opened:
                self.log_change(request, customer, f"Stood in for: {reason}")
                context = {"original": customer, "opened": opened, "minutes": minutes}
                title = f"You stand in for {customer.name}"
                return show_page(request, self, "accounts/admin/standing_in.html", title=title, **context)
        context = {"original": customer, "form": form, "minutes": minutes}
        title = f"Stand in for {customer.name}"
        return show_page(request, self, "accounts/admin/stand_in.html", title=title, **context)

    @page("<int:account_id>/end-sessions/", permission="accounts.change_session")
    def end_sessions(self, request: HttpRequest, account_id: int) -> HttpResponse:
        """Log an account out everywhere, this operator too if it is the own one."""

        def end(account: Account) -> str:
            return f"{sessions.end_sessions(owner=account)} sessions have ended."

        return self._confirm(
            request,
            account_id,
            title="End every session of {}",
            lead="Whoever is logged in as this account, on whatever device, is logged out at once; so are operators "
            "who stand in for it. It may log in again.",
            button="End all sessions",
            do=end,
        )

    @page("<int:account_id>/shut/", permission="accounts.change_account")
    def shut(self, request: HttpRequest, account_id: int) -> HttpResponse:
        """Let nobody in any more."""
        if account_id == operator_of(request).login.pk:
            messages.warning(request, "You cannot deactivate yourself.")
            return redirect("admin:accounts_account_change", account_id)

        def shut(account: Account) -> str:
            services.deactivate_account(account=account)
            return "Deactivated."

        return self._confirm(
            request,
            account_id,
            title="Deactivate {}",
            lead="Every session ends at once, nobody logs in, and linked accounts neither act as it nor pay from its "
            "wallet. What it did stays. You can take it back.",
            button="Deactivate",
            do=shut,
        )

    @page("<int:account_id>/reopen/", permission="accounts.change_account")
    def reopen(self, request: HttpRequest, account_id: int) -> HttpResponse:
        """Let an account that was shut log in again."""

        def reopen(account: Account) -> str:
            services.reactivate_account(account=account)
            return "Reactivated."

        lead = "It may log in again; its old sessions stay ended."
        return self._confirm(
            request, account_id, title="Reactivate {}", lead=lead, button="Reactivate", do=reopen, grave=False
        )

    def _confirm(
        self,
        request: HttpRequest,
        account_id: int,
        *,
        title: str,
        lead: str,
        button: str,
        do: Callable[[Account], str],
        grave: bool = True,
    ) -> HttpResponse:
        account = _account(account_id)
        if request.method == "POST":
            done = do(account)
            self.log_change(request, account, done)
            messages.success(request, done)
            return redirect("admin:accounts_account_change", account.pk)
        context = {"original": account, "lead": lead, "button": button, "grave": grave}
        return show_page(request, self, "core/form.html", title=title.format(account.name), **context)


def _account(pk: Any) -> Account:
    try:
        return get_object_or_404(Account.objects.select_related("referred_by"), pk=pk)
    except (ValueError, OverflowError) as nonsense:
        raise Http404 from nonsense


def _asked_depth(request: HttpRequest) -> int:
    asked = request.GET.get("depth", "1")
    return min(max(int(asked), 1), settings.LINK_GRAPH_DEPTH_MAX) if asked.isascii() and asked.isdecimal() else 1


def _facts(account: Account) -> list[tuple[str, object]]:
    verified = f"proven {account.email_verified_at:%Y-%m-%d}" if account.email_verified_at else "not proven"
    factor = "in force" if services.has_second_factor(account) else "none"
    demands = "linked accounts and operators need a fresh one to act as it" if account.step_up else "not demanded"
    return [
        ("Id", account.public_id),
        ("User name", account.username),
        ("E-mail", f"{account.email} ({verified})" if account.email else "none"),
        ("Kind", account.kind),
        ("Side", account.side or "operator"),
        ("Second factor", f"{factor}; {demands}"),
        ("Referral code", account.referral_code),
        ("Came through", account_link(account.referred_by)),
        ("Joined", f"{account.created_at:%Y-%m-%d %H:%M}"),
        *([("Closed", f"{account.closed_at:%Y-%m-%d %H:%M}")] if account.closed_at else []),
    ]


def _elsewhere(account: Account) -> list[str]:
    """Where other rooms list what this account has; rooms without such a list are left out."""
    found = f"q={account.public_id}"
    lists = [
        ("ledger.ledgeraccount", "Wallet and ledger accounts"),
        ("ledger.transfer", "Transfers"),
        ("wallets.topup", "Top-ups"),
        ("wallets.withdrawal", "Withdrawals"),
        ("wallets.earning", "Earnings"),
        ("wallets.debt", "Debts"),
        ("orders.order", "Orders"),
        ("events.eventrecord", "Events"),
        ("accounts.invitation", "Invitations"),
    ]
    return [list_link(label, found, title) for label, title in lists]


def _links(account: Account) -> str:
    """The newest living ones and how many there are."""
    links = list(selectors.links_of(visible_to=account).prefetch_related("spendings").order_by("-id")[:LISTED_MAX])
    lines = [
        (
            account_link(link.other(account)),
            switch_words(link),
            cap_words(link),
            day(link.linked_at),
            link_to("accounts.link", link.pk, link.public_id),
        )
        for link in links
    ]
    return table(["with", "switching", "the other's log-in", "since", "link"], lines) if lines else ""


def _sessions(account: Account) -> str:
    living = selectors.living_sessions(visible_to=account).order_by("-id")[:LISTED_MAX]
    lines = [
        (
            link_to("accounts.session", session.pk, state_of(session)),
            account_link(session.login_account),
            account_link(session.acting_account),
            session.device or "-",
            format_html('<span class="house-whole">{} ago</span>', timesince(session.last_seen_at, depth=1)),
        )
        for session in living
    ]
    return table(["session", "logged in", "acts as", "device", "last seen"], lines) if lines else ""


def _behaviours(account: Account) -> str:
    newest = Behaviour.objects.filter(account=account).select_related("login_account", "acting_account")
    lines = [
        (
            link_to("accounts.behaviour", act.pk, f"{act.occurred_at:%Y-%m-%d %H:%M}"),
            act.kind,
            account_link(act.login_account),
            account_link(act.acting_account),
            act.object_id or "-",
        )
        for act in newest.order_by("-id")[:LISTED_MAX]
    ]
    return table(["when", "what", "really acted", "as", "object"], lines) if lines else ""


def _identities(account: Account) -> str:
    bound = selectors.bound_identities(visible_to=account).order_by("-id")[:LISTED_MAX]
    lines = [
        (link_to("accounts.externalidentity", one.pk, one.provider), one.external_id, day(one.bound_at))
        for one in bound
    ]
    return table(["provider", "known there as", "since"], lines) if lines else ""


def _graph_table(drawn: LinkGraph) -> str:
    head = ["between", "and", "switching", "also recorded", "the other's log-in", "since", "ended", "link"]
    return table(head, map(_graph_line, drawn.edges))


def _graph_line(edge: Edge) -> tuple[object, ...]:
    link: Link = edge.link
    return (
        account_link(link.inviter),
        account_link(link.invitee),
        switch_words(link),
        mirror_words(link, kinds_in_all=len(BEHAVIOUR_KINDS)),
        "; ".join(filter(None, [cap_words(link), paid_words(edge.spent)])),
        day(link.linked_at),
        day(link.ended_at),
        link_to("accounts.link", link.pk, link.public_id),
    )
