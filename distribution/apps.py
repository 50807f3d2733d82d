from importlib import import_module

from django.apps import AppConfig


class DistributionConfig(AppConfig):
    name = "distribution"
    verbose_name = "Distribution"

    def ready(self) -> None:
        import_module("distribution.services")  # Registers the timed transitions.
        import_module("distribution.consumers")
