"""Pages about oneself: one's accounts, links, messages, sessions, and what is recorded."""

from django.urls import path

from portal.pages.people import accounts, inbox, links, records, sessions, settings

urlpatterns = [
    path("accounts", accounts.Accounts.as_view(), name="accounts"),
    path("accounts/waiting", accounts.AccountsWaiting.as_view(), name="accounts-waiting"),
    path("accounts/switch", accounts.Switch.as_view(), name="switch"),
    path("accounts/second-factor", accounts.SwitchWithCode.as_view(), name="switch-code"),
    path("links", links.Links.as_view(), name="links"),
    path(
        "links/invitations/<str:invitation_id>/withdraw", links.WithdrawInvitation.as_view(), name="invitation-withdraw"
    ),
    path("links/<str:link_id>", links.OneLink.as_view(), name="link"),
    path("links/<str:link_id>/change", links.ChangeTerms.as_view(), name="link-change"),
    path("links/<str:link_id>/accept", links.AcceptTerms.as_view(), name="link-accept"),
    path("links/<str:link_id>/end", links.EndLink.as_view(), name="link-end"),
    path("inbox", inbox.Inbox.as_view(), name="inbox"),
    path("inbox/unread", inbox.UnreadNumber.as_view(), name="inbox-unread"),
    path("inbox/read", inbox.ReadAll.as_view(), name="inbox-read"),
    path("inbox/<str:message_id>/read", inbox.ReadMessage.as_view(), name="message-read"),
    path("settings", settings.Profile.as_view(), name="settings"),
    path("settings/email", settings.VerifyEmail.as_view(), name="email-prove"),
    path("settings/security", settings.Security.as_view(), name="security"),
    path("settings/password", settings.ChangePassword.as_view(), name="password"),
    path("settings/second-factor/begin", settings.BeginFactor.as_view(), name="factor-begin"),
    path("settings/second-factor/confirm", settings.ConfirmFactor.as_view(), name="factor-confirm"),
    path("settings/second-factor/remove", settings.RemoveFactor.as_view(), name="factor-remove"),
    path("settings/second-factor/demand", settings.DemandFactor.as_view(), name="factor-demand"),
    path("settings/sessions", sessions.Sessions.as_view(), name="sessions"),
    path("settings/sessions/end-others", sessions.EndOthers.as_view(), name="sessions-end-others"),
    path("settings/sessions/<str:session_id>/end", sessions.EndSession.as_view(), name="session-end"),
    path("settings/records", records.Records.as_view(), name="records"),
    path("settings/export", records.Export.as_view(), name="export"),
    path("settings/close", records.Close.as_view(), name="close"),
]
