"""
Who walks, over what: four kinds of owner with something of everything, and whoever stands in some relation to them.

Requests are undone (`undone`), so that all of them find the same world. What an operation needs beyond
that is in the tables at the end.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from django.contrib.auth.tokens import default_token_generator
from django.core import signing
from django.db import transaction

from accounts import services, sessions
from accounts.actor import Actor
from accounts.models import Account
from accounts.services.by_mail import VERIFICATION_SALT
from billing.services.replaying import REPLAY
from catalog.services import open_store
from core import clock
from core.jobs import submit_job
from core.money import Money
from distribution.models import Area, Placement
from distribution.services import StoreNews, appoint_agent, follow_stores
from events.models import EventRecord
from ledger import codes
from ledger.models import Journal
from notifications.kinds import notes_of
from notifications.models import Message
from notifications.services import write_messages
from orders import services as selling
from orders.models import Order
from orders.services import WantedRefundLine
from sharing.models import Share
from tests import shop
from tests.accounts.test_identities import proof_for
from tests.accounts.test_linking import invite, link
from tests.accounts.test_second_factors import Phone, enrol
from tests.conftest import PASSWORD, Api, make_account
from tests.distribution.areas import SQUARES
from tests.distribution.areas import load as load_areas
from tests.money_facts import book
from tests.orders.counter.till import make_till, pay_code, tea
from tests.sharing.money import claim
from tests.sharing.scans import token_of
from tests.walk.operations import Operation
from tests.wallets.phone import Phone as OfflinePhone
from wallets.pay_codes.services import set_confirmation_limit
from wallets.services.debts import open_debt

KINDS = list(product(("personal", "enterprise"), ("buyer", "seller")))
HUNDRED = {"amount": 100, "currency": "GBP"}
TEN_POUNDS = {"amount": 1000, "currency": "GBP"}
REASON = {"reason": "It came late."}


@contextmanager
def undone() -> Iterator[None]:
    """Whatever happens inside has not happened; what must commit by itself may think that it does."""
    block = transaction.atomic()
    block._from_testcase = True  # type: ignore[attr-defined]
    with block:
        yield
        transaction.set_rollback(True)


@dataclass
class Owner:
    """An account with something of everything that it can own: ids by the name that paths call them."""

    account: Account
    ids: dict[str, str] = field(default_factory=dict)

    @property
    def public_id(self) -> str:
        return self.account.public_id

    @property
    def kind(self) -> tuple[str, str]:
        return self.account.kind, self.account.side


class World:
    """Two owners of each kind, the first of whom are linked with all of the second; and who is not."""

    def __init__(self) -> None:
        self.secrets: dict[str, set[str]] = {}  # Who may see it, by the text that nobody else may see.
        self.operator, self.colleague = make_account(operator=True), make_account(operator=True)
        self.buyer, self.seller, self.partner = make_account(), make_account(side="seller"), make_account()
        self.inviter = make_account()
        self.item = shop.offer(self.seller)
        self.give_program(self.seller, self.item.public_id)
        with TemporaryDirectory() as folder:
            load_areas(Path(folder), shapes=SQUARES)
        self.till = make_till(open_store(name="Counter", actor=Actor.own(self.seller), now=clock.now()))
        self.owners = [self.make_owner(*kind) for kind in KINDS]
        self.linked = [self.make_owner(*kind) for kind in KINDS]
        self.barred, self.unlinked, self.strangers = (
            [make_account(kind=kind, side=side) for kind, side in KINDS] for _ in range(3)
        )
        self.ended: dict[tuple[str, str], str] = {}
        for owner in self.owners:
            self.relate(owner)
        self.house = self.make_house()
        bare = [self.operator, *self.barred, *self.unlinked, *self.strangers]
        everybody = [*bare, *(owner.account for owner in [*self.owners, *self.linked])]
        self.tokens = {account.public_id: sessions.open_session(account=account).token for account in everybody}
        self.switched = {
            (owner.public_id, other.public_id): self.switch(other.account, owner.account)
            for owner in self.owners
            for other in self.linked
        }

    # --- Who ----------------------------------------------------------------------------------

    def relate(self, owner: Owner) -> None:
        for other in self.linked:
            link(owner.account, other.account, mirror=[])
        for account in self.barred:
            link(owner.account, account, mirror=[], switch="none")
        for account in self.unlinked:
            made = link(account, owner.account, mirror=[])
            through = Api(account)
            switched = through.post("/session/switch", {"account": owner.public_id}).json()
            self.ended[owner.public_id, account.public_id] = switched["token"]
            services.end_link(link=made.public_id, actor=Actor.own(account), now=clock.now())

    def switch(self, account: Account, to: Account) -> str:
        """A session of one account that acts as the other."""
        actor = sessions.actor_of(sessions.open_session(account=account).session)
        return services.switch_session(to=to.public_id, actor=actor, now=clock.now()).token

    # --- What ---------------------------------------------------------------------------------

    def make_owner(self, kind: str, side: str) -> Owner:
        number = len(self.secrets)
        account = make_account(kind=kind, side=side, email=f"owner-{number}@example.org")
        shop.fund(account, 1_000_000)
        owner = Owner(account, {"area_code": "XX:11"})
        self.keep(owner, "username", account.username)
        self.keep(owner, "email", account.email)
        self.own_account(owner)
        self.own_money(owner)
        (self.own_purchases if side == "buyer" else self.own_sales)(owner)
        return owner

    def keep(self, owner: Owner, name: str, id_: str, *others: Account) -> None:
        """Nobody but the owner, and these others, may ever see it."""
        owner.ids[name] = id_
        self.secrets[id_] = {owner.public_id, *(other.public_id for other in others)}

    def own_account(self, owner: Owner) -> None:
        account, actor = owner.account, Actor.own(owner.account)
        made = link(account, self.partner, mirror=[])
        services.propose_terms(link=made.public_id, changes={"switch": "none"}, actor=Actor.own(self.partner))
        former = link(account, self.inviter, mirror=[])
        services.end_link(link=former.public_id, actor=actor, now=clock.now())
        proof = {"provider": "demo-id", "external_id": account.username, "proof": proof_for(account, account.username)}
        self.keep(owner, "link_id", made.public_id, self.partner)
        self.keep(owner, "former_link", former.public_id, self.inviter)
        self.keep(owner, "session_id", sessions.open_session(account=account).session.public_id)
        self.keep(owner, "identity_id", services.bind_identity(**proof, actor=actor, now=clock.now()).public_id)
        invited = Api(account).post("/link-invitations", {}).json()
        self.keep(owner, "invitation_id", invited["id"])
        target = Api(account).post("/payout-targets", {"destination": f"bank account of {len(self.secrets)}"})
        self.keep(owner, "target_id", target.json()["id"])
        job = submit_job(kind=REPLAY, arguments={}, owner=owner.public_id, login=owner.public_id)
        self.keep(owner, "job_id", job.public_id)
        self.keep(owner, "seat_id", self.seat_of(owner))
        self.keep(owner, "message_id", self.message_to(owner))
        shared = Api(account).post("/shares", {"item": self.item.public_id})
        self.keep(owner, "share_id", shared.json()["id"])
        self.keep(owner, "brought", self.brought_by(owner), self.buyer, self.seller)

    def give_program(self, seller: Account, item: str) -> None:
        given = Api(seller).put(f"/items/{item}/share-program", PROGRAM)
        assert given.status_code == 200, given.content

    def brought_by(self, owner: Owner) -> str:
        """Somebody else's order, whose customer it brought."""
        claim(Share.objects.get(public_id=owner.ids["share_id"]), self.buyer)
        return shop.place(self.buyer, self.item).orders[0].public_id

    def seat_of(self, owner: Owner) -> str:
        """It looks after an area of its own."""
        country = Area.objects.get(scheme="XX", level=0)
        code = f"W{len(self.secrets)}"
        area = Area.objects.create(scheme=country.scheme, code=code, name=code, level=1, parent=country)
        operator = Actor.own(self.operator)
        return appoint_agent(area=area, account=owner.account, actor=operator, now=clock.now()).public_id

    def message_to(self, owner: Owner) -> str:
        """It was told of its seat."""
        event = EventRecord.objects.get(type="agent.appointed", subject=owner.ids["seat_id"])
        write_messages(notes=notes_of([event]))
        return Message.objects.get(event_id=event.pk).public_id

    def own_money(self, owner: Owner) -> None:
        caller = Api(owner.account)
        for name, path in (("top_up_id", "top-ups"), ("withdrawal_id", "withdrawals")):
            made = caller.post(f"/wallet/{path}", HUNDRED, key=f"world-{path}").json()
            self.keep(owner, name, made["id"])

    def own_purchases(self, owner: Owner) -> None:
        item = shop.offer(self.seller).public_id  # In nobody else's cart.
        put = Api(owner.account).put(f"/cart/lines/{item}", {"quantity": 1})
        assert put.status_code == 200, put.content
        owner.ids["item_in_cart"] = item
        self.keep(owner, "trade_no", self.trade_of(owner.account), self.seller)
        self.keep(owner, "paid_trade", self.paid_trade_of(owner.account), self.seller)
        self.keep(owner, "secret_id", OfflinePhone(owner.account).id)
        self.trades(owner, buyer=owner.account, seller=self.seller, item=self.item, partner=self.seller)

    def trade_of(self, customer: Account) -> str:
        """At the counter, waiting for the customer's word: so it is the customer's, and may still be paid."""
        set_confirmation_limit(limit=Money(0, "GBP"), actor=Actor.own(customer))
        made = self.till.sell(tea(1, 1000), pay_code=pay_code(customer)).json()
        assert made["status"] == "confirming"
        return made["trade_no"]

    def paid_trade_of(self, customer: Account) -> str:
        trade_no = self.trade_of(customer)
        paid = Api(customer).post(f"/trades/{trade_no}/confirm", TEN_POUNDS, key=f"world-{trade_no}")
        assert paid.status_code == 200, paid.content
        return trade_no

    def own_sales(self, owner: Owner) -> None:
        item = shop.offer(owner.account)
        draft = shop.offer(owner.account, title="Not yet", status="draft")
        self.keep(owner, "draft", draft.public_id)
        owner.ids["item_id"] = item.public_id
        for offered in (item, draft):
            self.give_program(owner.account, offered.public_id)
        owner.ids["store_id"] = Api(owner.account).post("/stores", {"name": "Corner"}).json()["id"]
        till = Api(owner.account).post(f"/stores/{owner.ids['store_id']}/terminals", {"name": "Till"}).json()
        self.keep(owner, "terminal_id", till["id"])
        owner.ids["secret_id"] = OfflinePhone(self.buyer).id  # Sellers have none.
        self.trades(owner, buyer=self.buyer, seller=owner.account, item=item, partner=self.buyer)

    def trades(self, owner: Owner, *, buyer: Account, seller: Account, item: Any, partner: Account) -> None:
        now = clock.now()
        pending = shop.place(buyer, item)
        if buyer == owner.account:
            assert pending.checkout is not None
            self.keep(owner, "checkout_id", pending.checkout.public_id)
        paid, fulfilled, disputed = (shop.paid_order(buyer, item) for _ in range(3))
        selling.fulfil_order(order=fulfilled.public_id, actor=Actor.own(seller), now=now)
        refund = selling.refund_order(
            order=fulfilled.public_id, amount_minor=100, lines=[], reason="x", actor=Actor.own(seller), now=now
        )
        line = disputed.lines.get()
        asked = selling.request_refund(
            order=disputed.public_id,
            lines=[WantedRefundLine(line.public_id, 100)],
            reason="x",
            actor=Actor.own(buyer),
            now=now,
        )
        found: dict[str, Order] = {"pending": pending.orders[0], "order_id": paid, "fulfilled": fulfilled}
        for name, order in found.items():
            self.keep(owner, name, order.public_id, partner)
        self.keep(owner, "refund_id", refund.public_id, partner)
        self.keep(owner, "request_id", asked.public_id, partner)

    def make_house(self) -> Owner:
        """What operators work with; nobody else reaches any of it."""
        book()
        clerk, owned = Api(self.colleague), Owner(self.operator)
        journals = list(Journal.objects.order_by("event_id")[:2])
        journal = clerk.get(f"/ledger/journals/{journals[0].public_id}").json()
        since = {"since": "2020-01-01T00:00:00Z", "until": "2020-02-01T00:00:00Z"}
        job = submit_job(kind=REPLAY, arguments=since, owner=owned.public_id, login=owned.public_id)
        wish = clerk.post(f"/ledger/journals/{journals[1].public_id}/reverse", REASON)
        assert wish.status_code == 202, wish.content
        owned.ids = {
            "account_id": self.strangers[0].public_id,
            "event_id": EventRecord.objects.get(pk=journals[0].event_id).public_id,
            "journal_id": journals[0].public_id,
            "doubted_journal": journals[1].public_id,
            "transfer_id": journal["transfers"][0]["id"],
            "code": codes.wallet(self.owners[0].public_id),
            "rule_set_id": clerk.get("/billing/rule-sets").json()["results"][0]["id"],
            "draft_rules": clerk.post("/billing/rule-sets", self.rules(clerk)).json()["id"],
            "schedule_id": clerk.post("/fee-schedules", FEES).json()["id"],
            "plan_id": clerk.post("/distribution/plans", PLAN).json()["id"],
            "key_id": clerk.post("/service-keys", {"name": "bank", "types": ["wallet.topped_up"]}).json()["id"],
            "store_id": Api(self.seller).post("/stores", {"name": "High Street"}).json()["id"],
            "item_id": self.item.public_id,
            "draft": shop.offer(self.seller, status="draft").public_id,
            "item_in_cart": self.item.public_id,
            "trade_no": self.trade_of(self.buyer),
            "terminal_id": self.owners[1].ids["terminal_id"],
            "link_id": link(self.buyer, self.seller, mirror=[]).public_id,
            "job_id": job.public_id,
            "area_code": "XX:11",
            "placement_id": self.waiting_placement(),
            "request_id": self.owners[0].ids["request_id"],
            **{
                name: self.owners[0].ids[name]
                for name in (
                    "brought",
                    "order_id",
                    "checkout_id",
                    "refund_id",
                    "pending",
                    "seat_id",
                    "message_id",
                    "share_id",
                )
            },
        }
        return owned

    def waiting_placement(self) -> str:
        """Of a store whose town has no border."""
        body = {"name": "Westbury", "latitude": 0.8, "longitude": 0.5}
        store = Api(self.seller).post("/stores", body).json()["id"]
        follow_stores(news=[StoreNews(store, "store.opened", clock.now())])
        return Placement.objects.get(store__public_id=store, is_waiting=True).public_id

    def rules(self, clerk: Api) -> dict[str, Any]:
        return clerk.get("/billing/rule-sets").json()["results"][0]["document"]

    # --- Requests -----------------------------------------------------------------------------

    @cached_property
    def people(self) -> set[str]:
        """Texts that say something private wherever they turn up."""
        return set(self.secrets)

    def path(self, operation: Operation, owner: Owner) -> str | None:
        """The operation's path with this owner's objects in it, None where it has none of that sort."""
        path, special = operation.path, OBJECTS.get(str(operation), {})
        for name in operation.names:
            id_ = owner.ids.get(special.get(name, name))
            if id_ is None:
                return None
            path = path.replace(f"{{{name}}}", id_)
        return path + QUERIES.get(str(operation), "")

    def body(self, operation: Operation, owner: Owner) -> Any:
        """A body with which the owner gets what it asks for."""
        made = BODIES.get(str(operation), operation.example)
        return made(self, owner.account) if callable(made) else made


PLAN = {"name": "autumn", "pool": {"of": "fee", "bps": 100}, "cashback": {"bps": 100}}
PROGRAM = {"rate_bps": 500, "window_days": 30, "model": "last_touch"}
FEES = {"name": "autumn", "rules": [{"match": {}, "rate_bps": 500}]}

Body = Callable[[World, Account], Any]


def in_debt(world: World, owner: Account) -> Any:
    """The owner owes something."""
    event = EventRecord.objects.filter(type="order.paid").order_by("id")[0]
    open_debt(owner_id=owner.pk, owed=Money(100, "GBP"), subject=event.subject, event_id=event.pk, now=clock.now())
    return HUNDRED


def verification(world: World, owner: Account) -> Any:
    return {"token": signing.dumps({"account": owner.public_id, "email": owner.email}, salt=VERIFICATION_SALT)}


def reset(world: World, owner: Account) -> Any:
    return {"token": f"{owner.public_id}:{default_token_generator.make_token(owner)}", "new": "another-quiet-river"}


def first_code(world: World, owner: Account) -> Any:
    return {"otp": Phone(services.enrol(actor=Actor.own(owner)).secret).code()}


def later_code(world: World, owner: Account) -> Any:
    return {"otp": enrol(owner)[0].code()}


# Which of the owner's objects stands in the path, where it is not the one called like the parameter.
OBJECTS: dict[str, dict[str, str]] = {
    "DELETE /links/{link_id}/mirrored": {"link_id": "former_link"},
    "GET /items/{item_id}": {"item_id": "draft"},
    "GET /items/{item_id}/share-program": {"item_id": "draft"},
    "GET /items/{item_id}/share-report": {"item_id": "draft"},
    "PUT /cart/lines/{item_id}": {"item_id": "item_in_cart"},
    "DELETE /cart/lines/{item_id}": {"item_id": "item_in_cart"},
    "GET /orders/{order_id}/attribution": {"order_id": "brought"},
    "POST /orders/{order_id}/pay": {"order_id": "pending"},
    "POST /orders/{order_id}/cancel": {"order_id": "pending"},
    "POST /orders/{order_id}/complete": {"order_id": "fulfilled"},
    "GET /trades/{trade_no}/receipt": {"trade_no": "paid_trade"},
    "POST /ledger/journals/{journal_id}/approve": {"journal_id": "doubted_journal"},
    "POST /billing/rule-sets/{rule_set_id}/activate": {"rule_set_id": "draft_rules"},
}

# What has to be asked for in the query.
QUERIES = {
    "GET /areas/locate": "?latitude=0.2&longitude=0.5",
    "GET /distribution/chains": "?at=2027-01-01T00:00:00Z",
    "GET /distribution/nodes": "?prefix=R-",
}

# What is sent, where the schema's example would not do. A function gets the owner; what it does is undone as well.
BODIES: dict[str, Any | Body] = {
    "POST /placements/{placement_id}/decide": {"area": "XX:12"},
    "POST /agents": lambda world, owner: {"account": world.buyer.public_id, "area": "XX:12"},
    "POST /agents/{seat_id}/replace": lambda world, owner: {"account": world.buyer.public_id},
    "POST /referrals": lambda world, owner: {
        "account": world.buyer.public_id,
        "referrer": world.partner.public_id,
        **REASON,
    },
    "POST /referrals/{account_id}/move": lambda world, owner: {"referrer": world.partner.public_id, **REASON},
    "POST /accounts": {
        "username": "walker",
        "password": "another-quiet-river",
        "kind": "personal",
        "side": "buyer",
        "name": "Walker",
    },
    "PATCH /account": {"name": "Another name"},
    "POST /account/password": {"old": PASSWORD, "new": "another-quiet-river"},
    "POST /account/close": {"password": PASSWORD},
    "POST /account/totp/confirm": first_code,
    "POST /account/totp/remove": later_code,
    "POST /session/second-factor": later_code,
    "POST /sessions": lambda world, owner: {"username": owner.username, "password": PASSWORD},
    "POST /session/switch": lambda world, owner: {"account": owner.public_id},
    "POST /password-resets": lambda world, owner: {"username": owner.username},
    "POST /password-resets/confirm": reset,
    "POST /email-verifications/confirm": verification,
    "POST /links": lambda world, owner: {"code": invite(world.inviter)},
    "POST /links/preview": lambda world, owner: {"code": invite(world.inviter)},
    "POST /links/{link_id}/accept": {},
    "POST /identities": lambda world, owner: {
        "provider": "demo-id",
        "external_id": "another",
        "proof": proof_for(owner, "another"),
    },
    "POST /cart/order": {},
    "POST /orders": lambda world, owner: {"lines": [{"item": world.item.public_id, "quantity": 1}]},
    "POST /orders/{order_id}/pay": TEN_POUNDS,
    "POST /orders/{order_id}/refunds": {"amount": 100, **REASON},
    "POST /orders/{order_id}/refund-requests": REASON,
    "POST /checkouts/{checkout_id}/pay": TEN_POUNDS,
    "POST /trades/{trade_no}/pay": TEN_POUNDS,
    "POST /trades/{trade_no}/confirm": TEN_POUNDS,
    "POST /refund-requests/{request_id}/accept": {},
    "POST /refund-requests/{request_id}/refuse": {},
    "POST /wallet/top-ups": HUNDRED,
    "POST /wallet/withdrawals": HUNDRED,
    "POST /wallet/debt-repayments": in_debt,
    "PATCH /items/{item_id}": {"title": "Green tea"},
    "PUT /items/{item_id}/share-program": {**PROGRAM, "rate_bps": 600},
    "POST /scans/claim": lambda world, owner: {"scan": token_of(Share.objects.filter(item=world.item).latest("id"))},
    "POST /scans/reclassify": {},
    "POST /shares": lambda world, owner: {"item": world.item.public_id},
    "PATCH /stores/{store_id}": {"name": "Other corner"},
    "PUT /stores/{store_id}/trusted-providers": {"providers": ["demo-id"]},
    "POST /fee-schedules": FEES,
    "POST /fee-schedules/{schedule_id}/activate": {},
    "POST /clock/advance": {"seconds": 1},
    "POST /billing/rule-sets": lambda world, owner: world.rules(Api(world.operator)),
    "POST /billing/rule-sets/{rule_set_id}/activate": {},
    "POST /billing/rule-sets/{rule_set_id}/replay": {"since": "2026-01-01T00:00:00Z", "until": "2026-01-02T00:00:00Z"},
    "POST /distribution/plans/{plan_id}/check": {},
    "POST /distribution/plans/{plan_id}/activate": {},
    "POST /distribution/plans/{plan_id}/replay": {"since": "2026-01-01T00:00:00Z", "until": "2026-01-02T00:00:00Z"},
    "POST /billing/rule-sets/{rule_set_id}/repair": {
        "since": "2026-01-01T00:00:00Z",
        "until": "2026-01-02T00:00:00Z",
        **REASON,
    },
    "POST /billing/events": lambda world, owner: {
        "type": "wallet.topped_up",
        "key": "walk",
        "parties": {"owner": world.buyer.public_id},
        "parameters": {"provider": "local"},
        "amounts": {"amount": 100},
        "currency": "GBP",
        "occurred_at": "2026-05-01T12:00:00Z",
    },
    "POST /ledger/journals/{journal_id}/reverse": REASON,
    "POST /service-keys": {"name": "another bank", "types": ["wallet.topped_up"]},
}
