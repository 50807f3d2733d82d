"""The tables of sharing, a file for each part."""

from sharing.models.attributions import Touch, WonLine
from sharing.models.programs import ShareBudget, ShareProgram
from sharing.models.scans import Scan, ScanClaim, ScanClass, ScanDay, ScanMark, Signal
from sharing.models.shares import Share

__all__ = [
    "Scan",
    "ScanClaim",
    "ScanClass",
    "ScanDay",
    "ScanMark",
    "Share",
    "ShareBudget",
    "ShareProgram",
    "Signal",
    "Touch",
    "WonLine",
]
