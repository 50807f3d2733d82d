"""Why a till is not paid. Codes are public API and never change."""

from core.errors import Conflict


class PayCodeInvalid(Conflict):
    """One answer for a wrong, a used and an expired code."""

    code = "pay_code_invalid"
    message = "This pay code pays nothing (any more): let the customer make a new one."


class PayCodeMaximum(Conflict):
    code = "pay_code_maximum"
    message = "The customer has limited this pay code to less, or to another currency."


class ConfirmationNeeded(Conflict):
    code = "confirmation_needed"
    message = "The customer has to confirm so much on the phone first."


class TooManyPayCodeSecrets(Conflict):
    code = "too_many_pay_code_secrets"
    message = "So many phones make codes for this account already: revoke one first."
