"""The operators' pages of sharing, a file for each part."""

from sharing.admin import attributions, cockpit, programs, scans, shares

__all__ = ["attributions", "cockpit", "programs", "scans", "shares"]
