"""Everything distribution can refuse. Codes are public API and never change."""

from core.errors import Conflict, FieldError, NotFound, Unprocessable


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


class AccountUnknown(Unprocessable):
    code = "account_unknown"
    message = "There is no account of this id."

    @classmethod
    def at(cls, field: str) -> "AccountUnknown":
        """Name the field of the body that names no account."""
        return cls(errors=[FieldError(field, cls.code, cls.message)])


class AccountClosed(Conflict):
    code = "account_closed"
    message = "This account is closed or shut out."


class OperatorAsAgent(Unprocessable):
    code = "operator_as_agent"
    message = "Operators appoint agents and are none themselves."


class SeatTaken(Conflict):
    code = "seat_taken"
    message = "The area has an agent in that time."


class SeatEnded(Conflict):
    code = "seat_ended"
    message = "This seat has ended."


class FromTooEarly(Conflict):
    code = "from_too_early"
    message = "A seat cannot begin that early."


class ReferralCycle(Conflict):
    code = "referral_cycle"
    message = "The referrer stands below the account: nobody can have brought whoever brought him."


class AlreadyReferred(Conflict):
    code = "already_referred"
    message = "The account has a referrer; move it if it should have another."


class ReferralUnchanged(Conflict):
    code = "referral_unchanged"
    message = "The account stands there already."


class ReferralEnded(Conflict):
    code = "referral_ended"
    message = "This account's place among people has ended."


class ReferralMoving(Conflict):
    code = "referral_moving"
    message = "Those who stood below somebody who left are being moved up: try again in a moment."


class PlanNotSound(Conflict):
    code = "plan_not_sound"
    message = "The plan does not pass its check."


class PlanNotDraft(Conflict):
    code = "plan_not_draft"
    message = "Only a draft can be activated."


class PlanEffectiveFromTaken(Conflict):
    code = "effective_from_taken"
    message = "Another version takes effect at that very moment."
