from django.urls import URLPattern, path

from portal.pages.buying import cart, checkout, orders, pay_codes, statement, wallet

urlpatterns: list[URLPattern] = [
    path("cart", cart.CartPage.as_view(), name="cart"),
    path("cart/lines/<str:item_id>", cart.ChangeLine.as_view(), name="cart-line"),
    path("cart/lines/<str:item_id>/remove", cart.TakeOut.as_view(), name="cart-remove"),
    path("items/<str:item_id>/cart", cart.AddToCart.as_view(), name="cart-add"),
    path("checkout", checkout.CheckOut.as_view(), name="checkout"),
    path("checkouts/<str:checkout_id>", checkout.CheckoutDone.as_view(), name="checkout-done"),
    path("orders", orders.OrderList.as_view(), name="orders"),
    path("orders/<str:order_id>/cancel", orders.Cancel.as_view(), name="order-cancel"),
    path("orders/<str:order_id>/received", orders.Received.as_view(), name="order-received"),
    path("orders/<str:order_id>/refund", orders.AskForRefund.as_view(), name="order-refund"),
    path("wallet", wallet.Wallet.as_view(), name="wallet"),
    path("wallet/top-up", wallet.TopUpPage.as_view(), name="top-up"),
    path("wallet/top-ups/<str:payment_id>", wallet.TopUpDone.as_view(), name="top-up-done"),
    path("wallet/withdraw", wallet.WithdrawPage.as_view(), name="withdraw"),
    path("wallet/withdrawals/<str:payment_id>", wallet.WithdrawalDone.as_view(), name="withdrawal-done"),
    path("wallet/payout-targets", wallet.PayoutTargets.as_view(), name="payout-targets"),
    path("wallet/payout-targets/<str:target_id>/remove", wallet.RemoveTarget.as_view(), name="payout-target-remove"),
    path("wallet/repay", wallet.Repay.as_view(), name="repay"),
    path("wallet/statement", statement.StatementPage.as_view(), name="statement"),
    path("wallet/statement.csv", statement.StatementCSV.as_view(), name="statement-csv"),
    path("pay-code", pay_codes.ShowPayCode.as_view(), name="pay-code"),
    path("pay-code/phones", pay_codes.Phones.as_view(), name="phones"),
    path("pay-code/phones/<str:secret_id>/end", pay_codes.EndPhone.as_view(), name="phone-end"),
    path("pay-code/<str:name>", pay_codes.PayCodeState.as_view(), name="pay-code-state"),
]
