"""What the pages about earnings say: roles, states, reasons, and where money is booked."""

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.wording import earning_in_words
from sharing.models import ShareProgram, WonLine

TONES = {"released": "good", "pending": "wait", "held": "bad", "escrow": "wait", "reversed": "plain"}
"""How far a part of a sale has come -> how it is shown."""

ROLES = {
    "seller": gettext_lazy("Sale"),
    "sharer": gettext_lazy("Shared code"),
    "agent": gettext_lazy("Agent"),
    "referrer": gettext_lazy("Brought a buyer"),
    "merchant_referrer": gettext_lazy("Brought a seller"),
    "cashback": gettext_lazy("Cashback"),
}

_WON_BY = {
    "last_touch": gettext_lazy("Of the codes that the buyer has scanned, theirs was the last."),
    "first_touch": gettext_lazy("Of the codes that the buyer has scanned, theirs was the first."),
    "locked": gettext_lazy("They brought this buyer before, and that still counts."),
}

_GUARDS = {
    "too_fast": gettext_lazy("It was ordered sooner after the scan than a person reads the page."),
    "burst": gettext_lazy("One code brought more orders within minutes than is usual."),
    "refunds": gettext_lazy("Most of what this code brought lately was given back."),
}

_BOOKED_AT = {
    "wallet": gettext_lazy("wallet of %(who)s"),
    "pending": gettext_lazy("pending for %(who)s"),
    "debt": gettext_lazy("debt of %(who)s"),
}
_HOUSE_ACCOUNTS = {
    "platform": gettext_lazy("the platform"),
    "escrow": gettext_lazy("kept until an agent is known"),
    "clearing": gettext_lazy("the payment provider"),
    "cash": gettext_lazy("the payment provider"),
}


def role_in_words(role: str) -> str:
    """Return what somebody has a part of a sale for."""
    return str(ROLES.get(role, role))


def brought_in_words(program: ShareProgram, title: str, won_by: str) -> str:
    """Say what a sharer gets of a line, and why it is this sharer."""
    what = {"title": title, "given": earning_in_words(program)}
    said = _("Brought the customer of %(title)s: %(given)s") % what
    return f"{said} {_WON_BY[won_by]}" if won_by in _WON_BY else said


def held_in_words(line: WonLine) -> list[str]:
    """Say why a sharer's part is held back."""
    return [str(_GUARDS[found["guard"]]) for found in line.hold_reasons if found["guard"] in _GUARDS]


def booked_in_words(code: str, people: dict[str, str]) -> str:
    """Say where money is booked: a ledger account as people call it; `people`: names by public id."""
    kind, _colon, owner = code.partition(":")
    if kind in _BOOKED_AT:
        return str(_BOOKED_AT[kind]) % {"who": people.get(owner, _("somebody else"))}
    return str(_HOUSE_ACCOUNTS.get(kind, code))
