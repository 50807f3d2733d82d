"""
Makes the demo world through the services, as its people would: step by step, each at its own time.

Every step looks first whether it is done, so that a run that was broken off is completed by the next.
"""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from rest_framework.renderers import JSONRenderer

from accounts.actor import Actor
from accounts.identity_proofs import sign_proof
from accounts.models import Account, SecondFactor
from accounts.selectors import links_between
from accounts.services import bind_identity, invite, link_accounts, register_account
from accounts.sessions import open_session
from billing.services.catching_up import catch_up
from catalog.models import Item, Store
from catalog.services import add_picture, offer_item, open_store, trust_providers
from core import clock
from core.money import Money
from core.secrecy import encrypt
from demo.pictures import MOTIFS, draw
from demo.world import (
    AGENCIES,
    AGENTS,
    BONDS,
    BUYERS,
    IDENTITIES,
    LOOKS,
    OFFERS,
    OPERATORS,
    PAYOUTS,
    PHONES,
    PLACES,
    SALES,
    SECOND_FACTORS,
    SELLERS,
    SHARINGS,
    STORIES,
    WISHES,
    Agency,
    Bond,
    Known,
    Looks,
    Offer,
    Operator,
    Payout,
    Person,
    Phone,
    Place,
    Sale,
    Sharing,
    Stage,
    Story,
    Wish,
)
from distribution.areas.codes import find_area
from distribution.models import AgentSeat, AreaScheme, Plan
from distribution.services import appoint_agent, load_areas
from orders.cart.services import put_line
from orders.counter.api.outputs import trade_document
from orders.counter.models import CounterTrade, Terminal, TillRequest
from orders.counter.services import (
    Identity,
    SoldLine,
    call_till_charge,
    conclude_till_charge,
    create_terminal,
    create_trade,
    request_till_charge,
)
from orders.counter.services.sequences import Asked, begin, find_request, keep
from orders.models import Order
from orders.services import (
    WantedLine,
    WantedRefundLine,
    cancel_order,
    complete_order,
    fulfil_order,
    pay_order,
    place_checkout,
    refund_order,
    refuse_refund_request,
    request_refund,
)
from sharing.models import Scan, Share, ShareProgram
from sharing.services import make_share, set_program
from sharing.services.scanning import record_scan
from sharing.tokens import write_token
from wallets.models import TopUp, Withdrawal
from wallets.pay_codes.models import PayCodeSecret
from wallets.pay_codes.services import enrol_phone
from wallets.payout_targets.services import add_payout_target
from wallets.services import (
    charge_top_up,
    finish_top_up,
    finish_withdrawal,
    pay_out_withdrawal,
    request_top_up,
    request_withdrawal,
)

AREAS = Path(__file__).parent / "areas"
AREA_SCHEME = "CN"
OPENED_BEFORE = timedelta(days=30)  # before all orders
PROOF_LIFETIME = timedelta(minutes=1)
CONSEQUENCES_DEPTH = 4  # A sale is shared out, released by time, and each of that is booked.
PLAN = Path(__file__).parent / "plan.json"
HERE = "127.0.0.1"
PHONE = "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 Chrome/125.0.0.0 Mobile Safari/537.36"
CRAWLER = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
LOOKS_APART = timedelta(minutes=25)
LOOK_TWICE = 3  # Every so-manieth looks again within the hour, and is no new visitor.
WITHDRAWN_BEFORE = timedelta(days=6)  # now
SCANNED_BEFORE = timedelta(hours=1)  # the order


def load_world(*, now: datetime) -> None:
    """Make what of the demo world is missing; a repeat makes nothing, also after things were renamed or sold."""
    if _is_complete():
        return
    opened_at = now - OPENED_BEFORE
    _load_areas(opened_at)
    for operator in OPERATORS:
        _make_operator(operator)
    ship_plan()
    for person in (*AGENTS, *SELLERS, *BUYERS):
        _register(person, opened_at)
    for agency in AGENCIES:
        _appoint(agency, opened_at)
    for bond in BONDS:
        _link(bond, opened_at)
    for known in IDENTITIES:
        _bind(known, opened_at)
    for username, secret in SECOND_FACTORS.items():
        _protect(username, secret)
    for place in PLACES:
        _open(place, opened_at)
    for offer in OFFERS:
        _offer(offer, opened_at)
        _show(offer, opened_at)
    for sharing in SHARINGS:
        _share(sharing, opened_at)
    for looks in LOOKS:
        _look(looks, now)
    for buyer in BUYERS:
        for amount in buyer.wallet:
            _top_up(buyer, amount, opened_at)
    catch_up()  # Only booked money can be paid with.
    for payout in PAYOUTS:
        _withdraw(payout, now)
    for phone in PHONES:
        _enrol(phone, now)
    for wish in WISHES:
        _wish(wish, now)
    for sale in SALES:
        _sell(sale, now)
    for story in STORIES:
        _tell(story, now)
    for _ in range(CONSEQUENCES_DEPTH):
        clock.run_due(now)
        catch_up()


def _is_complete() -> bool:
    """The last story is told last."""
    return _order_of(STORIES[-1]) is not None


def _load_areas(now: datetime) -> None:
    """Only where there are none: who has loaded all of China, or a newer one, keeps that."""
    if not AreaScheme.objects.filter(code=AREA_SCHEME).exists():
        load_areas(areas=AREAS / "china.csv", borders=AREAS / "china.geojson.gz", now=now, tell=lambda *_: None)


def _make_operator(operator: Operator) -> None:
    if not Account.objects.filter(username=operator.username).exists():
        Account.objects.create_superuser(operator.username, settings.DEMO_PASSWORD, name=operator.name)


def _register(person: Person, now: datetime) -> None:
    if not Account.objects.filter(username=person.username).exists():
        register_account(
            username=person.username,
            password=settings.DEMO_PASSWORD,
            kind=person.kind,
            side=person.side,
            name=person.name,
            referral_code=_account(person.brought_by).referral_code if person.brought_by else "",
            now=now,
        )
    if person.step_up:
        Account.objects.filter(username=person.username).update(step_up=True)


def ship_plan() -> None:
    """In force since ever; only where there is none, since whoever has plans of their own keeps them."""
    if not Plan.objects.exists():
        document = json.loads(PLAN.read_text())
        Plan.objects.create(
            name=document["name"], version=1, status=Plan.Status.ACTIVE, document=document, activated_at=timezone.now()
        )


def _appoint(agency: Agency, now: datetime) -> None:
    area = find_area(agency.area)
    if not AgentSeat.objects.filter(area=area).exists():
        clerk = Actor.own(_account(OPERATORS[0].username))
        appoint_agent(area=area, account=_account(agency.username), actor=clerk, now=now)


def _link(bond: Bond, now: datetime) -> None:
    inviter, invitee = _account(bond.inviter), _account(bond.invitee)
    if not links_between(inviter, invitee.public_id).exists():
        (code,) = invite(count=1, terms=bond.terms, actor=Actor.own(inviter), now=now).codes
        link_accounts(code=code, actor=Actor.own(invitee), address=HERE, now=now)


def _bind(known: Known, now: datetime) -> None:
    """Signed as the demo's providers do, with machine time, by which proofs end."""
    account, expires_at = _account(known.username), timezone.now() + PROOF_LIFETIME
    who = {"provider": known.provider, "external_id": known.external_id}
    proof = sign_proof(**who, account=account.public_id, expires_at=expires_at)
    bind_identity(**who, proof=proof, actor=Actor.own(account), now=now)


def _protect(username: str, secret: str) -> None:
    """A second factor in force; not by the service, which makes secrets that nobody knows."""
    kept = {"secret": encrypt(secret), "created_at": timezone.now(), "confirmed_at": timezone.now(), "last_step": 0}
    SecondFactor.objects.get_or_create(account=_account(username), defaults=kept)


def _open(place: Place, now: datetime) -> None:
    seller = _account(place.seller)
    if not Store.objects.filter(seller=seller, name=place.name).exists():
        open_store(
            name=place.name,
            address=place.address,
            latitude=place.latitude,
            longitude=place.longitude,
            area_code=place.area_code,
            actor=Actor.own(seller),
            now=now,
        )
    if place.trusts:
        store = Store.objects.get(seller=seller, name=place.name)
        trust_providers(store=store.public_id, providers=place.trusts)


def _offer(offer: Offer, now: datetime) -> None:
    seller = _account(offer.seller)
    if not Item.objects.filter(seller=seller, title=offer.title).exists():
        offer_item(
            title=offer.title,
            description=offer.description,
            kind=offer.kind,
            category=offer.category,
            price=offer.price,
            stock=offer.stock,
            status=offer.status,
            store=Store.objects.get(seller=seller).public_id,
            actor=Actor.own(seller),
            now=now,
        )


def _show(offer: Offer, now: datetime) -> None:
    item = Item.objects.select_related("seller").get(title=offer.title, seller__username=offer.seller)
    for alt, motif, palette in MOTIFS.get(offer.title, ())[item.pictures.count() :]:
        add_picture(item=item.public_id, file=draw(motif, palette), alt=alt, actor=Actor.own(item.seller), now=now)


def _share(sharing: Sharing, now: datetime) -> None:
    item = Item.objects.select_related("seller").get(title=sharing.title)
    if not ShareProgram.objects.filter(item=item).exists():
        set_program(item=item.public_id, terms=sharing.terms, actor=Actor.own(item.seller), now=now)
    make_share(item=item.public_id, actor=Actor.own(_account(sharing.sharer)), now=now)


@transaction.atomic
def _look(looks: Looks, now: datetime) -> None:
    """All of them or none."""
    share = Share.objects.get(item__title=looks.title, sharer__username=looks.sharer)
    if Scan.objects.filter(share=share).exists():
        return
    for agent, days in ((PHONE, looks.people), (CRAWLER, looks.machines)):
        for age, count in days.items():
            for number in range(count):
                at = now - timedelta(days=age) + LOOKS_APART * number
                record_scan(share_id=share.pk, agent=agent, address=_passer_by(number), signals=[], now=at)


def _passer_by(number: int) -> str:
    """The address of somebody's phone, out of those that are kept for examples (RFC 5737)."""
    return f"198.51.100.{number + 1 - (number % LOOK_TWICE == LOOK_TWICE - 1)}"


def _scan(item: Item, sharer: str, now: datetime) -> str:
    """Somebody's phone looks at a sharer's code; the token with which it is led on."""
    share = Share.objects.get(item=item, sharer__username=sharer)
    scan = record_scan(share_id=share.pk, agent=PHONE, address=HERE, signals=[], now=now)
    assert scan is not None
    return write_token(scan.ticket)


def _top_up(person: Person, amount: Money, now: datetime) -> None:
    owner = _account(person.username)
    begun = TopUp.objects.filter(owner=owner, currency=amount.currency).first()
    top_up = begun or request_top_up(
        owner=owner, amount=amount, provider=settings.TOP_UP_PROVIDER_DEFAULT, actor=Actor.own(owner), now=now
    )
    if top_up.status == TopUp.Status.IN_PROGRESS:
        outcome = charge_top_up(public_id=top_up.public_id)
        finish_top_up(public_id=top_up.public_id, outcome=outcome, now=now)


def _withdraw(payout: Payout, now: datetime) -> None:
    owner = Actor.own(_account(payout.username))
    begun = Withdrawal.objects.filter(owner=owner.acting).first()
    if begun is None:
        begun = _begin_withdrawal(payout, owner, now)
    if begun.status == Withdrawal.Status.IN_PROGRESS:
        outcome = pay_out_withdrawal(public_id=begun.public_id)
        finish_withdrawal(public_id=begun.public_id, outcome=outcome, now=now)


@transaction.atomic
def _begin_withdrawal(payout: Payout, owner: Actor, now: datetime) -> Withdrawal:
    target = add_payout_target(destination=payout.destination, name=payout.name, actor=owner, now=now)
    return request_withdrawal(
        owner=owner.acting,
        amount=payout.amount,
        provider=settings.PAYOUT_PROVIDER,
        target=target.public_id,
        actor=owner,
        now=now - WITHDRAWN_BEFORE,
    )


@transaction.atomic
def _enrol(phone: Phone, now: datetime) -> None:
    """In a log-in of its own, whose token nobody has kept: it only stands in the lists."""
    account = _account(phone.username)
    if PayCodeSecret.objects.filter(account=account).exists():
        return
    session = open_session(account=account, device=PHONE).session
    actor = Actor(login=account, acting=account, session_id=session.public_id)
    enrol_phone(name=phone.name, maximum=phone.maximum, actor=actor, now=now)


def _wish(wish: Wish, now: datetime) -> None:
    item = Item.objects.get(title=wish.title)
    put_line(item=item.public_id, quantity=wish.quantity, actor=Actor.own(_account(wish.buyer)), now=now)


@transaction.atomic
def _tell(story: Story, now: datetime) -> None:
    """All of an order's story or nothing: the timed task must not close it half told."""
    if _order_of(story) is not None:
        return
    item = Item.objects.select_related("seller").get(title=story.title)
    owner, seller = _account(story.buyer), Actor.own(item.seller)
    buyer = Actor(login=_account(story.by or story.buyer), acting=owner)
    placed_at = now - story.age

    def at(share: float) -> datetime:
        return placed_at + story.age * share

    wanted = [WantedLine(item=item.public_id, quantity=story.quantity)]
    scans = [_scan(item, story.scanned, placed_at - SCANNED_BEFORE)] if story.scanned else []
    (placed,) = place_checkout(lines=wanted, scans=scans, actor=buyer, now=placed_at).orders
    order, total = placed.public_id, _total(placed)
    steps: dict[Stage, Callable[[], object]] = {
        Stage.PAID: lambda: pay_order(order=order, amount=total, payer=buyer.acting, actor=buyer, now=placed_at),
        Stage.FULFILLED: lambda: fulfil_order(order=order, actor=seller, now=at(0.25)),
        Stage.COMPLETED: lambda: complete_order(order=order, actor=buyer, now=at(0.5)),
    }
    for stage, step in steps.items():
        if stage <= story.stage:
            step()
    if story.refund:
        refund_order(
            order=order, amount_minor=story.refund.minor, reason=story.refund_reason, actor=seller, now=at(0.75)
        )
    if story.asks_back:
        asked = [WantedRefundLine(placed.lines.get().public_id, story.asks_for.minor)] if story.asks_for else []
        request = request_refund(order=order, lines=asked, reason=story.asks_back, actor=buyer, now=at(0.9))
        if story.refused:
            refuse_refund_request(request=request.public_id, answer=story.refused, actor=seller, now=at(0.95))
    if story.cancelled:
        cancel_order(order=order, actor=seller, now=at(0.75))


def _sell(sale: Sale, now: datetime) -> None:
    """At a till whose key nobody has kept; the customer's bank is called outside any transaction."""
    trade = _trade_of(sale, _till_of(sale, now), now - sale.age)
    order = trade.order
    if order.status != Order.Status.PENDING:
        return
    identity, amount = Identity(sale.paid_by.provider, sale.paid_by.external_id), _total(order)
    charge = request_till_charge(
        terminal=trade.terminal, trade_no=order.trade_no, identity=identity, amount=amount, now=order.placed_at
    )
    outcome = call_till_charge(charge=charge) if charge else None
    conclude_till_charge(charge=charge, trade_no=order.trade_no, outcome=outcome, now=order.placed_at)


def _till_of(sale: Sale, now: datetime) -> Terminal:
    store = Store.objects.get(seller__username=sale.seller)
    made = Terminal.objects.filter(store=store, name=sale.till).first()
    actor = Actor.own(store.seller)
    return made or create_terminal(store=store.public_id, name=sale.till, actor=actor, now=now - OPENED_BEFORE)[0]


@transaction.atomic
def _trade_of(sale: Sale, till: Terminal, sold_at: datetime) -> CounterTrade:
    """The trade under the till's number of it."""
    made = find_request(till, sale.sequence)
    if made is not None:
        return CounterTrade.objects.select_related("order", "terminal__store").get(requests=made)
    item = Item.objects.get(title=sale.title)
    price = Money(item.price_minor * sale.quantity, item.currency)
    lines = [{"item": item.public_id, "quantity": sale.quantity}]
    body = {"sequence": sale.sequence, "lines": lines, "amount": price.minor}
    asked = Asked.of(till, TillRequest.Kind.TRADE, body)
    begin(asked)
    line = SoldLine(item=item.public_id, quantity=sale.quantity)
    trade, sold = create_trade(terminal=till, sequence=sale.sequence, lines=[line], amount=price, now=sold_at)
    document = trade_document(trade, sold, now=sold_at)
    keep(asked, answer=JSONRenderer().render(document).decode(), trade=trade)
    return trade


def _order_of(story: Story) -> Order | None:
    return Order.objects.filter(buyer__username=story.buyer, lines__title=story.title).first()


def _total(order: Order) -> Money:
    return Money(order.total_minor, order.currency)


def _account(username: str) -> Account:
    return Account.objects.get(username=username)
