"""Declared event types: which parties, amounts and parameters a money fact has."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from billing.events import REBOOKED, REVERSED

ALWAYS_PARAMETERS = ("institution", "channel", "currency")

AGENT_LEVELS = range(6)  # Levels of area trees that may have agents: 0 is the country.
REFERRER_LEVELS = range(1, 4)
AGENT_SLOTS = tuple(f"agent_{level}" for level in AGENT_LEVELS)
COMMISSION_SLOTS = (
    *AGENT_SLOTS,
    *(f"referrer_{level}" for level in REFERRER_LEVELS),
    "merchant_referrer",
    "cashback",
)


@dataclass(frozen=True, slots=True)
class Party:
    """Who takes part: an account (public id), or a ledger account (its code)."""

    name: str
    is_ledger: bool = False


@dataclass(frozen=True, slots=True)
class Amount:
    """A whole that must be used up exactly once, or a part of one."""

    name: str
    part_of: str | None = None


@dataclass(frozen=True, slots=True)
class TypeSpec:
    """
    One event type. In a payload, parties and parameters stand under their names, amounts under `<name>_minor`.
    What is absent is zero, and so may be the party of an amount that is.

    `held`: amounts for which the emitting transaction placed a hold, with the account that must be debited.
    `undoes`: the type whose rule version and parameters book this one, so that the same accounts are reversed.
    `corrects`: a correction of the book; its legs come with it, and no rule set has rules for it.
    """

    type: str
    parties: tuple[Party, ...]
    amounts: tuple[Amount, ...]
    parameters: tuple[str, ...] = ALWAYS_PARAMETERS
    external: bool = False
    undoes: str = ""
    corrects: bool = False
    held: Mapping[str, str] = field(default_factory=dict)
    built_in: bool = field(default=True, compare=False)

    def wholes(self) -> list[str]:
        return [amount.name for amount in self.amounts if amount.part_of is None]

    def parts_of(self, whole: str) -> list[str]:
        return [amount.name for amount in self.amounts if amount.part_of == whole]


def _spec(type_: str, parties: str, amounts: Iterable[str], *, also: str = "", **options: object) -> TypeSpec:
    """Amounts: "gross", or "fee<gross" for a part."""
    split_amounts = (amount.partition("<") for amount in amounts)
    return TypeSpec(
        type_,
        tuple(Party(name) for name in parties.split()),
        tuple(Amount(name, whole or None) for name, _, whole in split_amounts),
        (*ALWAYS_PARAMETERS, *also.split()),
        **options,  # type: ignore[arg-type]
    )


BUILT_IN: dict[str, TypeSpec] = {
    spec.type: spec
    for spec in (
        _spec("wallet.topped_up", "owner", ["amount"], also="provider", external=True),
        _spec(
            "topup.reversed",
            "owner",
            ["from_wallet", "to_debt"],
            also="provider",
            undoes="wallet.topped_up",
            held={"from_wallet": "wallet:{owner}"},
        ),
        _spec("wallet.withdrawn", "owner", ["amount"], also="provider", external=True),
        _spec("withdrawal.failed", "owner", ["amount"], also="provider", undoes="wallet.withdrawn"),
        _spec(
            "order.paid",
            "payer buyer seller",
            ["gross", "fee<gross"],
            also="provider store terminal",
            held={"gross": "wallet:{payer}", "fee": "wallet:{payer}"},
        ),
        _spec(
            "order.refunded",
            "payer buyer seller",
            ["net", "fee"],
            also="provider store terminal",
            undoes="order.paid",
        ),
        _spec("earnings.released", "owner", ["amount", "repaid<amount"]),
        _spec(
            "earnings.reversed",
            "owner",
            ["from_wallet", "to_debt"],
            undoes="earnings.released",
            held={"from_wallet": "wallet:{owner}"},
        ),
        _spec("debt.repaid", "owner", ["amount"], held={"amount": "wallet:{owner}"}),
        _spec("debt.written_off", "owner", ["amount"]),
        _spec("commission.accrued", " ".join(COMMISSION_SLOTS), COMMISSION_SLOTS),
        _spec("commission.released", "owner", ["amount", "repaid<amount"]),
        _spec(
            "commission.reversed",
            "owner",
            ["from_pending", "from_wallet", "to_debt"],
            undoes="commission.accrued",
            held={"from_wallet": "wallet:{owner}"},
        ),
        TypeSpec(
            "commission.escrowed",
            tuple(Party(slot, is_ledger=True) for slot in AGENT_SLOTS),
            tuple(map(Amount, AGENT_SLOTS)),
        ),
        TypeSpec(
            "commission.escrow_released",
            (Party("escrow", is_ledger=True), Party("owner")),
            (Amount("to_owner"), Amount("to_platform")),
        ),
        _spec("share.charged", "seller sharer", ["amount"]),
        _spec(
            "share.reversed",
            "seller sharer",
            ["from_pending", "from_wallet", "to_debt"],
            undoes="share.charged",
            held={"from_wallet": "wallet:{sharer}"},
        ),
        _spec(REVERSED, "", [], also="journal event job", corrects=True),
        _spec(REBOOKED, "", [], also="journal event job", corrects=True),
    )
}
