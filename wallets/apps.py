from importlib import import_module

from django.apps import AppConfig


class WalletsConfig(AppConfig):
    name = "wallets"
    verbose_name = "Wallets"

    def ready(self) -> None:
        import_module("wallets.services")  # Registers the timed release of earnings.
