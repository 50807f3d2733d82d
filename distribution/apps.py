from importlib import import_module

from django.apps import AppConfig

from accounts.lifecycle import register_eraser, register_export
from catalog.placement import register_placements
from core.registry import register_proof_lines


class DistributionConfig(AppConfig):
    name = "distribution"
    verbose_name = "Distribution"

    def ready(self) -> None:
        import_module("distribution.services")  # Registers the timed transitions.
        import_module("distribution.consumers")
        register_placements(import_module("distribution.placements").placements_now)
        register_proof_lines("distribution", import_module("distribution.selectors").escrow_lines)
        import_module("distribution.book_checks").register()
        exports = import_module("distribution.people_exports")
        register_export("agent_seats", exports.seats)
        register_export("referral_places", exports.places)
        register_export("referrals", exports.brought)
        register_eraser("distribution", exports.blank_reasons)
