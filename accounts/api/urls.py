from django.urls import path

from accounts.api import behaviours, by_mail, identities, linking, second_factors, views

urlpatterns = [
    path("accounts", views.Accounts.as_view(), name="accounts"),
    path("account", views.OwnAccount.as_view(), name="account"),
    path("account/password", views.OwnPassword.as_view(), name="account-password"),
    path("sessions", views.Sessions.as_view(), name="sessions"),
    path("sessions/<str:session_id>", views.OneSession.as_view(), name="session-by-id"),
    path("account/close", views.Closing.as_view(), name="account-close"),
    path("account/export", views.Export.as_view(), name="account-export"),
    path("password-resets", by_mail.PasswordResets.as_view(), name="password-resets"),
    path("password-resets/confirm", by_mail.PasswordResetConfirmation.as_view(), name="password-resets-confirm"),
    path("email-verifications", by_mail.EmailVerifications.as_view(), name="email-verifications"),
    path("email-verifications/confirm", by_mail.EmailVerificationConfirmation.as_view(), name="email-confirm"),
    path("account/totp", second_factors.Totp.as_view(), name="account-totp"),
    path("account/totp/remove", second_factors.TotpRemoval.as_view(), name="account-totp-remove"),
    path("account/totp/confirm", second_factors.TotpConfirmation.as_view(), name="account-totp-confirm"),
    path("session/second-factor", second_factors.StepUp.as_view(), name="session-second-factor"),
    path("session/switch", linking.SessionSwitch.as_view(), name="session-switch"),
    path("session", views.CurrentSession.as_view(), name="session"),
    path("link-invitations", linking.Invitations.as_view(), name="link-invitations"),
    path("link-invitations/<str:invitation_id>", linking.OneInvitation.as_view(), name="link-invitation"),
    path("identities", identities.Identities.as_view(), name="identities"),
    path("identities/<str:identity_id>", identities.OneIdentity.as_view(), name="identity"),
    path("behaviours", behaviours.Behaviours.as_view(), name="behaviours"),
    path("links", linking.Links.as_view(), name="links"),
    path("links/preview", linking.LinkPreview.as_view(), name="link-preview"),
    path("links/<str:link_id>", linking.OneLink.as_view(), name="link"),
    path("links/<str:link_id>/mirrored", linking.MirroredBehaviours.as_view(), name="link-mirrored"),
    path("links/<str:link_id>/accept", linking.LinkAcceptance.as_view(), name="link-acceptance"),
]
