"""What goes wrong at a till: each fault is one function, and says what has to come of it."""

from collections.abc import Mapping

from orders.counter.simulator.calling import Unexpected
from orders.counter.simulator.tills import ASKS_MAX, NOT_CREATED, Belief, Deed, Till
from orders.counter.simulator.world import CURRENCY, LARGE_MINOR, expect

DEAD_CODES_MAX = 20  # Per till; below the house's limit of refused codes.
HANG_UP_SECONDS_MAX = 0.06


def lose_request(till: Till, belief: Belief) -> None:
    """It never arrives: the till asks, hears that nobody knows, and sends it again."""
    body = till.body(belief, pay_code=till.pay_code(belief.customer))
    asked = till.ask(belief)
    till.ensure(asked["outcome"] == "not_known", f"What was never sent is {asked['outcome']}.")
    till.believe(belief, expect(201, till.make(body)))


def lose_answer(till: Till, belief: Belief) -> None:
    """The money is taken, and the till never hears of it: it asks, and gets the original answer."""
    body = till.body(belief, pay_code=till.pay_code(belief.customer))
    first = expect(201, till.make(body))
    asked = till.ask(belief)
    till.ensure(asked["answer"] == first, "The original answer is another one.")
    again = expect(201, till.make(body))
    till.ensure(again == first, "The repeat got another answer.")
    till.believe(belief, asked["trade"])


def lose_answer_before_the_debit(till: Till, belief: Belief) -> None:
    """The trade is made, and the till never hears of it: it repeats itself, and only then the customer pays."""
    body = till.body(belief)
    first, again = (expect(201, till.make(body)) for _ in range(2))
    till.ensure(again == first, "The repeat got another answer.")
    till.believe(belief, again)
    till.believe(belief, expect(200, till.pay(belief, till.pay_code(belief.customer))))


def lose_answer_of_payment(till: Till, belief: Belief) -> None:
    """The money of a trade that was there is taken, and the till never hears of it: it shows the code again."""
    till.make_pending(belief)
    code = till.pay_code(belief.customer)
    first, again = (expect(200, till.pay(belief, code)) for _ in range(2))
    till.ensure(again["paid_at"] == first["paid_at"], "It was paid twice.")
    till.believe(belief, again)


def hang_up(till: Till, belief: Belief) -> None:
    """The connection breaks at any moment, before, during or after the debit; the till repeats until it knows."""
    body = till.body(belief, pay_code=till.pay_code(belief.customer))
    till.caller.hang_up("/terminal/trades", body, after_seconds=till.rng.uniform(0, HANG_UP_SECONDS_MAX))
    asked = till.ask(belief)
    for _ in range(ASKS_MAX):
        answer = till.make(body)
        if answer.code != "sequence_in_use":
            break
    first = expect(201, answer)
    till.ensure(asked.get("answer", first) == first, "The repeat got another answer.")
    till.believe(belief, till.ask(belief)["trade"])


def repeat_at_once(till: Till, belief: Belief) -> None:
    """A nervous network sends everything twice, at the same moment."""
    body = till.body(belief, pay_code=till.pay_code(belief.customer))
    answers = till.both(lambda one: one.post("/terminal/trades", body), lambda two: two.post("/terminal/trades", body))
    for answer in answers:
        till.ensure(answer.status == 201 or answer.code == "sequence_in_use", f"A twin got {answer}.")
    till.believe(belief, till.ask(belief)["trade"])


def scan_twice(till: Till, belief: Belief) -> None:
    """The same code, held before the scanner twice."""
    body = till.payment(belief, till.pay_code(belief.customer))
    path = f"/terminal/trades/{till.make_pending(belief)}/pay"
    for answer in till.both(lambda one: one.post(path, body), lambda two: two.post(path, body)):
        expect(200, answer)
    till.believe(belief, till.ask(belief)["trade"])


def pay_again(till: Till, belief: Belief) -> None:
    """What is paid is shown a second code: refused, and nothing is charged."""
    till.pay_at_once(belief)
    again = till.pay(belief, till.pay_code(belief.customer))
    till.ensure(again.code == "order_not_payable", f"A second payment got {again}.")


def cancel_first(till: Till, belief: Belief) -> None:
    """The cancel overtakes the create, which then comes late."""
    till.ensure(till.cancelled(belief) == NOT_CREATED, "Something was there to cancel.")
    late = till.make(till.body(belief, pay_code=till.pay_code(belief.customer)))
    till.ensure(late.code == "sequence_cancelled", f"The late create got {late}.")


def cancel_meanwhile(till: Till, belief: Belief) -> None:
    """Create and cancel at the same moment, whoever comes first."""
    body = till.body(belief, pay_code=till.pay_code(belief.customer))
    named = {"sequence": belief.sequence}
    _made, ended = till.both(
        lambda one: one.post("/terminal/trades", body), lambda two: two.post("/terminal/trades/cancel", named)
    )
    if expect(200, ended)["result"] != NOT_CREATED:
        till.believe(belief, till.ask(belief)["trade"])
        till.ensure(belief.status == "refunded", f"Cancelled, and {belief.status}.")


def cancel_while_paying(till: Till, belief: Belief) -> None:
    """Somebody cancels what somebody else has just paid; both ends are fine, in between is not."""
    till.make_pending(belief)
    body, named = till.payment(belief, till.pay_code(belief.customer)), {"trade_no": belief.trade_no}
    paid, ended = till.both(
        lambda one: one.post(f"/terminal/trades/{belief.trade_no}/pay", body),
        lambda two: two.post("/terminal/trades/cancel", named),
    )
    result = expect(200, ended)["result"]
    till.believe(belief, till.ask(belief)["trade"])
    till.ensure(belief.status == result, f"The cancel said {result}, and it is {belief.status}.")
    till.ensure((paid.status == 200) == (result == "refunded"), f"The cancel said {result}, the payment {paid}.")


def cancel_late(till: Till, belief: Belief) -> None:
    """The customer changes their mind; the cancel is sent twice."""
    till.pay_at_once(belief)
    for _ in range(2):
        till.cancel(belief)
    till.ensure(belief.status == "refunded", f"Cancelled, and {belief.status}.")


def mistype(till: Till, belief: Belief) -> None:
    """A wrong amount is refused, and then the right one is paid with the same code."""
    till.make_pending(belief)
    body = till.payment(belief, till.pay_code(belief.customer))
    path = f"/terminal/trades/{belief.trade_no}/pay"
    wrong = till.caller.post(path, {**body, "amount": belief.amount + 1})
    till.ensure(wrong.code == "amount_mismatch", f"The wrong amount got {wrong}.")
    till.believe(belief, expect(200, till.caller.post(path, body)))


def show_used_code(till: Till, belief: Belief) -> None:
    """A code that has paid something else is refused, with the trade kept; then the customer pays with a fresh one."""
    _show_dead_code(till, belief, till.used_code(belief.customer) if till.dead_codes < DEAD_CODES_MAX else "")


def show_expired_code(till: Till, belief: Belief) -> None:
    """A code that is older than its minute is refused as one that never was."""
    _show_dead_code(till, belief, till.expired_code(belief.customer) if till.dead_codes < DEAD_CODES_MAX else "")


def pay_offline(till: Till, belief: Belief) -> None:
    """Paid by a code that the phone has made by itself, with a clock that is a little wrong."""
    code = till.offline_code(belief.customer)
    if not code:
        till.done["… (no offline code at hand: ordinary trades)"] += 1
        return till.pay_at_once(belief)
    till.believe(belief, expect(201, till.make(till.body(belief, pay_code=code))))
    with belief.customer.lock:
        belief.customer.offline_phone().tried.append(code)
    return None


def show_offline_code_twice(till: Till, belief: Belief) -> None:
    """A phone's code is dead after one try, like any other."""
    _show_dead_code(till, belief, till.tried_offline_code(belief.customer) if till.dead_codes < DEAD_CODES_MAX else "")


def show_code_of_a_wrong_clock(till: Till, belief: Belief) -> None:
    """A phone whose clock is minutes fast makes codes that are not good yet: they are nobody's."""
    is_fine = till.dead_codes < DEAD_CODES_MAX
    _show_dead_code(till, belief, till.code_of_a_fast_clock(belief.customer) if is_fine else "")


def _show_dead_code(till: Till, belief: Belief, dead: str) -> None:
    if not dead:
        till.done["… (no dead code at hand: ordinary trades)"] += 1
        return till.pay_at_once(belief)
    till.dead_codes += 1
    return _pay_after_refusal(till, belief, dead, "pay_code_invalid")


def exceed_maximum(till: Till, belief: Belief) -> None:
    """A code that was made for less is refused and dead, also for less."""
    belief.amount = max(belief.amount, 2)
    less = {"amount": belief.amount - 1, "currency": CURRENCY}
    _pay_after_refusal(till, belief, till.pay_code(belief.customer, max=less), "pay_code_maximum")


def _pay_after_refusal(till: Till, belief: Belief, code: str, refusal: str) -> None:
    trade = expect(201, till.make(till.body(belief, pay_code=code)))
    said = (trade["refusal"] or {"code": "no refusal"})["code"]
    till.ensure(said == refusal, f"Instead of {refusal} it got {said}.")
    till.believe(belief, trade)
    till.believe(belief, expect(200, till.pay(belief, till.pay_code(belief.customer))))


def confirm_large(till: Till, belief: Belief) -> None:
    """A large amount waits for the customer, who says yes twice."""
    belief.amount = LARGE_MINOR
    till.make_pending(belief, pay_code=till.pay_code(belief.customer))
    till.ensure(belief.status == "confirming", f"A large amount is {belief.status}.")
    said = {"amount": belief.amount, "currency": CURRENCY}
    phone = belief.customer.phone()
    for _ in range(2):
        expect(200, phone.post(f"/trades/{belief.trade_no}/confirm", said, key=f"yes-{belief.trade_no}"))
    till.believe(belief, till.ask(belief)["trade"])


def refund_a_part(till: Till, belief: Belief) -> None:
    """A refund whose answer is lost is sent again under its sequence."""
    till.pay_at_once(belief)
    amount = till.rng.randint(1, belief.amount)
    body = {"sequence": till.next_sequence(), "amount": amount, "reason": "Returned."}
    path = f"/terminal/trades/{belief.trade_no}/refunds"
    first, second = (expect(201, till.caller.post(path, body)) for _ in range(2))
    till.ensure(first == second, "The repeated refund got another answer.")
    belief.refunded = amount
    belief.status = "refunded" if belief.refunded == belief.amount else "paid"


def pay_by_till_and_phone(till: Till, belief: Belief) -> None:
    """The customer pays with the phone while the till scans: one of them does."""
    till.make_pending(belief)
    code, phone = till.pay_code(belief.customer), belief.customer.phone()
    paid = {"amount": belief.amount, "currency": CURRENCY}
    answers = till.both(
        lambda one: one.post(f"/terminal/trades/{belief.trade_no}/pay", till.payment(belief, code)),
        lambda _two: phone.post(f"/trades/{belief.trade_no}/pay", paid, key=belief.trade_no),
    )
    till.ensure(any(answer.status == 200 for answer in answers), f"Nobody paid: {answers}")
    till.believe(belief, till.ask(belief)["trade"])


def walk_away(till: Till, belief: Belief) -> None:
    """The customer goes without paying; the till cancels at the end of the day."""
    till.make_pending(belief)


def leave_to_time(till: Till, belief: Belief) -> None:
    """The customer goes without paying, and the till forgets it: time closes it."""
    till.make_pending(belief)
    belief.is_left = True


def pay_on_phone(till: Till, belief: Belief) -> None:
    """No fault: the customer reads the till's QR, looks, and pays."""
    phone, path = belief.customer.phone(), f"/trades/{till.make_pending(belief)}"
    seen = expect(200, phone.get(path))
    if seen["amount"] != belief.amount:
        raise Unexpected(f"The customer was shown {seen['amount']}.")
    body = {"amount": seen["amount"], "currency": seen["currency"]}
    till.believe(belief, expect(200, phone.post(f"{path}/pay", body, key=belief.trade_no)))


WAYS: list[tuple[str, Deed]] = [
    ("no fault, paid by code", Till.pay_at_once),
    ("no fault, paid on the phone", pay_on_phone),
    ("no fault, paid by an offline code", pay_offline),
]

FAULTS: Mapping[str, Deed] = {
    "request lost": lose_request,
    "answer lost after the debit": lose_answer,
    "answer lost before the debit": lose_answer_before_the_debit,
    "answer lost to a payment": lose_answer_of_payment,
    "connection broken": hang_up,
    "repeated at once": repeat_at_once,
    "scanned twice": scan_twice,
    "paid again": pay_again,
    "cancelled before": cancel_first,
    "cancelled meanwhile": cancel_meanwhile,
    "cancelled while paid": cancel_while_paying,
    "cancelled late": cancel_late,
    "wrong amount": mistype,
    "used code": show_used_code,
    "expired code": show_expired_code,
    "offline code twice": show_offline_code_twice,
    "phone's clock wrong": show_code_of_a_wrong_clock,
    "code for less": exceed_maximum,
    "large amount": confirm_large,
    "refund repeated": refund_a_part,
    "till and phone": pay_by_till_and_phone,
    "customer gone": walk_away,
}

TO_THE_END: Mapping[str, Deed] = {"left to time": leave_to_time}
