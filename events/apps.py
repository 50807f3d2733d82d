from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class EventsConfig(AppConfig):
    name = "events"
    verbose_name = "Events"

    def ready(self) -> None:
        from core.heartbeats import expect_looks  # Models are ready only now.
        from events import figures

        figures.register()
        expect_looks("deliveries", _("Deliveries"))
