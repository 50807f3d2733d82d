"""What may be done with share programs, shares, scans and share charges; one function per use case."""

from sharing.services.charging import CompletedOrder, PaidOrder, charge_orders, complete_orders
from sharing.services.claiming import claim_scan, claim_scans, record_named_scan
from sharing.services.counting import count_scans
from sharing.services.deciding import end_due_holds, reject_share, release_share
from sharing.services.hearing import hear_what_waits
from sharing.services.matching import Matches, PlacedLine, match_order, record_matches
from sharing.services.programs import end_program, end_programs_of, set_program
from sharing.services.reclassifying import request_reclassification
from sharing.services.reversing import foresee_reversals, reverse_share_charges
from sharing.services.scanning import Look, record_scan, record_scans
from sharing.services.sharing import (
    WantedShare,
    make_share,
    make_shares,
    revoke_share,
    revoke_shares_of,
    take_down_share,
)

__all__ = [
    "CompletedOrder",
    "Look",
    "Matches",
    "PaidOrder",
    "PlacedLine",
    "WantedShare",
    "charge_orders",
    "claim_scan",
    "claim_scans",
    "complete_orders",
    "count_scans",
    "end_due_holds",
    "end_program",
    "end_programs_of",
    "foresee_reversals",
    "hear_what_waits",
    "make_share",
    "make_shares",
    "match_order",
    "record_matches",
    "record_named_scan",
    "record_scan",
    "record_scans",
    "reject_share",
    "release_share",
    "request_reclassification",
    "reverse_share_charges",
    "revoke_share",
    "revoke_shares_of",
    "set_program",
    "take_down_share",
]
