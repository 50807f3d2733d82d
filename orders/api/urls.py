from django.urls import path

from orders.api import attribution, views
from orders.cart import api as cart
from orders.counter.api.urls import urlpatterns as counter_urls

urlpatterns = [
    *counter_urls,
    path("cart", cart.OwnCart.as_view()),
    path("cart/lines/<str:item_id>", cart.OwnCartLine.as_view()),
    path("cart/order", cart.CartOrder.as_view()),
    path("orders", views.Orders.as_view()),
    path("orders/<str:order_id>", views.OrderOne.as_view()),
    path("orders/<str:order_id>/pay", views.OrderPayment.as_view()),
    path("orders/<str:order_id>/cancel", views.OrderCancelling.as_view()),
    path("orders/<str:order_id>/fulfil", views.OrderFulfilment.as_view()),
    path("orders/<str:order_id>/complete", views.OrderCompletion.as_view()),
    path("orders/<str:order_id>/attribution", attribution.OrderAttribution.as_view()),
    path("orders/<str:order_id>/refunds", views.OrderRefunds.as_view()),
    path("checkouts/<str:checkout_id>", views.Checkouts.as_view()),
    path("checkouts/<str:checkout_id>/pay", views.CheckoutPayment.as_view()),
    path("refunds/<str:refund_id>", views.RefundOne.as_view()),
    path("orders/<str:order_id>/refund-requests", views.RefundRequests.as_view()),
    path("refund-requests", views.OwnRefundRequests.as_view()),
    path("refund-requests/<str:request_id>", views.RefundRequestOne.as_view()),
    path("refund-requests/<str:request_id>/accept", views.RefundRequestAccepting.as_view()),
    path("refund-requests/<str:request_id>/refuse", views.RefundRequestRefusing.as_view()),
]
