"""The way of an order's money as a Sankey picture: ECharts' option as JSON, each flow leading to its explanation."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from django.utils.translation import gettext as _

from core.languages import say_money
from core.money import CURRENCY_DIGITS, Money
from proofs.where_it_went import BACK, FEE, PAYER, SALE, Flow, Part, WhereItWent
from proofs.wording import part_in_words

# By party, else by role: colours of charts.css.
_COLOURS = {
    "seller": "1",
    "agent": "2",
    "share_charge": "3",
    BACK: "4",
    "referrer": "5",
    "merchant_referrer": "5",
    "cashback": "6",
    SALE: "1",
}
_OTHER_COLOUR = "7"
LABEL_WIDTH = 120  # Pixels: two columns of labels stand beside each other on a phone.

LinkOf = Callable[[str], str]  # From where a flow ends ("part-0", "back") to where its explanation is.


def sankey_of(story: WhereItWent, *, payer: str, names: Mapping[int, str], link_of: LinkOf) -> dict[str, Any]:
    """
    Return the option; values are minor units, which `house` says.

    `payer`: whose money it was; `names`: of the parts, by their index, as this page calls who has them.
    """
    currency = story.order.currency
    titles = dict(_unique(story, payer, names))
    return {
        "house": {"currency": currency, "digits": CURRENCY_DIGITS[currency]},
        "series": [
            {
                "type": "sankey",
                "nodeAlign": "left",
                "nodeGap": 30,
                "label": {"lineHeight": 14, "width": LABEL_WIDTH, "overflow": "truncate"},
                "left": 4,
                "right": 4,
                "top": 8,
                "bottom": 20,
                "draggable": False,
                "emphasis": {"focus": "adjacency"},
                "data": [_node(place, titles, _short(place, titles, names), story, link_of) for place in titles],
                "links": [_link(flow, titles, link_of) for flow in story.flows],
            }
        ],
    }


def _unique(story: WhereItWent, payer: str, names: Mapping[int, str]) -> Iterator[tuple[str, str]]:
    """Nodes are told apart by what they are called: two of one name are numbered."""
    taken: dict[str, int] = {}
    for place, title in _titles(story, payer, names).items():
        taken[title] = taken.get(title, 0) + 1
        yield place, title if taken[title] == 1 else f"{title} ({taken[title]})"


def _titles(story: WhereItWent, payer: str, names: Mapping[int, str]) -> dict[str, str]:
    """The places that money comes by, left to right."""
    known = {PAYER: payer, SALE: _("The sale"), FEE: _("The fee"), BACK: _("Given back")}
    for index, part in enumerate(story.parts):
        known[f"part-{index}"] = _title(part, names.get(index, ""))
    reached = {place for flow in story.flows for place in (flow.source, flow.target)}
    return {place: title for place, title in known.items() if place in reached}


def _title(part: Part, name: str) -> str:
    what = part_in_words(part.party, part.role)
    return f"{what}: {name}" if name else what


def _node(place: str, titles: Mapping[str, str], short: str, story: WhereItWent, link_of: LinkOf) -> dict[str, Any]:
    """What it is called in full is told on demand; the picture has room for who it is, or else for what."""
    flows = story.flows
    minor = sum(flow.minor for flow in flows if (flow.source if place == PAYER else flow.target) == place)
    ends = not any(flow.source == place for flow in flows)
    amount = say_money(Money(minor, story.order.currency))
    return {
        "name": titles[place],
        "url": link_of(place),
        "itemStyle": {"color": f"var(--chart-{_colour(place, story)})"},
        "label": {"position": "left" if ends else "right", "formatter": f"{short}\n{amount}"},
    }


def _short(place: str, titles: Mapping[str, str], names: Mapping[int, str]) -> str:
    index = place.removeprefix("part-")
    return (names.get(int(index)) if index.isdigit() else None) or titles[place]


def _colour(place: str, story: WhereItWent) -> str:
    part = next(
        (story.parts[flow.part] for flow in story.flows if flow.target == place and flow.part is not None), None
    )
    names = (part.party, part.role) if part else (place,)
    return next((_COLOURS[name] for name in names if name in _COLOURS), _OTHER_COLOUR)


def _link(flow: Flow, titles: Mapping[str, str], link_of: LinkOf) -> dict[str, Any]:
    return {
        "source": titles[flow.source],
        "target": titles[flow.target],
        "value": flow.minor,
        "url": link_of(flow.target),
    }
