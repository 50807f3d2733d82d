"""What `make run` can refuse."""


class CannotRun(RuntimeError):
    """The marketplace cannot be started; the message is one sentence for the person at the terminal."""
