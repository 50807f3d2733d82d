"""Everything distribution can refuse. Codes are public API and never change."""

from core.errors import Conflict, NotFound, Unprocessable


class AreaUnknown(Unprocessable):
    code = "area_unknown"
    message = "There is no area of this code in force."


class AreaAmbiguous(Unprocessable):
    code = "area_ambiguous"
    message = "Several schemes have this code: say which, as in `BR:35`."


class Nowhere(NotFound):
    code = "nowhere"
    message = "No area is known there."


class PlacementSettled(Conflict):
    code = "placement_settled"
    message = "This placement does not wait for a decision."
