"""What messages say, in sentences; what they tell of is `notifications`' business."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from core.languages import say_money
from core.money import Money
from notifications.api.documents import message_documents
from notifications.models import Message

_AMOUNTS = ("amount", "repaid", "from_pending", "from_wallet", "owed")


@dataclass(frozen=True, slots=True)
class Saying:
    """What is said of a kind: its picture, a title, and a sentence; both may name what stands in the data."""

    icon: str
    title: str | Promise
    sentence: str | Promise = ""


_SAYINGS = {
    "referral.bound": Saying(
        "user-plus",
        gettext_lazy("You came through %(referrer)s"),
        gettext_lazy("Of what you buy, a part may go to them."),
    ),
    "referral.joined": Saying(
        "user-plus",
        gettext_lazy("%(account)s came through you"),
        gettext_lazy("Of what they buy, a part may go to you."),
    ),
    "referral.moved": Saying("users", gettext_lazy("You now stand below %(referrer)s")),
    "referral.left": Saying("user-minus", gettext_lazy("%(account)s no longer stands below you")),
    "referral.moved_up": Saying("users", gettext_lazy("%(former_referrer)s has left, and their people came to you")),
    "referral.ended": Saying("user-minus", gettext_lazy("Your place among those who bring people has ended")),
    "store.placed": Saying("map-pin", gettext_lazy("Your store was placed in area %(area)s")),
    "placement.decided": Saying("map-pin", gettext_lazy("An operator has placed your store in area %(area)s")),
    "agent.appointed": Saying("map", gettext_lazy("You are now the agent of area %(area)s")),
    "agent.ended": Saying("map", gettext_lazy("You are no longer the agent of area %(area)s")),
    "commission.accrued": Saying(
        "coins", gettext_lazy("%(amount)s earned from a sale"), gettext_lazy("It waits until the sale is final.")
    ),
    "commission.escrow_released": Saying("coins", gettext_lazy("%(amount)s that waited for an agent is yours")),
    "commission.released": Saying("wallet", gettext_lazy("%(amount)s of your commission is in your wallet")),
    "commission.reversed": Saying(
        "undo-2", gettext_lazy("%(amount)s of your commission was taken back"), gettext_lazy("The sale was refunded.")
    ),
    "share.taken_down": Saying(
        "ban",
        gettext_lazy("An operator has taken one of your shared codes down"),
        gettext_lazy("Whoever scans it now is told so."),
    ),
    "share.ended": Saying(
        "ban",
        gettext_lazy("A share program has ended"),
        gettext_lazy("Your codes of its item lead nowhere now. What was scanned before still counts, as promised."),
    ),
    "share.charged": Saying(
        "qr-code",
        gettext_lazy("%(amount)s earned with a code you shared"),
        gettext_lazy("It waits until the sale is final."),
    ),
    "share.reversed": Saying("undo-2", gettext_lazy("%(amount)s earned with a shared code was taken back")),
    "share.held": Saying(
        "clock",
        gettext_lazy("%(amount)s earned with a shared code is being looked at"),
        gettext_lazy("Something about the scan is unusual; it goes on or back when that is decided."),
    ),
    "share.hold_ended": Saying("circle-check", gettext_lazy("The look at %(amount)s from a shared code has ended")),
    "earnings.released": Saying(
        "wallet", gettext_lazy("%(amount)s is in your wallet"), gettext_lazy("The sale is final.")
    ),
    "earnings.reversed": Saying(
        "undo-2", gettext_lazy("%(amount)s of a sale was given back"), gettext_lazy("The order was refunded.")
    ),
    "refund.requested": Saying(
        "message-circle-question-mark",
        gettext_lazy("%(buyer)s asks for a refund"),
        gettext_lazy("Accept or refuse; after a while an operator decides."),
    ),
    "refund.request_overdue": Saying(
        "clock", gettext_lazy("A refund request has had no answer in time"), gettext_lazy("An operator decides it now.")
    ),
    "refund.request_answered": Saying("message-circle", gettext_lazy("Your refund request was answered")),
    "order.refunded": Saying("undo-2", gettext_lazy("%(amount)s was given back to you")),
    "withdrawal.failed": Saying(
        "circle-x",
        gettext_lazy("A withdrawal of %(amount)s has failed"),
        gettext_lazy("The money is in your wallet again."),
    ),
    "topup.reversed": Saying(
        "circle-x", gettext_lazy("A top-up of %(amount)s was taken back by the one who charged it")
    ),
}
_UNKNOWN = Saying("bell", gettext_lazy("Something has happened"))


@dataclass(frozen=True, slots=True)
class Told:
    """One message as a page shows it."""

    message: Message
    icon: str
    title: str
    sentences: Sequence[str]
    leads_to: str

    @property
    def is_new(self) -> bool:
        return self.message.read_at is None


def tell(messages: Sequence[Message], *, seller: bool) -> list[Told]:
    """Say what messages tell of; the accounts that they name are looked up in one statement."""
    documents = message_documents(messages)
    return [_told(message, document, seller) for message, document in zip(messages, documents, strict=True)]


def _told(message: Message, document: Mapping[str, Any], seller: bool) -> Told:
    saying, data = _SAYINGS.get(message.kind, _UNKNOWN), document["data"]
    facts = _Facts({name: _in_words(name, value, data) for name, value in data.items()})
    sentences = [str(saying.sentence) % facts] if saying.sentence else []
    return Told(
        message=message,
        icon=saying.icon,
        title=str(saying.title) % facts,
        sentences=[*sentences, *_further(message.kind, data)],
        leads_to=_leads_to(message.kind, data, seller),
    )


class _Facts(dict[str, str]):
    """What is not in the data (any more) is somebody, or something, that cannot be named."""

    def __missing__(self, name: str) -> str:
        return _("somebody") if name in ("account", "referrer", "former_referrer", "buyer") else "—"


def _in_words(name: str, value: Any, data: Mapping[str, Any]) -> str:
    if name in _AMOUNTS and "currency" in data:
        return say_money(Money(value, data["currency"]))
    if isinstance(value, dict):
        return str(value["name"])
    return _("somebody") if value is None else str(value)


def _further(kind: str, data: Mapping[str, Any]) -> Iterable[str]:
    """What else matters to whoever reads it."""
    if data.get("repaid"):
        yield _("%(repaid)s of it repaid what you owed.") % {"repaid": _in_words("repaid", data["repaid"], data)}
    if data.get("owed"):
        yield _("%(owed)s could not be taken from your wallet, and is owed.") % {
            "owed": _in_words("owed", data["owed"], data)
        }
    if kind == "referral.moved_up":
        number = data["accounts"]
        yield ngettext("One person now stands below you.", "%(number)d people now stand below you.", number) % {
            "number": number
        }
    if kind == "refund.request_answered":
        yield _("It was accepted.") if data.get("status") == "accepted" else _("It was refused.")
    if kind == "store.placed" and data.get("waiting"):
        yield _("An operator looks at it before anybody is paid by it.")


def _leads_to(kind: str, data: Mapping[str, Any], seller: bool) -> str:
    """Return the page where one sees more, for whoever may look at it; "" where there is none."""
    find: Callable[[Mapping[str, Any]], str] | None = _PAGES.get(kind.partition(".")[0])
    if kind == "earnings.released" and not seller:
        return ""  # A sharer's: the order is other people's.
    return find(data) if find is not None else ""


def _order_page(data: Mapping[str, Any]) -> str:
    return reverse("portal:order", args=[data["order"]]) if data.get("order") else ""


def _share_page(data: Mapping[str, Any]) -> str:
    return reverse("portal:share", args=[data["share"]]) if data.get("share") else ""


_PAGES: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "refund": _order_page,
    "order": _order_page,
    "earnings": _order_page,
    "share": _share_page,
}
