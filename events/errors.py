from core.errors import Refusal


class EventKeyTaken(Refusal):
    """The key belongs to an event already recorded: the caller's own row lock should have seen it."""

    status = 409
    code = "event_key_reused"
    message = "This event was recorded before."


class OutsideTransaction(RuntimeError):
    """An event must commit with what caused it, or not at all."""
