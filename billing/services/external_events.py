"""Events from outside: a payment server, or an operator, hands in type, parameters, parties and amounts."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Sum
from django.db.models.functions import Coalesce

from accounts.models import Account
from billing.booking import BILLING
from billing.errors import (
    BadAmounts,
    BadParty,
    CurrencyContradicted,
    DailyLimitExceeded,
    EventTypeInternal,
    OccurredInFuture,
    OperatorLimitExceeded,
    UnknownEventType,
    UnknownParameter,
)
from billing.event_types import TypeSpec
from billing.models import ExternalEvent, ServiceKey
from billing.subjects import EXTERNAL, own_subject
from billing.types import find_type
from core.errors import Conflict
from core.ids import encode_key
from events.errors import EventKeyTaken
from events.services import Fact, record_facts, retry_deliveries
from ledger.codes import HOUSE_PURPOSES, OWNED_PURPOSES, purpose_of

LEDGER_CODE = re.compile(r"[a-z][a-z0-9_]*(:[A-Za-z0-9_.\-]+)*\Z")


class KeyReused(Conflict):
    code = "event_key_reused"
    message = "An event of this key says something else."


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """An event as its sender wrote it; amounts in minor units of `currency`."""

    type: str
    key: str
    parameters: Mapping[str, str]
    parties: Mapping[str, str]
    amounts: Mapping[str, int]
    currency: str
    occurred_at: datetime
    subject: str | None = None

    @property
    def digest(self) -> str:
        """The same for two submissions that say the same."""
        said = [self.type, self.parameters, self.parties, self.amounts, self.currency, self.occurred_at, self.subject]
        return hashlib.sha256(json.dumps(said, sort_keys=True, default=str).encode()).hexdigest()

    def payload(self) -> dict[str, Any]:
        amounts = {f"{name}_minor": minor for name, minor in self.amounts.items()}
        return {**self.parameters, **self.parties, **amounts, "currency": self.currency}


@transaction.atomic
def submit_event(*, submission: Submission, sender: Account | ServiceKey, now: datetime) -> str:
    """
    Record an event from outside for billing and return its public id.

    A repeat of its key with the same content returns the first one's id.

    :raises EventTypeInternal: the type is not external, or the key is not bound to it.
    :raises UnknownEventType, UnknownParameter, BadParty, BadAmounts, OccurredInFuture: what it says is not right.
    :raises KeyReused: the key belongs to an event that says something else.
    :raises DailyLimitExceeded, OperatorLimitExceeded: too much for one day.
    """
    spec = _type_for(submission.type, sender)
    known = _known_event(submission)
    if known is not None:
        return known
    _check_content(submission, spec, now)
    _check_daily_limit(submission, spec, sender)
    key = EXTERNAL + submission.key
    subject = EXTERNAL + submission.subject if submission.subject else own_subject(key)
    fact = Fact(spec.type, key, subject, submission.payload(), submission.occurred_at)
    try:
        with transaction.atomic():
            event = record_facts([fact], also_heard_by=[BILLING])[0]
    except EventKeyTaken:  # A twin was faster; it has committed, for the unique key waited for it.
        return _known_event(submission) or ""
    ExternalEvent.objects.create(
        event_id=event.id,
        key=submission.key,
        body_digest=submission.digest,
        sent_by=sender.public_id,
        total_minor=_total_minor(submission, spec),
        currency=submission.currency,
    )
    return event.public_id


def retry_event(*, event_id: int) -> None:
    """
    Put an unposted event back in its place, to be booked by the rules in force now.

    A booked or pending one stays as it is.
    """
    retry_deliveries(deliveries=[(BILLING, event_id)])


def _type_for(name: str, sender: Account | ServiceKey) -> TypeSpec:
    spec = find_type(name)
    if spec is None:
        raise UnknownEventType
    if not spec.external or (isinstance(sender, ServiceKey) and name not in sender.types):
        raise EventTypeInternal
    return spec


def _known_event(submission: Submission) -> str | None:
    known = ExternalEvent.objects.filter(key=submission.key).first()
    if known is None:
        return None
    if known.body_digest != submission.digest:
        raise KeyReused
    return encode_key("evt", known.event_id)


def _check_content(submission: Submission, spec: TypeSpec, now: datetime) -> None:
    unknown = [name for name in submission.parameters if name not in spec.parameters]
    if unknown:
        raise UnknownParameter(f"{spec.type} declares no parameter {unknown[0][:80]}.")
    if submission.parameters.get("currency", submission.currency) != submission.currency:
        raise CurrencyContradicted
    _check_parties(submission.parties, spec)
    _check_amounts(submission.amounts, spec)
    if submission.occurred_at > now + settings.EVENT_FUTURE_TOLERANCE:
        raise OccurredInFuture


def _check_parties(parties: Mapping[str, str], spec: TypeSpec) -> None:
    if set(parties) != {party.name for party in spec.parties}:
        raise BadParty(f"{spec.type} has the parties {', '.join(party.name for party in spec.parties)}.")
    accounts = {parties[party.name] for party in spec.parties if not party.is_ledger}
    known = set(Account.objects.filter(public_id__in=accounts).values_list("public_id", flat=True))
    codes = [parties[party.name] for party in spec.parties if party.is_ledger]
    if accounts - known or not all(_may_be_named(code) for code in codes):
        raise BadParty("A party is the id of an account, or the code of a ledger account that stands for the world.")


def _may_be_named(code: str) -> bool:
    """
    Whether a sender may name this ledger account: the world's (`cash:…`, `clearing:…`), never anybody's money.

    People's wallets are reached by naming the account as a party, and the house's own accounts by
    rules, which a second person has seen.
    """
    return bool(LEDGER_CODE.match(code)) and purpose_of(code) not in OWNED_PURPOSES | HOUSE_PURPOSES


def _check_amounts(amounts: Mapping[str, int], spec: TypeSpec) -> None:
    declared = {amount.name for amount in spec.amounts}
    missing = set(spec.wholes()) - set(amounts)
    if set(amounts) - declared or missing:
        raise BadAmounts(f"{spec.type} has the amounts {', '.join(sorted(declared))}.")
    for whole in spec.wholes():
        if sum(amounts.get(part, 0) for part in spec.parts_of(whole)) > amounts[whole]:
            raise BadAmounts(f"The parts of {whole} come to more than the whole.")


def _total_minor(submission: Submission, spec: TypeSpec) -> int:
    return sum(submission.amounts[whole] for whole in spec.wholes())


def _check_daily_limit(submission: Submission, spec: TypeSpec, sender: Account | ServiceKey) -> None:
    """Lock the sender, so that two at once are counted one after the other; then count the day."""
    limit = _limit_of(submission.currency, sender)
    if limit is None:
        return
    _lock_sender(sender)
    if _sent_today_minor(submission.currency, sender) + _total_minor(submission, spec) > limit:
        raise DailyLimitExceeded if isinstance(sender, ServiceKey) else OperatorLimitExceeded


def _lock_sender(sender: Account | ServiceKey) -> None:
    type(sender).objects.select_for_update(no_key=True).get(pk=sender.pk)


def _sent_today_minor(currency: str, sender: Account | ServiceKey) -> int:
    sent = ExternalEvent.objects.filter(sent_by=sender.public_id, currency=currency, recorded_at__gte=_today())
    return sent.aggregate(total=Coalesce(Sum("total_minor"), 0))["total"]


def _limit_of(currency: str, sender: Account | ServiceKey) -> int | None:
    """A key's limit is in one currency; in others it may send nothing."""
    if isinstance(sender, Account):
        return settings.OPERATOR_EVENTS_DAILY_MINOR_MAX
    if sender.daily_limit_minor is None:
        return None
    return sender.daily_limit_minor if currency == sender.daily_limit_currency else 0


def _today() -> datetime:
    """When the database's day began, in UTC."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT date_trunc('day', clock_timestamp(), 'UTC')")
        return cursor.fetchone()[0]
