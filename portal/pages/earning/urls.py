from django.urls import URLPattern, path

from portal.pages.earning.agent import Agent
from portal.pages.earning.earnings import Earnings
from portal.pages.earning.money import OrderMoneyPage
from portal.pages.earning.network import Network, Through

urlpatterns: list[URLPattern] = [
    path("orders/<str:order_id>/money", OrderMoneyPage.as_view(), name="order-money"),
    path("earnings", Earnings.as_view(), name="earnings"),
    path("agent", Agent.as_view(), name="agent"),
    path("network", Network.as_view(), name="network"),
    path("network/<str:account_id>", Through.as_view(), name="network-through"),
]
