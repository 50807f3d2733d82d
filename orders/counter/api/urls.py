from django.urls import path

from orders.counter.api import customers, days, receipts, terminals, trades

urlpatterns = [
    path("stores/<str:store_id>/terminals", terminals.Terminals.as_view()),
    path("stores/<str:store_id>/trades", days.StoreTrades.as_view()),
    path("stores/<str:store_id>/day", days.StoreDay.as_view()),
    path("terminals/<str:terminal_id>", terminals.TerminalOne.as_view()),
    path("terminals/<str:terminal_id>/rotate", terminals.TerminalRotation.as_view()),
    path("terminal/trades", trades.TillTrades.as_view()),
    path("terminal/trades/cancel", trades.TillCancelling.as_view()),
    path("terminal/trades/<str:trade_no>", trades.TillTrade.as_view()),
    path("terminal/trades/<str:trade_no>/pay", trades.TillTradePayment.as_view()),
    path("terminal/trades/<str:trade_no>/refunds", trades.TillRefunds.as_view()),
    path("terminal/trades/<str:trade_no>/receipt", receipts.TillReceipt.as_view()),
    path("trades/<str:trade_no>/receipt", receipts.CustomerReceipt.as_view()),
    path("trades/<str:trade_no>", customers.CustomerTrade.as_view()),
    path("trades/<str:trade_no>/pay", customers.TradePayment.as_view()),
    path("trades/<str:trade_no>/confirm", customers.TradeConfirmation.as_view()),
]
