from django.urls import path

from core.api import clock, jobs

urlpatterns = [
    path("clock", clock.Clock.as_view(), name="clock"),
    path("jobs/<str:job_id>", jobs.OneJob.as_view(), name="job"),
    path("clock/advance", clock.ClockAdvance.as_view(), name="clock-advance"),
]
