"""The operators' pages of sharing, a file for each part."""

from sharing.admin import programs, shares

__all__ = ["programs", "shares"]
