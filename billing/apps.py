from importlib import import_module

from django.apps import AppConfig


class BillingConfig(AppConfig):
    name = "billing"
    verbose_name = "Billing"

    def ready(self) -> None:
        from billing import booking, checks, sealing  # Models are ready only now.

        import_module("billing.services.replaying")  # Jobs are known by their kind.
        import_module("billing.services.repairing")
        booking.register()
        checks.register()
        sealing.register()
