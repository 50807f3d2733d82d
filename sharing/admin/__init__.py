"""The operators' pages of sharing, a file for each part."""

from sharing.admin import programs, scans, shares

__all__ = ["programs", "scans", "shares"]
