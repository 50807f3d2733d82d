from django.apps import AppConfig

from core.logs import configure_structlog


class CoreConfig(AppConfig):
    name = "core"
    verbose_name = "Core"

    def ready(self) -> None:
        configure_structlog()
