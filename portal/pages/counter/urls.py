"""/counter/…"""

from django.urls import path

from portal.pages.counter import days, tills, trades, working

urlpatterns = [
    path("counter", tills.Counter.as_view(), name="counter"),
    path("counter/stores/<str:store_id>/new-till", tills.NewTill.as_view(), name="new-till"),
    path("counter/stores/<str:store_id>/day", days.StoreDay.as_view(), name="store-day"),
    path("counter/stores/<str:store_id>/day.csv", days.StoreDayCSV.as_view(), name="store-day-csv"),
    path("counter/<str:terminal_id>", working.Till.as_view(), name="till"),
    path("counter/<str:terminal_id>/sale", working.ChangeSale.as_view(), name="till-sale"),
    path("counter/<str:terminal_id>/ring-up", working.RingUp.as_view(), name="till-ring-up"),
    path("counter/<str:terminal_id>/next", working.NextSale.as_view(), name="till-next"),
    path("counter/<str:terminal_id>/key", tills.NewKey.as_view(), name="till-key"),
    path("counter/<str:terminal_id>/revoke", tills.Revoke.as_view(), name="till-revoke"),
    path("counter/<str:terminal_id>/trades/<str:trade_no>", trades.TradePage.as_view(), name="till-trade"),
    path("counter/<str:terminal_id>/trades/<str:trade_no>/code", trades.CodeAlone.as_view(), name="till-code"),
    path("counter/<str:terminal_id>/trades/<str:trade_no>/again", trades.Again.as_view(), name="till-again"),
    path("counter/<str:terminal_id>/trades/<str:trade_no>/cancel", trades.Cancel.as_view(), name="till-cancel"),
    path("counter/<str:terminal_id>/trades/<str:trade_no>/refund", trades.Refund.as_view(), name="till-refund"),
]
