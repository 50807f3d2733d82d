from django.urls import path

from notifications.api import views

urlpatterns = [
    path("messages", views.Messages.as_view()),
    path("messages/stream", views.MessageStream.as_view()),
    path("messages/<str:message_id>/read", views.MessageRead.as_view()),
]
