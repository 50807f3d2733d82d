"""
Customers who pay by an identity: out of our wallet, or by a third party's server, which may take its time.

A till says twice who pays, as it does where an answer is lost; what the server does not know yet is left to it.
"""

from collections.abc import Mapping

from orders.counter.simulator.calling import Answer
from orders.counter.simulator.tills import OPEN, PAID, Belief, Deed, Till
from orders.counter.simulator.world import Customer, Identity, expect

ELSEWHERE_MINOR_MAX = 200  # What such a customer has there has to last for the whole run.


def pay_by_identity(till: Till, belief: Belief) -> None:
    """No fault: the till names the identity, and its wallet pays."""
    identity = identity_of(belief.customer, is_elsewhere=False)
    till.make_pending(belief, identity=identity.named())
    till.believe(belief, expect(200, till.pay_as(belief, identity)))


def lose_answer_of_identity(till: Till, belief: Belief) -> None:
    """The wallet has paid, and the till never hears of it: it names the identity again."""
    identity = identity_of(belief.customer, is_elsewhere=False)
    till.make_pending(belief, identity=identity.named())
    first, again = (expect(200, till.pay_as(belief, identity)) for _ in range(2))
    till.ensure(again["paid_at"] == first["paid_at"], "It was paid twice.")
    till.believe(belief, again)


def name_someone_else(till: Till, belief: Belief) -> None:
    """A trade in one customer's name is not paid by another's identity; then the right one pays."""
    others = [customer for customer in till.customers if customer is not belief.customer]
    if not others:
        return pay_by_identity(till, belief)
    identity = identity_of(belief.customer, is_elsewhere=False)
    till.make_pending(belief, identity=identity.named())
    wrong = till.pay_as(belief, identity_of(till.rng.choice(others), is_elsewhere=False))
    till.ensure(wrong.code == "identity_unknown", f"Somebody else's identity got {wrong}.")
    return till.believe(belief, expect(200, till.pay_as(belief, identity)))


def pay_elsewhere(till: Till, belief: Belief) -> None:
    """No fault: a third party's server is charged."""
    take_over(till, belief, charge_elsewhere(till, belief))


def lose_answer_elsewhere(till: Till, belief: Belief) -> None:
    """A third party's server was charged, and the till never hears of it: it says the same again, at once."""
    identity = make_elsewhere(till, belief)
    body = till.payment(belief, identity=identity)
    path = f"/terminal/trades/{belief.trade_no}/pay"
    for answer in till.both(lambda one: one.post(path, body), lambda two: two.post(path, body)):
        till.ensure(answer.status == 200 or answer.code == "payment_in_progress", f"A twin got {answer}.")
    take_over(till, belief, till.pay_as(belief, identity))


def cancel_elsewhere(till: Till, belief: Belief) -> None:
    """What a third party's server is charged for, or has been, is cancelled at the same moment."""
    identity = make_elsewhere(till, belief)
    body, named = till.payment(belief, identity=identity), {"trade_no": belief.trade_no}
    _paid, ended = till.both(
        lambda one: one.post(f"/terminal/trades/{belief.trade_no}/pay", body),
        lambda two: two.post("/terminal/trades/cancel", named),
    )
    result = expect(200, ended)["result"]
    till.believe(belief, till.ask(belief)["trade"])
    till.ensure(belief.status == result, f"The cancel said {result}, and it is {belief.status}.")


def charge_elsewhere(till: Till, belief: Belief) -> Answer:
    return till.pay_as(belief, make_elsewhere(till, belief))


def make_elsewhere(till: Till, belief: Belief) -> Identity:
    """Make a trade in the name of an identity whose money is elsewhere."""
    identity = identity_of(belief.customer, is_elsewhere=True)
    belief.amount, belief.is_from_wallet = till.rng.randint(1, ELSEWHERE_MINOR_MAX), False
    till.make_pending(belief, identity=identity.named())
    return identity


def take_over(till: Till, belief: Belief, answer: Answer) -> None:
    """Paid, or still asked about by the house: then the end comes by itself."""
    if answer.code == "payment_in_progress":
        till.believe(belief, till.ask(belief)["trade"])
    else:
        till.believe(belief, expect(200, answer))
    till.ensure(belief.status in (*OPEN, *PAID), f"Charged elsewhere, and {belief.status}.")
    belief.is_left = belief.status in OPEN


def identity_of(customer: Customer, *, is_elsewhere: bool) -> Identity:
    return next(identity for identity in customer.identities if identity.is_elsewhere == is_elsewhere)


WALLET_WAYS: list[tuple[str, Deed]] = [("no fault, paid by identity", pay_by_identity)]
WALLET_FAULTS: Mapping[str, Deed] = {
    "answer lost, by identity": lose_answer_of_identity,
    "somebody else's identity": name_someone_else,
}
ELSEWHERE_WAYS: list[tuple[str, Deed]] = [("no fault, charged elsewhere", pay_elsewhere)]
ELSEWHERE_FAULTS: Mapping[str, Deed] = {
    "answer lost, charged elsewhere": lose_answer_elsewhere,
    "cancelled while charged elsewhere": cancel_elsewhere,
}
