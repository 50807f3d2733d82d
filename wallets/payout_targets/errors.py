from core.errors import Conflict, Unprocessable


class PayoutTargetRequired(Unprocessable):
    code = "payout_target_required"
    message = "A withdrawal says where the money is to go: name one of your payout targets."


class PayoutTargetUnknown(Unprocessable):
    code = "payout_target_unknown"
    message = "You have no payout target of this id that withdrawals go to just now."


class PayoutTargetKnown(Conflict):
    code = "payout_target_known"
    message = "You have this payout target already."


class TooManyPayoutTargets(Conflict):
    code = "too_many_payout_targets"
    message = "Remove a payout target before you add another one."


class PayoutTargetInUse(Conflict):
    code = "payout_target_in_use"
    message = "A withdrawal is on its way there; it can be removed once that has ended."
