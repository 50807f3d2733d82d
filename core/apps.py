from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

from core.logs import configure_structlog


class CoreConfig(AppConfig):
    name = "core"
    verbose_name = "Core"

    def ready(self) -> None:
        from core.heartbeats import expect_looks  # Models are ready only now.

        configure_structlog()
        expect_looks("timed", _("Timed work"))
        expect_looks("jobs", _("Long jobs"))
