"""Everything the counter can refuse, beside what orders can. Codes are public API and never change."""

from core.errors import Conflict


class TerminalRevoked(Conflict):
    code = "terminal_revoked"
    message = "This till has been taken out of service; make another one."
