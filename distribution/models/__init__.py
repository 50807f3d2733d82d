"""The tables of distribution, a file for each part."""

from distribution.models.areas import Area, AreaAlias, AreaBorder, AreaScheme, AreaVersion
from distribution.models.placements import Placement
from distribution.models.referrals import Referral
from distribution.models.seats import AgentSeat

__all__ = ["AgentSeat", "Area", "AreaAlias", "AreaBorder", "AreaScheme", "AreaVersion", "Placement", "Referral"]
