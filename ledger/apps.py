from django.apps import AppConfig


class LedgerConfig(AppConfig):
    name = "ledger"
    verbose_name = "Ledger"

    def ready(self) -> None:
        from ledger import checks, figures, rollups, seal_checks  # Models are ready only now.

        checks.register()
        figures.register()
        rollups.register()
        seal_checks.register()
