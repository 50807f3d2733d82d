"""The tables of sharing, a file for each part."""

from sharing.models.programs import ShareBudget, ShareProgram
from sharing.models.shares import Share

__all__ = ["Share", "ShareBudget", "ShareProgram"]
