from django.urls import path

from proofs.api import views

urlpatterns = [path("orders/<str:order_id>/money", views.OrderMoneyProof.as_view())]
