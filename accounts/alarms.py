"""What is looked at over all accounts together, since each limit sees one account or one address."""

from core.alarms import Alarm, register_alarm

WRONG_INVITATION_CODES = Alarm("wrong_invitation_codes", "INVITATION_ALARM")


def register() -> None:
    """Show it in /metrics."""
    register_alarm(WRONG_INVITATION_CODES, "Wrong invitation codes, of all accounts, since the present window began.")
