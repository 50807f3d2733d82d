"""First answers: what has an effect under a sequence has it once, and every repeat is answered as the first time."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from rest_framework.renderers import JSONRenderer

from core.errors import Refusal
from orders.counter.models import CounterTrade
from orders.counter.services import sequences
from orders.counter.services.sequences import AnsweredMeanwhile, Asked
from orders.models import Refund


@dataclass(frozen=True, slots=True)
class Done:
    """What came of a request under a sequence, with its answer."""

    document: dict[str, Any]
    trade: CounterTrade
    refund: Refund | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """The body of the first answer, and whether it had been given before."""

    body: str
    is_repeat: bool


def answer_once(asked: Asked, effect: Callable[[], Done]) -> Answer:
    """
    Run an effect once per sequence, and answer every repeat as the first time.

    A refusal keeps nothing: the sequence stays free. Where a twin committed between our look-up and the effect, what
    we did or were refused is its echo: it is rolled back, and answered as the twin was.

    :raises Refusal: of the effect, and those of `sequences.begin`.
    """
    try:
        with transaction.atomic():
            kept = sequences.begin(asked)
            if kept is None:
                return Answer(_keep(asked, effect()), is_repeat=False)
    except (AnsweredMeanwhile, Refusal) as echo:
        kept = sequences.look_up(asked)
        if kept is None:
            raise echo from None
    return Answer(kept, is_repeat=True)


def _keep(asked: Asked, done: Done) -> str:
    body = JSONRenderer().render(done.document).decode()
    sequences.keep(asked, answer=body, trade=done.trade, refund=done.refund)
    return body
