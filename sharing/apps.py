from importlib import import_module

from django.apps import AppConfig

from accounts.lifecycle import register_eraser, register_export


class SharingConfig(AppConfig):
    name = "sharing"
    verbose_name = "Sharing"

    def ready(self) -> None:
        import_module("sharing.services")  # Registers the timed transitions.
        import_module("sharing.consumers")
        import_module("sharing.book_checks").register()
        exports = import_module("sharing.exports")
        register_export("share_programs", exports.programs)
        register_export("shares", exports.shares)
        claims = import_module("sharing.claims")
        register_export("scan_claims", claims.export_claims)
        register_eraser("scan_claims", claims.forget_claims)
        register_eraser("shares", import_module("sharing.services.sharing").blank_reasons)
        register_eraser("share_charges", import_module("sharing.services.deciding").blank_decisions)
