"""
The proof of one order's money: what was paid is with somebody or refunded, in the rows and in the book.

*paid = sum over parties + refunded*, at every state. The rooms say who has what (`core.registry`);
the ledger must say the same: what each account got and gave in this order's transfers.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from accounts.models import Account
from accounts.references import account_ref
from billing.booking import BILLING
from billing.corrections import legs_of, taken_back_by_hand
from billing.selectors import codes_of, transfers_of
from billing.types import find_type
from core.errors import NotFound
from core.registry import ProofLine, proof_lines
from core.snapshot import one_snapshot
from events.models import EventRecord
from events.selectors import events_of_subject, subject_waits, waiting_event_ids
from ledger.models import Transfer
from orders.models import Order
from orders.selectors import get_order
from wallets.selectors import SHARE_CHARGE

MONEY_CONSUMERS = (BILLING, "sharing", "distribution")
PLATFORM, OTHERS = "platform", "others"
SEEN_BY_BOTH = frozenset({PLATFORM, SHARE_CHARGE})
TRADE = frozenset({"order.paid", "order.refunded"})
SETTLES_DEBT = frozenset({"debt.repaid", "debt.written_off"})  # Of this subject, but not of the order's money.
PENDING, RELEASED, REVERSED = "pending", "released", "reversed"


@dataclass(frozen=True, slots=True)
class BookedTransfer:
    """A transfer with the codes of its accounts and the event that it comes from."""

    transfer: Transfer
    event: EventRecord
    debit: str
    credit: str


@dataclass(frozen=True, slots=True)
class OrderMoney:
    """Everything that an order's money did, as far as one account may see it."""

    order: Order
    shares: Sequence[ProofLine]
    names: dict[str, dict[str, str]]
    events: Sequence[EventRecord]
    transfers: Sequence[BookedTransfer]
    balanced: bool
    booked: bool


def order_money(public_id: str, *, visible_to: Account) -> OrderMoney:
    """
    Return the proof of an order's money.

    Operators see all of it. Others see their own shares, the platform's, the share charge, the rest as
    one, and the transfers of the trade itself and of their own accounts.

    :raises NotFound: there is no such order, or it is somebody else's.
    """
    with one_snapshot():
        order = get_order(public_id, visible_to=visible_to)
        if not visible_to.is_staff and visible_to not in (order.buyer, order.seller):
            raise NotFound
        whole = _whole_proof(order)
    return whole if visible_to.is_staff else _seen_by(whole, visible_to.public_id)


def _whole_proof(order: Order) -> OrderMoney:
    shares = list(proof_lines(order.public_id))
    events = events_of_subject(order.public_id)
    transfers = _booked_transfers(events)
    unbooked = waiting_event_ids(order.public_id, BILLING)
    in_rows = sum(line.amount_minor for line in shares) + order.refunded_minor == order.paid_minor
    return OrderMoney(
        order,
        shares,
        _names_of(shares),
        events,
        transfers,
        balanced=in_rows and _ledger_agrees(order, shares, events, transfers, unbooked),
        booked=not subject_waits(order.public_id, MONEY_CONSUMERS),
    )


def _booked_transfers(events: Sequence[EventRecord]) -> list[BookedTransfer]:
    by_id = {event.pk: event for event in events}
    transfers = transfers_of(list(by_id))
    codes = codes_of(transfers)
    return [BookedTransfer(t, by_id[t.journal_id], codes[t.debit_id], codes[t.credit_id]) for t in transfers]


def _names_of(shares: Iterable[ProofLine]) -> dict[str, dict[str, str]]:
    wanted = {line.account for line in shares if line.account is not None}
    accounts = Account.objects.filter(public_id__in=wanted).only("public_id", "name")
    return {account.public_id: reference for account in accounts if (reference := account_ref(account))}


def _ledger_agrees(
    order: Order,
    shares: Sequence[ProofLine],
    events: Sequence[EventRecord],
    transfers: Sequence[BookedTransfer],
    unbooked: frozenset[int],
) -> bool:
    """
    Whether the ledger says what the rows say.

    Every booked event moved exactly its amounts. And once all are booked, every party's accounts
    together got exactly its shares, and the payer's gave what was paid and got what was refunded.
    """
    moved: Counter[int] = Counter()
    for booked in transfers:
        moved[booked.event.pk] += booked.transfer.amount_minor
    for event in events:
        amount_minor = amount_of(event)
        if amount_minor is not None and event.pk not in unbooked and moved[event.pk] != amount_minor:
            return False
    return bool(unbooked) or _nets(transfers) == _expected_nets(order, shares)


def amount_of(event: EventRecord) -> int | None:
    """What a journal of this event moves: its wholes, each once; None where the event moves no money."""
    declared = find_type(event.type)
    if declared is None:
        return None
    if declared.corrects:
        return sum(minor for _debit, _credit, minor in legs_of(event.payload))
    return sum(event.payload.get(f"{whole}_minor", 0) for whole in declared.wholes())


def _nets(transfers: Iterable[BookedTransfer]) -> dict[str, int]:
    """
    What each party got less what it gave, over all its accounts; "" is the house.

    A repair's corrections are the order's own: they end where the rows are. What operators took back by
    hand is shown with the rest, but no part of what the order itself did.
    """
    nets: Counter[str] = Counter()
    for booked in transfers:
        if booked.event.type not in SETTLES_DEBT and not taken_back_by_hand(booked.event.type, booked.event.payload):
            nets[_owner_of(booked.credit)] += booked.transfer.amount_minor
            nets[_owner_of(booked.debit)] -= booked.transfer.amount_minor
    return {party: net for party, net in nets.items() if net}


def _expected_nets(order: Order, shares: Iterable[ProofLine]) -> dict[str, int]:
    nets: Counter[str] = Counter()
    for line in shares:
        nets[line.account or ""] += line.amount_minor
    if order.payer is not None:
        nets[order.payer.public_id] -= order.paid_minor - order.refunded_minor
    return {party: net for party, net in nets.items() if net}


def _owner_of(code: str) -> str:
    """Whose ledger account this is: the account behind the colon, or the house."""
    owner = code.rpartition(":")[2]
    return owner if owner.startswith("acc_") else ""


def _seen_by(whole: OrderMoney, viewer: str) -> OrderMoney:
    is_own = {id(line): line.account == viewer or line.party in SEEN_BY_BOTH for line in whole.shares}
    own = [line for line in whole.shares if is_own[id(line)]]
    rest = [line for line in whole.shares if not is_own[id(line)]]
    if viewer != whole.order.seller.public_id:  # Who brought a buyer is the business of the seller who pays for it.
        own = [replace(line, account=None) if line.party == SHARE_CHARGE else line for line in own]
    transfers = [
        booked
        for booked in whole.transfers
        if booked.event.type in TRADE or viewer in (_owner_of(booked.debit), _owner_of(booked.credit))
    ]
    of_transfers = {booked.event.pk for booked in transfers}
    events = [event for event in whole.events if event.pk in of_transfers or event.type.startswith("order.")]
    return replace(whole, shares=[*own, *_as_others(rest)], transfers=transfers, events=events)


def _as_others(lines: Sequence[ProofLine]) -> list[ProofLine]:
    """All in one row, where there are any: its status is that of the least finished."""
    if not lines:
        return []
    statuses = {line.status for line in lines}
    only = statuses.pop() if len(statuses) == 1 else ""
    return [
        ProofLine(
            party=OTHERS,
            role=OTHERS,
            account=None,
            original_minor=sum(line.original_minor for line in lines),
            amount_minor=sum(line.amount_minor for line in lines),
            status=only or (RELEASED if statuses <= {RELEASED, REVERSED} else PENDING),
        )
    ]
