"""
What two linked accounts agree on: which behaviours each also sees of the other, who may act as whom,
and how much may be paid from the other's wallet.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol, Self

from django.db import models

from core.money import Money

BEHAVIOUR_KINDS = (
    "order.placed",
    "item.published",
    "item.viewed",
    "search.performed",
    "session.switched",
    "account.linked",
    "account.unlinked",
)


class Direction(models.TextChoices):
    """To whom the other's behaviours are also recorded."""

    NONE = "none"
    TO_INVITER = "to_inviter"
    TO_INVITEE = "to_invitee"
    BOTH = "both"


class SwitchRight(models.TextChoices):
    """Who may act as whom."""

    NONE = "none"
    INVITER_AS_INVITEE = "inviter_as_invitee"
    INVITEE_AS_INVITER = "invitee_as_inviter"
    BOTH = "both"


class CapKind(models.TextChoices):
    """Whether a login may pay from the other's wallet: not at all, up to a sum, or as it likes."""

    NONE = "none"
    AMOUNT = "amount"
    UNLIMITED = "unlimited"


class TermsColumns(Protocol):
    """A row that keeps terms."""

    mirror: Any
    direction: str
    switch: str
    cap_kind: str
    cap_minor: int | None
    cap_currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """
    The terms of a link. Unless something else is agreed, each sees all of the other's behaviours, each
    may act as the other, and only the owner's own login pays.

    `cap_kind` AMOUNT: at most `cap` may be paid from either wallet by the other's login, counted in all
    since linking; in other currencies nothing.
    """

    mirror: tuple[str, ...] = BEHAVIOUR_KINDS
    direction: str = Direction.BOTH
    switch: str = SwitchRight.BOTH
    cap_kind: str = CapKind.NONE
    cap: Money | None = None

    @classmethod
    def of_columns(cls, row: TermsColumns) -> Self:
        cap = None if row.cap_minor is None else Money(row.cap_minor, row.cap_currency)
        return cls(mirror=tuple(row.mirror), direction=row.direction, switch=row.switch, cap_kind=row.cap_kind, cap=cap)

    @classmethod
    def of_document(cls, document: Mapping[str, Any], *, instead_of: "Terms | None" = None) -> "Terms":
        """
        Read checked terms as API clients write them; what is absent is as in `instead_of`, or as by default.

        `spending_cap`: `{amount, currency}` (or a `Money`), "unlimited", or null for nothing.
        """
        terms = instead_of or cls()
        given = {name: document[name] for name in ("direction", "switch") if name in document}
        if "mirror" in document:
            given["mirror"] = tuple(kind for kind in BEHAVIOUR_KINDS if kind in document["mirror"])
        if "spending_cap" in document:
            given |= _cap_of(document["spending_cap"])
        return replace(terms, **given)

    def document(self) -> dict[str, Any]:
        """Return the terms as API clients read them."""
        cap: Any = "unlimited" if self.cap_kind == CapKind.UNLIMITED else None
        if self.cap is not None:
            cap = {"amount": self.cap.minor, "currency": self.cap.currency}
        return {"mirror": list(self.mirror), "direction": self.direction, "switch": self.switch, "spending_cap": cap}

    def columns(self) -> dict[str, Any]:
        """Return the terms as a row keeps them."""
        return {
            "mirror": list(self.mirror),
            "direction": self.direction,
            "switch": self.switch,
            "cap_kind": self.cap_kind,
            "cap_minor": self.cap.minor if self.cap else None,
            "cap_currency": self.cap.currency if self.cap else "",
        }

    def lets_switch(self, *, as_inviter: bool) -> bool:
        """Whether the one side may act as the other: the inviter as the invitee, or the other way round."""
        own = SwitchRight.INVITER_AS_INVITEE if as_inviter else SwitchRight.INVITEE_AS_INVITER
        return self.switch in (own, SwitchRight.BOTH)

    def lets_spend(self, spent: Money) -> bool:
        """Whether so much may have been paid from a wallet in all."""
        return self.cap_kind == CapKind.UNLIMITED or (
            self.cap is not None and self.cap.currency == spent.currency and spent.minor <= self.cap.minor
        )


def _cap_of(written: Any) -> dict[str, Any]:
    if written is None:
        return {"cap_kind": CapKind.NONE, "cap": None}
    if written == "unlimited":
        return {"cap_kind": CapKind.UNLIMITED, "cap": None}
    cap = written if isinstance(written, Money) else Money(written["amount"], written["currency"])
    return {"cap_kind": CapKind.AMOUNT, "cap": cap}
