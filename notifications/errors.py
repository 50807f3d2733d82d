"""What following the inbox can refuse."""

from core.errors import FieldError, InvalidInput, Refusal

RETRY_SECONDS = 5  # Streams end every few minutes, and their readers come back after a moment.


class StreamsBusy(Refusal):
    status = 503
    code = "streams_busy"
    message = "This server has as many streams open as it keeps. Try again, or ask for the list meanwhile."
    retry_after_seconds = RETRY_SECONDS


class TooManyStreams(Refusal):
    status = 429
    code = "too_many_streams"
    message = "This account has as many streams open as it may."
    retry_after_seconds = RETRY_SECONDS


class LastEventInvalid(InvalidInput):
    code = "last_event_invalid"
    message = "Last-Event-ID is the id of a message: msg_…"

    def __init__(self) -> None:
        super().__init__([FieldError("Last-Event-ID", self.code, self.message)])
