"""
A provider with a book of its own, far away: it answers late, not at all, or after all, and remembers everything.

It serves as a payment provider and as the server of a third party's identities. `lose` says what becomes of the
next call: it never arrives (`request`), or its answer is lost (`answer`); either way the caller has no answer.
`slow` makes new charges, payouts and refunds wait until `settle`.
"""

from dataclasses import dataclass

from core.money import Money
from wallets.providers.base import Charge, Failed, InProgress, NotKnown, Outcome, Succeeded

PATH = "tests.wallets.bank.the_bank"
REQUEST, ANSWER = "request", "answer"
OUT = -1
IN = 1


@dataclass
class Entry:
    """One movement in the bank's book."""

    minor: int
    sign: int
    state: str = "waiting"  # Then `made` or `refused`, for good.
    charge: str = ""


class Bank:
    """Moves money once per reference, in a book that nobody else writes."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        self.book: dict[str, Entry] = {}
        self.lose: str | None = None
        self.slow = self.refuses = self.refuses_refunds = False
        self.cancels_too_late = False
        self.calls: list[tuple[str, str]] = []

    # --- What the house may call ---

    def charge(
        self, *, reference: str, amount: Money, owner: str = "", identity: str = "", trade_no: str = ""
    ) -> Outcome:
        return self._move("charge", reference, Entry(amount.minor, IN), refused=self.refuses)

    def payout(self, *, reference: str, amount: Money, owner: str, target: str) -> Outcome:
        return self._move("payout", reference, Entry(amount.minor, OUT), refused=self.refuses)

    def refund(self, *, reference: str, charge: Charge, amount: Money) -> Outcome:
        charged = self.book[charge.reference]
        is_too_much = self.returned(charge.reference) + amount.minor > charged.minor or charged.state != "made"
        assert reference in self.book or not is_too_much, "The house gives back more than was charged."
        entry = Entry(amount.minor, OUT, charge=charge.reference)
        return self._move("refund", reference, entry, refused=self.refuses_refunds)

    def query(self, *, reference: str, known_as: str = "") -> Outcome | NotKnown:
        self.calls.append(("query", reference))
        if self._lost():
            return InProgress()
        return self._answer(reference) if reference in self.book else NotKnown()

    def cancel(self, *, reference: str, known_as: str = "") -> Outcome:
        self.calls.append(("cancel", reference))
        lost = self._lost()
        if lost != REQUEST:
            entry = self.book.setdefault(reference, Entry(0, IN))
            if entry.state == "waiting" or (entry.state == "made" and not self.cancels_too_late):
                entry.state = "refused"
        return InProgress() if lost else self._answer(reference)

    # --- What happens there by itself ---

    def settle(self) -> None:
        """Make everything that waits."""
        for entry in self.book.values():
            if entry.state == "waiting":
                entry.state = "made"

    def outcome(self, reference: str) -> Outcome:
        """What the bank would say of a reference now, by a webhook."""
        return self._answer(reference)

    @property
    def balance_minor(self) -> int:
        """What it has taken in for the house, less what it has paid out."""
        return sum(entry.sign * entry.minor for entry in self.book.values() if entry.state == "made")

    def returned(self, charge: str) -> int:
        given = [entry for entry in self.book.values() if entry.charge == charge and entry.state != "refused"]
        return sum(entry.minor for entry in given)

    def _move(self, what: str, reference: str, entry: Entry, *, refused: bool) -> Outcome:
        self.calls.append((what, reference))
        lost = self._lost()
        if lost != REQUEST and reference not in self.book:
            entry.state = "refused" if refused else "waiting" if self.slow else "made"
            self.book[reference] = entry
        return InProgress() if lost else self._answer(reference)

    def _lost(self) -> str | None:
        lost, self.lose = self.lose, None
        return lost

    def _answer(self, reference: str) -> Outcome:
        answers: dict[str, Outcome] = {"made": Succeeded(f"bank:{reference}"), "refused": Failed("refused")}
        return answers.get(self.book[reference].state, InProgress(f"bank:{reference}"))


bank = Bank()


def the_bank() -> Bank:
    """What the settings name: there is one in each process."""
    return bank
