from django.urls import path

from wallets.api import views, webhooks
from wallets.pay_codes import api as pay_codes
from wallets.payout_targets import api as payout_targets

urlpatterns = [
    path("wallet", views.Wallet.as_view()),
    path("wallet/top-ups", views.TopUps.as_view()),
    path("wallet/top-ups/<str:top_up_id>", views.TopUp.as_view()),
    path("wallet/withdrawals", views.Withdrawals.as_view()),
    path("wallet/withdrawals/<str:withdrawal_id>", views.Withdrawal.as_view()),
    path("wallet/debt-repayments", views.DebtRepayments.as_view()),
    path("wallet/statement", views.Statement.as_view()),
    path("webhooks/<str:provider>", webhooks.Webhook.as_view()),
    path("earnings", views.Earnings.as_view()),
    path("payout-targets", payout_targets.PayoutTargets.as_view()),
    path("payout-targets/<str:target_id>", payout_targets.PayoutTargetOne.as_view()),
    path("pay-codes", pay_codes.PayCodes.as_view()),
    path("pay-code-secrets", pay_codes.PayCodeSecrets.as_view()),
    path("pay-code-secrets/<str:secret_id>", pay_codes.OnePayCodeSecret.as_view()),
    path("confirmation-limits", pay_codes.ConfirmationLimits.as_view()),
]
