"""Who lives in the demo world: five sellers in five currencies, four buyers, three agents, two operators. Data only."""

from dataclasses import dataclass
from datetime import timedelta
from enum import IntEnum

from accounts.terms import CapKind, Direction, SwitchRight, Terms
from core.money import Money
from sharing.program_terms import ProgramTerms


@dataclass(frozen=True, slots=True)
class Operator:
    username: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody who logs in; `wallet`: what a buyer brings; `step_up`: who acts as it shows a second factor."""

    username: str
    name: str
    kind: str
    side: str
    wallet: tuple[Money, ...] = ()
    step_up: bool = False
    brought_by: str = ""  # Whose referral code it registered with.


@dataclass(frozen=True, slots=True)
class Agency:
    """An area, by its code, and the account that looks after it."""

    area: str
    username: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Bond:
    """Two accounts that are linked, and what they have agreed otherwise than by default."""

    inviter: str
    invitee: str
    terms: Terms


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """An item of one seller; `stock` None is unlimited."""

    seller: str
    title: str
    description: str
    kind: str
    category: str
    price: Money
    stock: int | None = None
    status: str = "on_sale"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where one seller sells."""

    seller: str
    name: str
    address: str
    latitude: float
    longitude: float
    area_code: str = ""  # What the seller declares.
    trusts: tuple[str, ...] = ()  # Providers whose identities may pay at its tills.


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """Who somebody is at a provider of identities."""

    username: str
    provider: str
    external_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sale:
    """Something sold at the counter under a till's number, and the identity that paid on its provider's own server."""

    seller: str
    till: str
    sequence: int
    title: str
    quantity: int
    paid_by: Known
    age: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Sharing:
    """What an item's seller gives to those who bring customers, and who shares it."""

    title: str
    terms: ProgramTerms
    sharer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Looks:
    """How many people's phones, and machines, looked at a sharer's code: so many so many days ago."""

    title: str
    sharer: str
    people: dict[int, int]
    machines: dict[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What somebody has put into the cart and not ordered yet."""

    buyer: str
    title: str
    quantity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Payout:
    """What somebody has withdrawn to an account of its own."""

    username: str
    destination: str
    name: str
    amount: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Phone:
    """A phone that makes pay codes by itself, each for no more than `maximum`."""

    username: str
    name: str
    maximum: Money


class Stage(IntEnum):
    """How far an order has come."""

    PLACED = 1
    PAID = 2
    FULFILLED = 3
    COMPLETED = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """
    What became of one order: how far it came, how long ago it was placed, and what was given back.

    `by`: who logged in, where a linked account ordered and paid in the buyer's name.
    `scanned`: whose code the buyer has scanned before. `refused`: the seller's answer to what is asked back.
    """

    buyer: str
    title: str
    quantity: int
    stage: Stage
    age: timedelta
    refund: Money | None = None
    refund_reason: str = ""
    cancelled: bool = False
    asks_back: str = ""  # Why the buyer asks for money back; unless refused, the seller has not answered yet.
    asks_for: Money | None = None  # So much of it; all where nothing is said.
    refused: str = ""
    by: str = ""
    scanned: str = ""


OPERATORS = (
    Operator("olivia", "Olivia Brandt"),
    Operator("oscar", "Oscar Lindqvist"),
)

# They look after areas, and some of them have brought others.
AGENTS = (
    Person(username="huang", name="Huang Lihua", kind="personal", side="buyer"),
    Person(username="liu", name="Liu Jian", kind="personal", side="buyer", brought_by="huang"),
    Person(username="chen", name="Chen Xiaoyu", kind="personal", side="buyer", brought_by="liu"),
)
AGENCIES = (Agency("CN:440000", "huang"), Agency("CN:440300", "liu"), Agency("CN:440305", "chen"))

SELLERS = (
    Person(
        username="meridian-lab",
        name="Meridian Inspection Laboratory",
        kind="enterprise",
        side="seller",
        brought_by="liu",
    ),
    Person(username="tanuki-cafe", name="Café Tanuki", kind="personal", side="seller"),
    Person(username="alder-repairs", name="Alder Street Repairs", kind="personal", side="seller"),
    Person(username="noor-instruments", name="Al Noor Instruments", kind="enterprise", side="seller"),
    Person(username="bela-vista", name="Oficina Bela Vista", kind="enterprise", side="seller", step_up=True),
)

BUYERS = (
    Person(
        username="grace",
        name="Grace Okafor",
        kind="personal",
        side="buyer",
        wallet=(Money(500_00, "GBP"), Money(40_000, "JPY")),
    ),
    Person(
        username="wei",
        name="Zhang Wei",
        kind="personal",
        side="buyer",
        brought_by="chen",
        wallet=(Money(3_000_00, "CNY"), Money(25_000, "JPY"), Money(900_00, "BRL")),
    ),
    Person(
        username="harbour-foods",
        name="Harbour Foods Ltd",
        kind="enterprise",
        side="buyer",
        brought_by="wei",  # And linked with him, so that he earns nothing from what it buys.
        wallet=(Money(12_000_00, "CNY"), Money(250_000, "KWD"), Money(1_500_00, "GBP")),
    ),
    Person(
        username="petra",
        name="Petra Nilsson",
        kind="personal",
        side="buyer",
        wallet=(Money(300_00, "BRL"),),
        brought_by="grace",
    ),
)

# Wei buys for Harbour Foods, and owns the laboratory: the firm sees what he orders and lets him pay, up to a sum;
# the laboratory sees nothing of him, and nobody's orders of his are its business. Petra runs the workshop, which
# wants a second factor of whoever acts as it.
BONDS = (
    Bond(
        inviter="harbour-foods",
        invitee="wei",
        terms=Terms(
            mirror=("order.placed",),
            direction=Direction.TO_INVITER,
            switch=SwitchRight.INVITEE_AS_INVITER,
            cap_kind=CapKind.AMOUNT,
            cap=Money(2_000_00, "CNY"),
        ),
    ),
    Bond(inviter="meridian-lab", invitee="wei", terms=Terms(direction=Direction.TO_INVITEE)),
    Bond(inviter="petra", invitee="bela-vista", terms=Terms(cap_kind=CapKind.UNLIMITED)),
)

# The money of demo-bank's identities is with that bank; those of demo-id pay from their wallets here.
GRACES_BANK = Known(username="grace", provider="demo-bank", external_id="grace-4410")
IDENTITIES = (
    Known(username="wei", provider="demo-id", external_id="wei-3571"),
    Known(username="harbour-foods", provider="demo-id", external_id="harbour-foods-0029"),
    GRACES_BANK,
)
SECOND_FACTORS = {"petra": "OPENEVERYDOOROPENEVERYDOOR234567"}  # Secrets that everybody may know, as the password.

PLACES = (
    Place(
        seller="meridian-lab",
        name="Meridian, Nanshan laboratory",
        address="18 Keyuan Road, Nanshan, Shenzhen",
        latitude=22.5405,
        longitude=113.9345,
        area_code="CN:440305",
    ),
    Place(
        seller="tanuki-cafe",
        name="Café Tanuki, Teramachi",
        address="Teramachi-dori, Nakagyo-ku, Kyoto",
        latitude=35.0116,
        longitude=135.7681,
        trusts=("demo-bank", "demo-id"),
    ),
    Place(
        seller="alder-repairs",
        name="Alder Street workshop",
        address="7 Alder Street, Bristol",
        latitude=51.4545,
        longitude=-2.5879,
    ),
    Place(
        seller="noor-instruments",
        name="Al Noor, Shuwaikh",
        address="Canada Dry Street, Shuwaikh Industrial, Kuwait City",
        latitude=29.3375,
        longitude=47.9386,
    ),
    Place(
        seller="bela-vista",
        name="Oficina Bela Vista",
        address="Rua Treze de Maio, Bela Vista, São Paulo",
        latitude=-23.5577,
        longitude=-46.6456,
    ),
)

OFFERS = (
    Offer(
        seller="meridian-lab",
        title="Drinking water analysis, 24 parameters",
        description="饮用水检测。Bacteria, metals, nitrate and hardness by GB 5749; report within five working days.",
        kind="service",
        category="laboratory tests",
        price=Money(680_00, "CNY"),
    ),
    Offer(
        seller="meridian-lab",
        title="Heavy metals in toys, EN 71-3",
        description="Migration of 19 elements from up to three materials, with a report in English and Chinese.",
        kind="service",
        category="laboratory tests",
        price=Money(1_250_00, "CNY"),
    ),
    Offer(
        seller="meridian-lab",
        title="Lead in drinking water",
        description="One parameter, from a sample that you send in; report within two working days.",
        kind="service",
        category="laboratory tests",
        price=Money(120_00, "CNY"),
    ),
    Offer(
        seller="meridian-lab",
        title="Sampling kit for water",
        description="Two sterile bottles, a cooling pack, gloves and the form to fill in.",
        kind="goods",
        category="laboratory supplies",
        price=Money(58_00, "CNY"),
        stock=40,
    ),
    Offer(
        seller="meridian-lab",
        title="Pesticides in tea leaves",
        description="A panel of 60 residues. Not offered yet: the method is being validated.",
        kind="service",
        category="laboratory tests",
        price=Money(980_00, "CNY"),
        status="draft",
    ),
    Offer(
        seller="tanuki-cafe",
        title="Hand-drip coffee",
        description="A single origin that changes with the week, ground when you order.",
        kind="goods",
        category="coffee",
        price=Money(550, "JPY"),
    ),
    Offer(
        seller="tanuki-cafe",
        title="Roasted beans, 200 g",
        description="珈琲豆。Medium roast from Huila, Colombia; roasted on Tuesdays.",
        kind="goods",
        category="coffee",
        price=Money(1_480, "JPY"),
        stock=30,
    ),
    Offer(
        seller="tanuki-cafe",
        title="Cupping for two, one hour",
        description="Taste five coffees side by side and learn what makes them differ.",
        kind="service",
        category="coffee",
        price=Money(6_600, "JPY"),
        stock=4,
    ),
    Offer(
        seller="tanuki-cafe",
        title="Matcha latte",
        description="宇治抹茶。Stone-ground tea from Uji, whisked by hand, with milk or oat milk.",
        kind="goods",
        category="tea",
        price=Money(680, "JPY"),
    ),
    Offer(
        seller="tanuki-cafe",
        title="Cold brew, bottled",
        description="Steeped for sixteen hours; keeps in the fridge for a week.",
        kind="goods",
        category="coffee",
        price=Money(620, "JPY"),
        stock=18,
    ),
    Offer(
        seller="tanuki-cafe",
        title="Black sesame cheesecake",
        description="A slice. Baked each morning, and gone by four.",
        kind="goods",
        category="cakes",
        price=Money(720, "JPY"),
        stock=8,
    ),
    Offer(
        seller="tanuki-cafe",
        title="Almond biscuit",
        description="Thin, crisp, and always too few.",
        kind="goods",
        category="cakes",
        price=Money(300, "JPY"),
    ),
    Offer(
        seller="tanuki-cafe",
        title="Salmon rice ball",
        description="おにぎり。Wrapped when you order, so that the seaweed is crisp.",
        kind="goods",
        category="food",
        price=Money(340, "JPY"),
        stock=12,
    ),
    Offer(
        seller="alder-repairs",
        title="Phone screen replacement",
        description="Most models the same day, with a year's guarantee on the screen.",
        kind="service",
        category="repairs",
        price=Money(74_00, "GBP"),
    ),
    Offer(
        seller="alder-repairs",
        title="Bicycle full service",
        description="Brakes, gears, bearings and wheels; worn parts are charged by agreement.",
        kind="service",
        category="repairs",
        price=Money(65_00, "GBP"),
    ),
    Offer(
        seller="alder-repairs",
        title="Refurbished toaster",
        description="Two slots, new elements and cord, tested for electrical safety.",
        kind="goods",
        category="refurbished",
        price=Money(24_50, "GBP"),
        stock=3,
    ),
    Offer(
        seller="noor-instruments",
        title="Digital multimeter, true RMS",
        description="6000 counts, CAT III 600 V, with test leads and a pouch.",
        kind="goods",
        category="instruments",
        price=Money(12_750, "KWD"),
        stock=20,
    ),
    Offer(
        seller="noor-instruments",
        title="Multimeter calibration with certificate",
        description="Five functions against traceable references; back within three days.",
        kind="service",
        category="instruments",
        price=Money(7_500, "KWD"),
    ),
    Offer(
        seller="bela-vista",
        title="Revisão completa de bicicleta",
        description="Freios, câmbio, rolamentos e rodas; pronta em dois dias.",
        kind="service",
        category="repairs",
        price=Money(160_00, "BRL"),
    ),
)

SHARINGS = (
    Sharing(
        title="Sampling kit for water",
        terms=ProgramTerms(rate_bps=500, window_days=30, model="last_touch", budget=Money(500_00, "CNY")),
        sharer="grace",
    ),
    Sharing(
        title="Refurbished toaster",
        terms=ProgramTerms(rate_bps=800, window_days=30, model="last_touch", lock_days=90, budget=Money(100_00, "GBP")),
        sharer="grace",
    ),
    Sharing(
        title="Cupping for two, one hour",
        terms=ProgramTerms(amount=Money(300, "JPY"), window_days=14, model="first_touch"),
        sharer="grace",
    ),
)

LOOKS = (
    Looks(
        title="Refurbished toaster",
        sharer="grace",
        people={18: 2, 15: 6, 14: 3, 11: 2, 9: 5, 6: 4, 3: 7, 1: 3},
        machines={15: 2, 6: 1},
    ),
    Looks(title="Sampling kit for water", sharer="grace", people={13: 4, 8: 5, 5: 2, 2: 6}, machines={8: 1}),
    Looks(title="Cupping for two, one hour", sharer="grace", people={12: 3, 9: 6, 8: 2, 4: 1}, machines={9: 1}),
)

SALES = (
    Sale(
        seller="tanuki-cafe",
        till="Counter",
        sequence=1,
        title="Hand-drip coffee",
        quantity=1,
        paid_by=GRACES_BANK,
        age=timedelta(hours=2),
    ),
    Sale(
        seller="tanuki-cafe",
        till="Counter",
        sequence=2,
        title="Matcha latte",
        quantity=2,
        paid_by=GRACES_BANK,
        age=timedelta(minutes=95),
    ),
    Sale(
        seller="tanuki-cafe",
        till="Counter",
        sequence=3,
        title="Black sesame cheesecake",
        quantity=1,
        paid_by=GRACES_BANK,
        age=timedelta(minutes=60),
    ),
    Sale(
        seller="tanuki-cafe",
        till="Counter",
        sequence=4,
        title="Hand-drip coffee",
        quantity=2,
        paid_by=GRACES_BANK,
        age=timedelta(minutes=25),
    ),
)

WISHES = (
    Wish(buyer="grace", title="Refurbished toaster", quantity=1),
    Wish(buyer="grace", title="Roasted beans, 200 g", quantity=2),
    Wish(buyer="wei", title="Sampling kit for water", quantity=2),
    Wish(buyer="wei", title="Drinking water analysis, 24 parameters", quantity=1),
    Wish(buyer="harbour-foods", title="Multimeter calibration with certificate", quantity=3),
    Wish(buyer="petra", title="Revisão completa de bicicleta", quantity=1),
)

PAYOUTS = (
    Payout(
        username="grace",
        destination="GB33BUKB20201555555555",  # From the standard's own examples: nobody's account.
        name="Current account",
        amount=Money(60_00, "GBP"),
    ),
)

PHONES = (Phone(username="grace", name="Grace's phone", maximum=Money(50_00, "GBP")),)

STORIES = (
    Story(
        buyer="harbour-foods",
        title="Lead in drinking water",
        quantity=5,
        stage=Stage.COMPLETED,
        age=timedelta(days=28),  # What its agents have of it is in their wallets by now.
    ),
    Story(
        buyer="harbour-foods",
        title="Refurbished toaster",
        quantity=1,
        stage=Stage.COMPLETED,
        age=timedelta(days=15),  # And what Grace earned by it is in hers.
        scanned="grace",
    ),
    Story(
        buyer="grace",
        title="Phone screen replacement",
        quantity=1,
        stage=Stage.COMPLETED,
        age=timedelta(days=20),  # Its earnings are released by now.
        asks_for=Money(20_00, "GBP"),
        asks_back="The new screen has a scratch in one corner.",
    ),
    Story(
        buyer="wei",
        title="Roasted beans, 200 g",
        quantity=3,
        stage=Stage.COMPLETED,
        age=timedelta(days=9),
        refund=Money(1_480, "JPY"),
        refund_reason="One bag arrived torn.",
    ),
    Story(
        buyer="wei",
        title="Cupping for two, one hour",
        quantity=1,
        stage=Stage.COMPLETED,
        age=timedelta(days=8),  # What Grace earns by it is released in a few days.
        scanned="grace",
    ),
    Story(
        buyer="wei",
        title="Almond biscuit",
        quantity=6,
        stage=Stage.COMPLETED,
        age=timedelta(days=5),
        asks_for=Money(600, "JPY"),
        asks_back="Two of them were broken.",
        refused="They left us whole; please ask the carrier, who was told to handle them with care.",
    ),
    Story(
        buyer="harbour-foods",
        title="Heavy metals in toys, EN 71-3",
        quantity=2,
        stage=Stage.COMPLETED,
        age=timedelta(days=4),
        refund=Money(1_250_00, "CNY"),
        refund_reason="The second sample was withdrawn.",
    ),
    Story(
        buyer="harbour-foods",
        title="Drinking water analysis, 24 parameters",
        quantity=3,
        stage=Stage.FULFILLED,
        age=timedelta(days=2),
        asks_back="Nobody came to take the samples.",
    ),
    Story(
        buyer="harbour-foods",
        title="Digital multimeter, true RMS",
        quantity=2,
        stage=Stage.PAID,
        age=timedelta(days=1),
        cancelled=True,
    ),
    Story(
        buyer="grace",
        title="Bicycle full service",
        quantity=1,
        stage=Stage.PAID,
        age=timedelta(hours=5),
    ),
    Story(
        buyer="wei",
        title="Revisão completa de bicicleta",
        quantity=1,
        stage=Stage.PLACED,
        age=timedelta(minutes=1),
    ),
    Story(
        buyer="harbour-foods",
        title="Sampling kit for water",
        quantity=4,
        stage=Stage.PAID,
        age=timedelta(hours=3),
        by="wei",
    ),
)
