"""What wallets tell the house; docs/events.md publishes the payloads."""

from dataclasses import dataclass
from typing import ClassVar

from events.types import Event


@dataclass(frozen=True, kw_only=True)
class WalletToppedUp(Event):
    """A provider has taken money in for a wallet."""

    type: ClassVar[str] = "wallet.topped_up"
    top_up: str
    owner: str
    amount_minor: int
    currency: str
    provider: str

    @property
    def key(self) -> str:
        return topped_up_key(self.top_up)

    @property
    def subject(self) -> str:
        return self.top_up


@dataclass(frozen=True, kw_only=True)
class TopUpReversed(Event):
    """A provider took a top-up back: from the wallet as far as it goes, the rest is owed."""

    type: ClassVar[str] = "topup.reversed"
    top_up: str
    owner: str
    from_wallet_minor: int
    to_debt_minor: int
    currency: str
    provider: str
    undoes: str
    holds: list[int]

    @property
    def key(self) -> str:
        return topup_reversed_key(self.top_up)

    @property
    def subject(self) -> str:
        return self.top_up


@dataclass(frozen=True, kw_only=True)
class WalletWithdrawn(Event):
    """Money leaves a wallet; its payout is under way."""

    type: ClassVar[str] = "wallet.withdrawn"
    withdrawal: str
    owner: str
    amount_minor: int
    currency: str
    provider: str
    holds: list[int]

    @property
    def key(self) -> str:
        return withdrawn_key(self.withdrawal)

    @property
    def subject(self) -> str:
        return self.withdrawal


@dataclass(frozen=True, kw_only=True)
class WithdrawalFailed(Event):
    """The provider did not pay out: the money is back in the wallet."""

    type: ClassVar[str] = "withdrawal.failed"
    withdrawal: str
    owner: str
    amount_minor: int
    currency: str
    provider: str
    undoes: str

    @property
    def key(self) -> str:
        return f"{self.type}:{self.withdrawal}"

    @property
    def subject(self) -> str:
        return self.withdrawal


@dataclass(frozen=True, kw_only=True)
class EarningsReleased(Event):
    """A hold period is over: the part goes to the wallet, less `repaid_minor`, which repays debts."""

    type: ClassVar[str] = "earnings.released"
    order: str
    role: str
    part: str | None = None
    owner: str
    amount_minor: int
    repaid_minor: int
    currency: str
    channel: str | None = None
    institution: str | None = None

    @property
    def key(self) -> str:
        return released_key(order=self.order, role=self.role, owner=self.owner, part=self.part)

    @property
    def subject(self) -> str:
        return self.order


@dataclass(frozen=True, kw_only=True)
class EarningsReversed(Event):
    """A refund takes released earnings back: from the wallet as far as it goes, the rest is owed."""

    type: ClassVar[str] = "earnings.reversed"
    order: str
    role: str
    part: str | None = None
    owner: str
    from_wallet_minor: int
    to_debt_minor: int
    currency: str
    channel: str | None = None
    institution: str | None = None
    undoes: str
    holds: list[int]
    reversed_minor: int

    @property
    def key(self) -> str:
        return reversed_key(
            order=self.order, role=self.role, owner=self.owner, part=self.part, reversed_minor=self.reversed_minor
        )

    @property
    def subject(self) -> str:
        return self.order


@dataclass(frozen=True, kw_only=True)
class CommissionReleased(Event):
    """A commission's hold period is over: it goes to the wallet, less `repaid_minor`, which repays debts."""

    type: ClassVar[str] = "commission.released"
    order: str
    role: str
    part: str | None = None
    owner: str
    amount_minor: int
    repaid_minor: int
    currency: str
    channel: str | None = None
    institution: str | None = None

    @property
    def key(self) -> str:
        return _key(self.type, self.order, self.role, self.owner, self.part)

    @property
    def subject(self) -> str:
        return self.order


@dataclass(frozen=True, kw_only=True)
class CommissionReversed(Event):
    """
    A refund takes a commission back: what is pending from there, what was released out of the wallet as far as
    it goes, and the rest is owed.
    """

    type: ClassVar[str] = "commission.reversed"
    order: str
    role: str
    part: str | None = None
    owner: str
    from_pending_minor: int
    from_wallet_minor: int
    to_debt_minor: int
    currency: str
    channel: str | None = None
    institution: str | None = None
    undoes: str
    holds: list[int]
    reversed_minor: int

    @property
    def key(self) -> str:
        return commission_reversed_key(
            order=self.order, role=self.role, owner=self.owner, part=self.part, reversed_minor=self.reversed_minor
        )

    @property
    def subject(self) -> str:
        return self.order


@dataclass(frozen=True, kw_only=True)
class ShareReversed(Event):
    """
    A sharer's part of a line goes back to the seller, by a refund or because an operator rejected it: what is
    pending from there, what was released out of the wallet as far as it goes, and the rest is owed.
    """

    type: ClassVar[str] = "share.reversed"
    order: str
    line: str
    share: str
    seller: str
    sharer: str
    from_pending_minor: int
    from_wallet_minor: int
    to_debt_minor: int
    currency: str
    channel: str | None = None
    institution: str | None = None
    because: str
    undoes: str
    holds: list[int]
    reversed_minor: int

    @property
    def key(self) -> str:
        return share_reversed_key(line=self.line, reversed_minor=self.reversed_minor)

    @property
    def subject(self) -> str:
        return self.order


@dataclass(frozen=True, kw_only=True)
class DebtRepaid(Event):
    """An owner repaid a part of a debt out of the wallet."""

    type: ClassVar[str] = "debt.repaid"
    debt: int
    of: str
    owner: str
    amount_minor: int
    repaid_so_far_minor: int
    currency: str
    holds: list[int]

    @property
    def key(self) -> str:
        return repaid_key(debt=self.debt, repaid_so_far_minor=self.repaid_so_far_minor)

    @property
    def subject(self) -> str:
        return self.of


@dataclass(frozen=True, kw_only=True)
class DebtWrittenOff(Event):
    """An operator gave up what was left of a debt."""

    type: ClassVar[str] = "debt.written_off"
    debt: int
    of: str
    owner: str
    amount_minor: int
    currency: str

    @property
    def key(self) -> str:
        return f"{self.type}:{self.debt}"

    @property
    def subject(self) -> str:
        return self.of


def topped_up_key(top_up: str) -> str:
    """The key of the one event that brings a top-up in."""
    return f"{WalletToppedUp.type}:{top_up}"


def topup_reversed_key(top_up: str) -> str:
    """A top-up is taken back once."""
    return f"{TopUpReversed.type}:{top_up}"


def withdrawn_key(withdrawal: str) -> str:
    """The key of the one event that takes a withdrawal out."""
    return f"{WalletWithdrawn.type}:{withdrawal}"


def released_key(*, order: str, role: str, owner: str, part: str | None = None) -> str:
    """The key of the one release of an earning, which reversals name in `undoes`."""
    return _key(EarningsReleased.type, order, role, owner, part)


def reversed_key(*, order: str, role: str, owner: str, reversed_minor: int, part: str | None = None) -> str:
    """Each reversal of an earning ends at its own total of what was taken back."""
    return _key(EarningsReversed.type, order, role, owner, part, str(reversed_minor))


def commission_reversed_key(*, order: str, role: str, owner: str, reversed_minor: int, part: str | None = None) -> str:
    """Each reversal of a commission ends at its own total of what was taken back."""
    return _key(CommissionReversed.type, order, role, owner, part, str(reversed_minor))


def share_charged_key(line: str) -> str:
    """The key of the one event that gives a sharer its part of a line; its reversals name it."""
    return f"share.charged:{line}"


def share_reversed_key(*, line: str, reversed_minor: int) -> str:
    """Each reversal of a share charge ends at its own total of what was taken back."""
    return f"{ShareReversed.type}:{line}:{reversed_minor}"


def _key(*parts: str | None) -> str:
    """An earning that has no part of its name has none in its keys."""
    return ":".join(filter(None, parts))


def repaid_key(*, debt: int, repaid_so_far_minor: int) -> str:
    """Each repayment of a debt ends at its own total."""
    return f"{DebtRepaid.type}:{debt}:{repaid_so_far_minor}"
