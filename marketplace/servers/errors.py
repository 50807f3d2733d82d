"""What the launcher can refuse."""


class ServersUnavailable(RuntimeError):
    """The embedded servers cannot be had; the message is one sentence for the person at the terminal."""
