"""A till as tests use it: it counts its own sequences and says who it is."""

from itertools import count
from typing import Any

from accounts.actor import Actor
from accounts.models import Account
from catalog.models import Store
from core import clock
from core.money import Money
from orders.counter.models import Terminal
from orders.counter.services import create_terminal
from tests.conftest import Api
from wallets.pay_codes.services import make_pay_code


class Till(Api):
    """`till.post("/terminal/trades", {...})` with the till's key."""

    def __init__(self, terminal: Terminal, key: str) -> None:
        super().__init__(None)
        self.terminal, self.key = terminal, key
        self.sequences = count(1)

    def sell(self, *lines: dict[str, Any], **fields: Any) -> Any:
        """Make a trade, of tea for 9.00 GBP unless said otherwise, under the next sequence; the answer."""
        sold = lines or (tea(),)
        amount = sum(line["quantity"] * line.get("unit_amount", 0) for line in sold)
        sequence = fields.pop("sequence", None) or next(self.sequences)
        body = {"sequence": sequence, "lines": sold, "amount": amount, "currency": "GBP", **fields}
        return self.post("/terminal/trades", body)

    def pay(self, trade: dict[str, Any], **how: Any) -> Any:
        """Have a trade (its document) paid; the answer."""
        body = {"amount": trade["amount"], "currency": trade["currency"], **how}
        return self.post(f"/terminal/trades/{trade['trade_no']}/pay", body)

    def ask(self, sequence: int) -> Any:
        """What became of a sequence."""
        return self.get("/terminal/trades", {"sequence": sequence}).json()

    def _headers(self, headers: dict[str, str]) -> dict[str, str]:
        return super()._headers(headers) | {"Authorization": f"Terminal {self.key}"}


def make_till(store: Store, name: str = "Till 1", **fields: Any) -> Till:
    actor = Actor.own(store.seller)
    return Till(*create_terminal(store=store.public_id, name=name, actor=actor, now=clock.now(), **fields))


def tea(quantity: int = 1, unit_minor: int = 900) -> dict[str, Any]:
    """A free line: tea for 9.00."""
    return {"description": "Tea, loose", "quantity": quantity, "unit_amount": unit_minor}


def cancelled(till: Till, **named: Any) -> Any:
    return till.post("/terminal/trades/cancel", named)


def pay_code(account: Account, maximum: Money | None = None) -> str:
    return make_pay_code(maximum=maximum, actor=Actor.own(account), now=clock.now())[1]
