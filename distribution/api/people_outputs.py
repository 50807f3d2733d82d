"""Bodies and answers of what concerns agents and people."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from django.conf import settings
from drf_spectacular.utils import OpenApiExample
from rest_framework import serializers
from rest_framework.fields import Field

from accounts.models.account import REASON_LENGTH_MAX
from accounts.references import AccountRefDocument, account_ref
from core.api.fields import Input, MomentField, TextField
from core.ids import PUBLIC_ID_LENGTH_MAX
from distribution.areas.codes import PUBLIC_CODE_LENGTH_MAX
from distribution.chains import AgentLink, PersonRef, ReferrerLink
from distribution.models import AgentSeat, Placement, Referral
from distribution.people import NumberedNode, brought_counts, stores_below
from distribution.rule_numbers import NodeKind
from distribution.seat_figures import AgentEarnings, EndPreview

APPOINTED = OpenApiExample(
    "An agent for São Paulo", {"account": "acc_01J9ZK3Q6V8M2N4P6R8T0V2X4Z", "area": "BR:3550308"}, request_only=True
)


class BeginsInput(Input):
    """With `from`, which is no name in Python."""

    def get_fields(self) -> dict[str, Field]:
        begins = MomentField(required=False, help_text="Now, where absent; may lie ahead.")
        return super().get_fields() | {"from": begins}


class AppointInput(BeginsInput):
    account = TextField(max_length=PUBLIC_ID_LENGTH_MAX)
    area = TextField(max_length=PUBLIC_CODE_LENGTH_MAX, help_text="`BR:35`, or `35` where only one scheme has it.")


class ReplaceInput(BeginsInput):
    account = TextField(max_length=PUBLIC_ID_LENGTH_MAX)


class ReasonInput(Input):
    reason = TextField(max_length=REASON_LENGTH_MAX)


class BindInput(ReasonInput):
    account = TextField(max_length=PUBLIC_ID_LENGTH_MAX)
    referrer = TextField(max_length=PUBLIC_ID_LENGTH_MAX)


class MoveInput(ReasonInput):
    referrer = TextField(max_length=PUBLIC_ID_LENGTH_MAX)


class PeriodDocument(serializers.Serializer):
    """From one moment until another, half open; null goes on."""

    def get_fields(self) -> dict[str, Field]:
        ends = serializers.DateTimeField(allow_null=True)
        return super().get_fields() | {"from": serializers.DateTimeField(), "until": ends}


class AgentDocument(serializers.Serializer):
    id = serializers.CharField()
    rule_number = serializers.CharField()
    area = serializers.CharField()
    area_name = serializers.CharField()
    tier = serializers.IntegerField(help_text="The area's level.")
    account = AccountRefDocument()
    period = PeriodDocument()


class HeldSeatDocument(AgentDocument):
    stores = serializers.IntegerField(help_text="Placed in the area or below it.")


class AgentEarningsDocument(serializers.Serializer):
    currency = serializers.CharField()
    pending = serializers.IntegerField(help_text="Minor units: not yet released.")
    released = serializers.IntegerField(help_text="What went to the wallet or repaid a debt, and stayed.")
    reversed = serializers.IntegerField(help_text="What refunds took back.")


class OwnSeatsDocument(serializers.Serializer):
    seats = HeldSeatDocument(many=True)
    earnings = AgentEarningsDocument(many=True)


class EarnedDocument(serializers.Serializer):
    amount = serializers.IntegerField(help_text="Minor units, after refunds.")
    currency = serializers.CharField()
    goes_to = serializers.ChoiceField(["house", "next_up", "escrow"])
    account = AccountRefDocument(allow_null=True, help_text="Whose it would be, where it is next up's.")


class PreviewDocument(serializers.Serializer):
    seat = AgentDocument()
    at = serializers.DateTimeField()
    stores = serializers.IntegerField(help_text="How many stores would have no agent of this area.")
    vacancy = serializers.ChoiceField(["house", "next_up", "escrow"], help_text="By the plan in force.")
    next_up = AgentDocument(allow_null=True, help_text="The nearest agent above.")
    since = serializers.DateTimeField(help_text="Sales from then on are counted.")
    earned = EarnedDocument(many=True, help_text="What the seat got since, and where it would have gone.")


class PlaceDocument(serializers.Serializer):
    id = serializers.CharField()
    rule_number = serializers.CharField()
    account = AccountRefDocument()
    referrer = AccountRefDocument(allow_null=True)
    via = serializers.ChoiceField(Referral.Via.values)
    original = serializers.BooleanField(help_text="Whether this is the first referrer that the account ever had.")
    period = PeriodDocument()


class BroughtDocument(serializers.Serializer):
    account = AccountRefDocument()
    level = serializers.IntegerField(help_text="1 came through you, 2 through somebody who did.")
    since = serializers.DateTimeField()
    referrals = serializers.IntegerField(allow_null=True, help_text="How many came through it; null on the last level.")


class ChainAgentDocument(serializers.Serializer):
    tier = serializers.IntegerField(help_text="The area's level.")
    area = serializers.CharField()
    account = AccountRefDocument()
    rule_number = serializers.CharField()


class ChainVacancyDocument(serializers.Serializer):
    tier = serializers.IntegerField()
    area = serializers.CharField()


class ChainReferrerDocument(serializers.Serializer):
    level = serializers.IntegerField()
    account = AccountRefDocument()
    rule_number = serializers.CharField()


class ChainDocument(serializers.Serializer):
    agents = ChainAgentDocument(many=True, help_text="The nearest first.")
    vacant = ChainVacancyDocument(many=True, help_text="Areas of the chain without an agent.")
    referrers = ChainReferrerDocument(many=True, help_text="The nearest first.")
    as_of = serializers.DateTimeField()


class NodeDocument(serializers.Serializer):
    rule_number = serializers.CharField()
    kind = serializers.ChoiceField([kind.value for kind in NodeKind])
    area = serializers.CharField(allow_null=True)
    account = AccountRefDocument(allow_null=True, help_text="Of a placement: the store's seller.")
    store = serializers.CharField(allow_null=True)
    period = PeriodDocument()


def agent_document(seat: AgentSeat) -> dict[str, Any]:
    return {
        "id": seat.public_id,
        "rule_number": seat.rule_number,
        "area": seat.area.public_code,
        "area_name": seat.area.name,
        "tier": seat.area.level,
        "account": account_ref(seat.account),
        "period": {"from": seat.from_at, "until": seat.until_at},
    }


def agent_documents(seats: Iterable[AgentSeat]) -> Iterator[dict[str, Any]]:
    return map(agent_document, seats)


def own_seats_document(seats: list[AgentSeat], earnings: Iterable[AgentEarnings]) -> dict[str, Any]:
    stores = stores_below(seat.area_id for seat in seats)
    return {
        "seats": [agent_document(seat) | {"stores": stores.get(seat.area_id, 0)} for seat in seats],
        "earnings": [
            {
                "currency": row.currency,
                "pending": row.pending_minor,
                "released": row.released_minor,
                "reversed": row.reversed_minor,
            }
            for row in earnings
        ],
    }


def preview_document(preview: EndPreview) -> dict[str, Any]:
    heir = account_ref(preview.heir.account) if preview.heir else None
    return {
        "seat": agent_document(preview.seat),
        "at": preview.at,
        "stores": preview.stores,
        "vacancy": preview.vacancy,
        "next_up": agent_document(preview.next_up) if preview.next_up else None,
        "since": preview.since,
        "earned": [
            {
                "amount": money.minor,
                "currency": money.currency,
                "goes_to": preview.goes_to,
                "account": heir,
            }
            for money in preview.earned
        ],
    }


def place_document(place: Referral) -> dict[str, Any]:
    return {
        "id": place.public_id,
        "rule_number": place.rule_number,
        "account": account_ref(place.account),
        "referrer": account_ref(place.referrer),
        "via": place.via,
        "original": place.is_original,
        "period": {"from": place.from_at, "until": place.until_at},
    }


def brought_documents(places: Iterable[Any]) -> Iterator[dict[str, Any]]:
    places = list(places)
    deepest = settings.REFERRAL_LEVELS_MAX[""]
    counts = brought_counts(place.account_id for place in places if place.level < deepest)
    for place in places:
        yield {
            "account": account_ref(place.account),
            "level": place.level,
            "since": place.from_at,
            "referrals": counts.get(place.account_id, 0) if place.level < deepest else None,
        }


def chain_document(
    agents: Iterable[AgentLink], referrers: Iterable[ReferrerLink], *, as_of: datetime
) -> dict[str, Any]:
    agents = list(agents)
    return {
        "agents": [
            {
                "tier": link.level,
                "area": link.area.code,
                "account": _person(link.account),
                "rule_number": link.rule_number,
            }
            for link in agents
            if link.account is not None
        ],
        "vacant": [{"tier": link.level, "area": link.area.code} for link in agents if link.account is None],
        "referrers": [
            {"level": link.level, "account": _person(link.account), "rule_number": link.rule_number}
            for link in referrers
        ],
        "as_of": as_of,
    }


def node_document(node: NumberedNode) -> dict[str, Any]:
    row = node.row
    area, account, store = None, None, None
    if isinstance(row, Placement):
        area = row.area if node.rule_number == row.rule_number else row.proposed_area
        account, store = row.store.seller, row.store.public_id
    elif isinstance(row, AgentSeat):
        area, account = row.area, row.account
    else:
        account = row.account
    return {
        "rule_number": node.rule_number,
        "kind": node.kind.value,
        "area": area.public_code if area else None,
        "account": account_ref(account),
        "store": store,
        "period": {"from": row.from_at, "until": row.until_at},
    }


def _person(person: PersonRef | None) -> dict[str, str] | None:
    return None if person is None else {"id": person.public_id, "name": person.name}
