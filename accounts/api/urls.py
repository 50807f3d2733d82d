from django.urls import path

from accounts.api import views

urlpatterns = [
    path("accounts", views.Accounts.as_view(), name="accounts"),
    path("account", views.OwnAccount.as_view(), name="account"),
    path("account/password", views.OwnPassword.as_view(), name="account-password"),
    path("sessions", views.Sessions.as_view(), name="sessions"),
    path("sessions/<str:session_id>", views.OneSession.as_view(), name="session-by-id"),
    path("session", views.CurrentSession.as_view(), name="session"),
]
