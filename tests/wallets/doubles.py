"""A payment provider for tests: scripted, slow on demand, and it remembers what it moved, over processes too."""

import json
import os
import threading
from collections.abc import Callable
from pathlib import Path

from django.db import connection

from core.money import Money
from wallets.providers.base import Charge, Failed, InProgress, NotKnown, Outcome, Succeeded

LOG = "DOUBLE_PROVIDER_LOG"
DIES_AT = "DOUBLE_PROVIDER_DIES_AT"
PATH = "tests.wallets.doubles.DoubleProvider"


class DoubleProvider:
    """
    Moves money once per reference, as a provider must; the log file is its memory.

    `before_call` runs in the caller's thread; `answers` says how the next new references end.
    """

    before_call: Callable[[], object] = staticmethod(lambda: None)
    answers: Outcome = Succeeded("double-1")
    in_transaction: list[bool] = []
    targets: list[str] = []
    _lock = threading.Lock()

    def charge(self, *, reference: str, amount: Money, owner: str) -> Outcome:
        return self._move("charge", reference, amount)

    def payout(self, *, reference: str, amount: Money, owner: str, target: str) -> Outcome:
        DoubleProvider.targets.append(target)
        return self._move("payout", reference, amount)

    def refund(self, *, reference: str, charge: Charge, amount: Money) -> Outcome:
        return self._move("refund", reference, amount)

    def cancel(self, *, reference: str, known_as: str = "") -> Outcome:
        known = self.query(reference=reference)
        return known if isinstance(known, Succeeded) else Failed("cancelled")

    def query(self, *, reference: str, known_as: str = "") -> Outcome | NotKnown:
        known = [line for line in moved() if line["reference"] == reference]
        return _outcome(known[0]["outcome"]) if known else NotKnown()

    def _move(self, what: str, reference: str, amount: Money) -> Outcome:
        DoubleProvider.in_transaction.append(connection.in_atomic_block)
        DoubleProvider.before_call()
        die_if_at("before_call")
        with self._lock:
            known = self.query(reference=reference)
            if isinstance(known, NotKnown):
                known = DoubleProvider.answers
                note(what, reference, amount, known)
        die_if_at("after_call")
        return known


def die_if_at(point: str) -> None:
    """End the process as a power cut would."""
    if os.environ.get(DIES_AT) == point:
        os._exit(9)


def note(what: str, reference: str, amount: Money, outcome: Outcome) -> None:
    line = {"what": what, "reference": reference, "minor": amount.minor, "outcome": type(outcome).__name__}
    with Path(os.environ[LOG]).open("a") as log:
        log.write(json.dumps(line) + "\n")


def moved() -> list[dict]:
    """Everything the provider has done, once each."""
    path = Path(os.environ[LOG])
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def _outcome(name: str) -> Outcome:
    return {"Succeeded": Succeeded("double-1"), "Failed": Failed("card_refused"), "InProgress": InProgress()}[name]
