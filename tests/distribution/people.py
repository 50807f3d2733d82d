"""People, areas and seats for tests."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from django.db import transaction

from accounts.actor import Actor
from accounts.events import AccountRegistered
from accounts.models import Account
from distribution.chains import Chain, Sale, resolve_chains
from distribution.models import AgentSeat, Area, AreaScheme, Referral
from distribution.services import place_registered
from events.models import EventRecord
from events.services import emit
from tests.conftest import make_account

START = datetime(2027, 3, 1, 12, tzinfo=UTC)


def minute(number: float) -> datetime:
    return START + timedelta(minutes=number)


def areas(scheme: str = "ZZ", *, below: Mapping[str, str] | None = None) -> dict[str, Area]:
    """`areas(below={"N": "ZZ", "N1": "N"})`: a country with a province and a city in it."""
    AreaScheme.objects.get_or_create(code=scheme)
    made: dict[str, Area] = {}
    for code, parent in {scheme: "", **(below or {"N": scheme, "N1": "N", "N11": "N1", "N12": "N1"})}.items():
        over = made.get(parent)
        made[code] = Area.objects.create(
            scheme_id=scheme,
            code=code,
            name=f"Area {code}",
            level=over.level + 1 if over else 0,
            level_name=("country", "province", "city", "district")[over.level + 1 if over else 0],
            parent=over,
        )
    return made


def came(at: datetime, *, through: Account | None = None, heard: bool = True, side: str = "buyer") -> Account:
    """An account that registers, perhaps with somebody's code; `heard`: by the forest, too."""
    account = make_account(side=side, created_at=at)
    with transaction.atomic():
        emit(
            AccountRegistered(
                account=account.public_id,
                side=account.side,
                kind=account.kind,
                referral_code=through.referral_code if through else None,
            ),
            occurred_at=at,
        )
    if heard:
        place_registered(accounts=[account])
    return account


def above(account: Account, at: datetime, levels: int | None = None) -> list[Account]:
    """Who brought the account, as its purchases see it at a moment."""
    chain = resolve_chains([Sale(store=None, seller="", buyer=account.public_id, at=at)], referrer_levels=levels)[0]
    keys = [link.account.id for link in chain.referrers]
    return [Account.objects.get(pk=key) for key in keys]


def place_now(account: Account) -> Referral:
    return Referral.objects.get(account=account, until_at=None)


def events_of(type_: str) -> list[EventRecord]:
    return list(EventRecord.objects.filter(type=type_).order_by("id"))


def clerk() -> Actor:
    return Actor.own(make_account(operator=True))


def seat_of(chain: Chain, level: int) -> str | None:
    return next((link.rule_number for link in chain.agents if link.level == level), None)


def living_seats(area: Area) -> list[AgentSeat]:
    return list(AgentSeat.objects.filter(area=area, until_at=None))
