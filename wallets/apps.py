from importlib import import_module

from django.apps import AppConfig

from accounts.lifecycle import register_closer, register_eraser, register_export, register_obstacles
from core.registry import register_proof_lines

EARNINGS_LOCK_PLACE = 20  # After orders, before ledger accounts.


class WalletsConfig(AppConfig):
    name = "wallets"
    verbose_name = "Wallets"

    def ready(self) -> None:
        import_module("wallets.services")  # Registers the timed release of earnings.
        register_proof_lines("wallets", import_module("wallets.selectors").earning_lines)
        import_module("wallets.book_checks").register()
        register_obstacles("wallets", import_module("wallets.selectors").unsettled)
        charges = import_module("wallets.services.identity_charges")
        register_eraser("identity_charges", charges.erase_charged_identities)
        pay_codes = import_module("wallets.pay_codes.services")
        register_closer("pay_codes", pay_codes.end_pay_codes)
        register_eraser("pay_codes", pay_codes.erase_phone_secrets)
        targets = import_module("wallets.payout_targets.services")
        register_eraser("payout_targets", targets.erase_payout_targets)
        exports = import_module("wallets.exports")
        register_export("earnings", exports.earnings)
        register_export("pay_code_secrets", exports.pay_code_secrets)
        register_export("payout_targets", exports.payout_targets)
        register_export("top_ups", exports.top_ups)
        register_export("wallet", exports.statement)
        register_export("withdrawals", exports.withdrawals)
        corrections = import_module("wallets.services.corrections")
        import_module("billing.debts").register_debt_rows(corrections.CorrectedDebts())
        import_module("billing.subjects").register_subject_lock(EARNINGS_LOCK_PLACE, corrections.lock_subjects)
