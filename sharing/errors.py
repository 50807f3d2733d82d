"""Everything sharing can refuse. Codes are public API and never change."""

from core.errors import Conflict, FieldError, Unprocessable


class NoShareProgram(Conflict):
    code = "no_share_program"
    message = "This item has no program now: there is nothing to share it for."


class ActivityUrlNotAllowed(Unprocessable):
    code = "activity_url_not_allowed"
    message = "A share leads to our own page of an item, or to https on a host that the item's program names."


class RateOrAmount(Unprocessable):
    code = "rate_or_amount"
    message = "Say a rate or an amount, and not both."


class OtherCurrency(Unprocessable):
    code = "other_currency"
    message = "An amount and a budget are in the currency of the item's price."


class HostInvalid(Unprocessable):
    code = "host_invalid"
    message = "A host is a public name such as shop.example, without scheme, port or path, and not our own."

    @classmethod
    def at(cls, place: int) -> "HostInvalid":
        """Name the host of the body that is none."""
        return cls(errors=[FieldError(f"hosts.{place}", cls.code, cls.message)])


class ShareRevokedAlready(Conflict):
    code = "share_revoked"
    message = "This share has been revoked."


class ShareNotHeld(Conflict):
    code = "share_not_held"
    message = "Nothing holds this part of a sale, or not any more."


class ScanTokenForged(Unprocessable):
    code = "scan_token_forged"
    message = "This is no scan token of ours."


class ScanTokenExpired(Conflict):
    code = "scan_token_expired"
    message = "The scan is too old to be claimed."


class ScanTokenUsed(Conflict):
    code = "scan_token_used"
    message = "Another account has claimed this scan."
