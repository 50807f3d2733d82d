from django.urls import path

from core.api import clock

urlpatterns = [
    path("clock", clock.Clock.as_view(), name="clock"),
    path("clock/advance", clock.ClockAdvance.as_view(), name="clock-advance"),
]
