"""The operators' pages of sharing, a file for each part."""

from sharing.admin import attributions, programs, scans, shares

__all__ = ["attributions", "programs", "scans", "shares"]
