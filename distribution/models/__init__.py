"""The tables of distribution, a file for each part."""

from distribution.models.allocations import AllocatedLine, Allocation
from distribution.models.areas import Area, AreaAlias, AreaBorder, AreaScheme, AreaVersion
from distribution.models.placements import Placement
from distribution.models.plans import Plan
from distribution.models.referrals import Referral
from distribution.models.seats import AgentSeat

__all__ = [
    "AgentSeat",
    "AllocatedLine",
    "Allocation",
    "Area",
    "AreaAlias",
    "AreaBorder",
    "AreaScheme",
    "AreaVersion",
    "Placement",
    "Plan",
    "Referral",
]
