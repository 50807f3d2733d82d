"""What stops an import. Lines that cannot be used do not: they are refused with a reason."""


class ReplayStopped(RuntimeError):
    """The import cannot go on; the message is for the person at the terminal."""


class AlreadyRunning(ReplayStopped):
    """Another import of the same history is under way."""


class FiguresDiffer(ReplayStopped):
    """What was imported is not what the file says."""
