from django.urls import path

from ledger.api import views

urlpatterns = [
    path("ledger/accounts", views.LedgerAccounts.as_view()),
    path("ledger/accounts/<str:code>", views.LedgerAccountBalance.as_view()),
    path("ledger/accounts/<str:code>/transfers", views.LedgerAccountTransfers.as_view()),
    path("ledger/trial-balance", views.TrialBalanceView.as_view()),
]
