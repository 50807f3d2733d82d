"""What may be done with wallets; one function per use case."""

from wallets.services.commissions import (
    Commission,
    TakenBack,
    record_commissions,
    schedule_commissions,
    take_back_commissions,
)
from wallets.services.debts import repay_debts, write_off_debt
from wallets.services.earnings import record_earning, release_due_earnings, schedule_release, take_back_earning
from wallets.services.identity_charges import (
    call_identity_server,
    cancel_identity_charge,
    finish_identity_charge,
    finish_open_identity_charges,
    register_charged_trades,
    request_identity_charge,
)
from wallets.services.provider_calls import ask_again
from wallets.services.shares import (
    ShareOfSale,
    ShareTakenBack,
    charge_shares,
    free_held,
    give_share_to_seller,
    schedule_shares,
    take_back_shares,
)
from wallets.services.top_ups import (
    charge_top_up,
    finish_open_top_ups,
    finish_top_up,
    give_up_top_up,
    request_top_up,
    reverse_top_up,
)
from wallets.services.unbooked import note_unbooked_change, purge_booked_changes
from wallets.services.webhooks import take_notice
from wallets.services.withdrawals import (
    finish_open_withdrawals,
    finish_withdrawal,
    pay_out_withdrawal,
    request_withdrawal,
    return_to_provider,
)

__all__ = [
    "Commission",
    "ShareOfSale",
    "ShareTakenBack",
    "TakenBack",
    "ask_again",
    "call_identity_server",
    "cancel_identity_charge",
    "charge_shares",
    "charge_top_up",
    "finish_identity_charge",
    "finish_open_identity_charges",
    "finish_open_top_ups",
    "finish_open_withdrawals",
    "finish_top_up",
    "finish_withdrawal",
    "free_held",
    "give_share_to_seller",
    "give_up_top_up",
    "note_unbooked_change",
    "pay_out_withdrawal",
    "purge_booked_changes",
    "record_commissions",
    "record_earning",
    "register_charged_trades",
    "release_due_earnings",
    "repay_debts",
    "request_identity_charge",
    "request_top_up",
    "request_withdrawal",
    "return_to_provider",
    "reverse_top_up",
    "schedule_commissions",
    "schedule_release",
    "schedule_shares",
    "take_back_commissions",
    "take_back_earning",
    "take_back_shares",
    "take_notice",
    "write_off_debt",
]
