"""What may be done with share programs, shares, scans and share charges; one function per use case."""

from sharing.services.programs import end_program, end_programs_of, set_program
from sharing.services.sharing import make_share, revoke_share, revoke_shares_of, take_down_share

__all__ = [
    "end_program",
    "end_programs_of",
    "make_share",
    "revoke_share",
    "revoke_shares_of",
    "set_program",
    "take_down_share",
]
