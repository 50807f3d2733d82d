"""The tables of distribution, a file for each part."""

from distribution.models.areas import Area, AreaAlias, AreaBorder, AreaScheme, AreaVersion
from distribution.models.placements import Placement

__all__ = ["Area", "AreaAlias", "AreaBorder", "AreaScheme", "AreaVersion", "Placement"]
