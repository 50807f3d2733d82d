"""What may be done with wallets; one function per use case."""

from wallets.services.earnings import record_earning, release_due_earnings, schedule_release, take_back_earning
from wallets.services.unbooked import note_unbooked_change, purge_booked_changes

__all__ = [
    "note_unbooked_change",
    "purge_booked_changes",
    "record_earning",
    "release_due_earnings",
    "schedule_release",
    "take_back_earning",
]
