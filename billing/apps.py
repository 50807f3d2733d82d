from django.apps import AppConfig


class BillingConfig(AppConfig):
    name = "billing"
    verbose_name = "Billing"

    def ready(self) -> None:
        from billing import booking, checks, sealing  # Models are ready only now.

        booking.register()
        checks.register()
        sealing.register()
