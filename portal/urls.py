from django.urls import path
from django.views.decorators.csrf import csrf_exempt
from django.views.i18n import set_language

from portal.pages import (
    browsing,
    by_mail,
    inviting,
    items,
    joining,
    logging_in,
    ordering,
    orders,
    paying,
    receipts,
    registering,
    sharing,
)
from portal.pages.buying import urls as buying
from portal.pages.counter import urls as counter
from portal.pages.earning import urls as earning
from portal.pages.people import urls as people
from portal.pages.selling import urls as selling

app_name = "portal"

urlpatterns = [
    path("", browsing.Browse.as_view(), name="browse"),
    # Open to forged forms too: all that one could do is to change the language.
    path("language", csrf_exempt(set_language), name="language"),
    path("log-in", logging_in.LogIn.as_view(), name="log-in"),
    path("log-in/second-factor", logging_in.SecondFactor.as_view(), name="second-factor"),
    path("log-out", logging_in.LogOut.as_view(), name="log-out"),
    path("register", registering.Register.as_view(), name="register"),
    path("items/<str:item_id>", items.ItemPage.as_view(), name="item"),
    path("items/<str:item_id>/order", ordering.OrderItem.as_view(), name="order-item"),
    path("items/<str:item_id>/share", sharing.ShareItem.as_view(), name="share-item"),
    path("shares", sharing.Shares.as_view(), name="shares"),
    path("shares/<str:share_id>", sharing.OneShare.as_view(), name="share"),
    path("shares/<str:share_id>/poster", sharing.Poster.as_view(), name="poster"),
    path("orders/<str:order_id>", orders.OrderPage.as_view(), name="order"),
    path("invite", inviting.Invite.as_view(), name="invite"),
    path("join", joining.Join.as_view(), name="join"),
    path("join/confirm", joining.Confirm.as_view(), name="join-confirm"),
    path("join/<str:link_id>", joining.Joined.as_view(), name="joined"),
    path("pay/<str:trade_no>", paying.Pay.as_view(), name="pay"),
    path("receipts/<str:code>.pdf", receipts.ReceiptPDF.as_view(), name="receipt-pdf"),
    path("receipts/<str:code>.txt", receipts.ReceiptText.as_view(), name="receipt-text"),
    path("receipts/<str:code>", receipts.Receipt.as_view(), name="receipt"),
    path("password/forgotten", by_mail.Forgotten.as_view(), name="password-forgotten"),
    path("password/asked", by_mail.Asked.as_view(), name="password-asked"),
    path("password/changed", by_mail.Changed.as_view(), name="password-changed"),
    path("password/new/<str:token>", by_mail.NewPassword.as_view(), name="password-new"),
    path("email/confirmed", by_mail.Confirmed.as_view(), name="email-confirmed"),
    path("email/confirm/<str:token>", by_mail.ConfirmEmail.as_view(), name="email-confirm"),
    *people.urlpatterns,
    *buying.urlpatterns,
    *selling.urlpatterns,
    *counter.urlpatterns,
    *earning.urlpatterns,
]
