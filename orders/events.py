"""What orders say has happened. The order is the subject of all its money."""

from dataclasses import dataclass, field

from events.types import Event


def paid_key(order: str) -> str:
    """Return the key of the event that paid an order; refunds name it."""
    return f"order.paid:{order}"


@dataclass(frozen=True, kw_only=True)
class OrderEvent(Event):
    """Something happened to an order (public id), which is the subject."""

    order: str

    @property
    def key(self) -> str:
        return f"{self.type}:{self.order}"

    @property
    def subject(self) -> str:
        return self.order


@dataclass(frozen=True, kw_only=True)
class OrderPaid(OrderEvent):
    """
    A payer's money for one order is held; who gets what is decided from this. `fee` is a part of `gross`.

    `charged_by`: the provider whose own server was charged; then no wallet has paid, and nothing is held.
    """

    type = "order.paid"
    payer: str
    buyer: str
    seller: str
    gross_minor: int
    fee_minor: int
    currency: str
    channel: str
    institution: str | None = None
    provider: str | None = None
    store: str | None = None
    terminal: str | None = None
    charged_by: str | None = None
    holds: list[int] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class OrderRefunded(OrderEvent):
    """Money goes back to the payer: `net` from the seller's part, `fee` from the platform's."""

    type = "order.refunded"
    refund: str
    payer: str
    buyer: str
    seller: str
    net_minor: int
    fee_minor: int
    currency: str
    channel: str
    institution: str | None = None
    provider: str | None = None
    store: str | None = None
    terminal: str | None = None
    undoes: str

    @property
    def key(self) -> str:
        return f"{self.type}:{self.refund}"


@dataclass(frozen=True, kw_only=True)
class OrderCompleted(OrderEvent):
    """The buyer has what was ordered; hold periods run from here."""

    type = "order.completed"
    buyer: str
    seller: str


@dataclass(frozen=True, kw_only=True)
class RefundRequestEvent(OrderEvent):
    """What becomes of a buyer's wish to have money back; moves none."""

    request: str
    buyer: str
    seller: str

    @property
    def key(self) -> str:
        return f"{self.type}:{self.request}"


@dataclass(frozen=True, kw_only=True)
class RefundRequested(RefundRequestEvent):
    """A buyer asks for money back; the seller is to answer."""

    type = "refund.requested"


@dataclass(frozen=True, kw_only=True)
class RefundRequestOverdue(RefundRequestEvent):
    """The seller has not answered in time; operators may decide."""

    type = "refund.request_overdue"


@dataclass(frozen=True, kw_only=True)
class RefundRequestAnswered(RefundRequestEvent):
    """A request was accepted, with the refund that it led to, or refused."""

    type = "refund.request_answered"
    status: str
    refund: str | None = None
