from importlib import import_module

from django.apps import AppConfig


class SharingConfig(AppConfig):
    name = "sharing"
    verbose_name = "Sharing"

    def ready(self) -> None:
        import_module("sharing.services")  # Registers the timed transitions.
        import_module("sharing.consumers")
