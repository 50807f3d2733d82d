from django.urls import path

from orders.counter.api import terminals

urlpatterns = [
    path("stores/<str:store_id>/terminals", terminals.Terminals.as_view()),
    path("terminals/<str:terminal_id>", terminals.TerminalOne.as_view()),
    path("terminals/<str:terminal_id>/rotate", terminals.TerminalRotation.as_view()),
]
