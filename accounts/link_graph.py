"""
The links around one account as a drawing: who is linked with whom, and where each stands on the page.

Each account has a row of its own below the one that leads to it, and one step further to the right, so that what is
agreed fits on the line between them however many there are, and one step fits on a phone.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from django.conf import settings
from django.db.models import Q

from accounts.models import Account, Link, LinkSpending
from accounts.terms import CapKind, Direction, SwitchRight
from core.money import Money

BOX_WIDTH, BOX_HEIGHT = 168, 48
ROW_HEIGHT = 72
INSET = 12  # from an account's left edge to the line down to those it is linked with
LINE = 126  # from that line to their boxes: where a link's arrows and cap stand
ARC = 48  # how far a link between accounts reached by others swings out beside them
MARGIN = 6
LINKS_PER_ACCOUNT = 4  # read at each step for every account that may be drawn


@dataclass(slots=True)
class Node:
    """An account with its place; `x` and `y` are its box's upper left corner."""

    account: Account
    depth: int
    x: int = 0
    y: int = 0

    @property
    def middle(self) -> int:
        return self.y + BOX_HEIGHT // 2

    @property
    def right(self) -> int:
        return self.x + BOX_WIDTH


@dataclass(slots=True)
class Edge:
    """A link as seen from `near`, the account that leads to `far`; `crossing` where both were reached before."""

    link: Link
    near: Node
    far: Node
    spent: Sequence[Money] = ()
    crossing: bool = False

    @property
    def near_is_inviter(self) -> bool:
        return self.link.inviter_id == self.near.account.pk

    @property
    def near_acts_as_far(self) -> bool:
        return self.link.terms.lets_switch(as_inviter=self.near_is_inviter)

    @property
    def far_acts_as_near(self) -> bool:
        return self.link.terms.lets_switch(as_inviter=not self.near_is_inviter)

    @property
    def far_sees_near(self) -> bool:
        """Whether what the near one does is recorded for the far one."""
        return self._is_recorded_for(Direction.TO_INVITEE if self.near_is_inviter else Direction.TO_INVITER)

    @property
    def near_sees_far(self) -> bool:
        return self._is_recorded_for(Direction.TO_INVITER if self.near_is_inviter else Direction.TO_INVITEE)

    def _is_recorded_for(self, direction: Direction) -> bool:
        return bool(self.link.mirror) and self.link.direction in (direction, Direction.BOTH)

    @property
    def trunk_x(self) -> int:
        return self.near.x + INSET

    @property
    def trunk(self) -> str:
        """From below the near account's box to where the far one's row begins."""
        x, start, end, turn = self.trunk_x, self.near.y + BOX_HEIGHT, self.far.middle, 8
        return f"M{x} {start}V{end - turn}Q{x} {end} {x + turn} {end}"

    @property
    def arc(self) -> str:
        """Beside both boxes, for a link between accounts that were reached by other ones."""
        reach, start, end = max(self.near.right, self.far.right) + ARC, self.near.middle, self.far.middle
        return f"M{self.near.right} {start}C{reach} {start} {reach} {end} {self.far.right} {end}"


@dataclass(slots=True)
class LinkGraph:
    """What is drawn; `left_out`: whether there is more than fits."""

    middle: Node
    nodes: list[Node] = field(default_factory=list)
    edges: list[Edge] = field(default_factory=list)
    left_out: bool = False

    @property
    def width(self) -> int:
        arc = ARC if any(edge.crossing for edge in self.edges) else 0
        return max(node.right for node in self.nodes) + arc + MARGIN

    @property
    def height(self) -> int:
        return max(node.y for node in self.nodes) + BOX_HEIGHT + MARGIN


def links_around(account: Account, *, depth: int, with_ended: bool) -> LinkGraph:
    """
    Return the links around an account, up to `depth` steps away, with every account's place.

    One statement for each step and one for what was spent. No more accounts than `LINK_GRAPH_ACCOUNTS_MAX`; of
    many links the newest are drawn.
    """
    graph = LinkGraph(Node(account, 0))
    known = {account.pk: graph.middle}
    drawn: set[int] = set()
    rim = [graph.middle]
    for step in range(1, min(depth, settings.LINK_GRAPH_DEPTH_MAX) + 1):
        rim = _grow(graph, rim, known, drawn, step, with_ended)
    graph.nodes = list(known.values())
    _add_spending(graph.edges)
    _place(graph)
    return graph


def _grow(
    graph: LinkGraph, rim: list[Node], known: dict[int, Node], drawn: set[int], step: int, with_ended: bool
) -> list[Node]:
    """Take one step from the accounts at the rim; return those that it reached."""
    keys = [node.account.pk for node in rim]
    links = Link.objects.filter(Q(inviter__in=keys) | Q(invitee__in=keys)).exclude(pk__in=drawn)
    if not with_ended:
        links = links.filter(ended_at=None)
    links_max = LINKS_PER_ACCOUNT * settings.LINK_GRAPH_ACCOUNTS_MAX
    found = list(links.select_related("inviter", "invitee").order_by("-id")[: links_max + 1])
    graph.left_out |= len(found) > links_max
    reached: list[Node] = []
    for link in found[:links_max]:
        near = known[link.inviter_id if link.inviter_id in keys else link.invitee_id]
        other = link.other(near.account)
        crossing = other.pk in known
        if not crossing and len(known) >= settings.LINK_GRAPH_ACCOUNTS_MAX:
            graph.left_out = True
            continue
        if not crossing:
            known[other.pk] = Node(other, step)
            reached.append(known[other.pk])
        drawn.add(link.pk)
        graph.edges.append(Edge(link, near, known[other.pk], crossing=crossing))
    return reached


def _add_spending(edges: Sequence[Edge]) -> None:
    by_link = {edge.link.pk: edge for edge in edges}
    for row in LinkSpending.objects.filter(link__in=by_link, spent_minor__gt=0).order_by("currency", "id"):
        edge = by_link[row.link_id]
        edge.spent = [*edge.spent, Money(row.spent_minor, row.currency)]


def _place(graph: LinkGraph) -> None:
    """Row by row, each account followed by those it leads to."""
    leads_to: dict[int, list[Node]] = {}
    for edge in graph.edges:
        if not edge.crossing:
            leads_to.setdefault(edge.near.account.pk, []).append(edge.far)
    row, waiting = 0, [graph.middle]
    while waiting:
        node = waiting.pop()
        node.x, node.y = MARGIN + node.depth * (INSET + LINE), MARGIN + row * ROW_HEIGHT
        row += 1
        waiting.extend(reversed(leads_to.get(node.account.pk, [])))


SWITCH_WORDS = {
    SwitchRight.NONE: "nobody acts as the other",
    SwitchRight.INVITER_AS_INVITEE: "{inviter} may act as {invitee}",
    SwitchRight.INVITEE_AS_INVITER: "{invitee} may act as {inviter}",
    SwitchRight.BOTH: "either may act as the other",
}
MIRROR_WORDS = {
    Direction.NONE: "nothing",
    Direction.TO_INVITER: "{kinds}, to {inviter}",
    Direction.TO_INVITEE: "{kinds}, to {invitee}",
    Direction.BOTH: "{kinds}, both ways",
}


def switch_words(link: Link) -> str:
    """Who may act as whom, in words."""
    return SWITCH_WORDS[SwitchRight(link.switch)].format(**_names(link))


def mirror_words(link: Link, *, kinds_in_all: int) -> str:
    """What is also recorded for the other, and for whom."""
    if not link.mirror:
        return MIRROR_WORDS[Direction.NONE]
    kinds = "everything" if len(link.mirror) == kinds_in_all else ", ".join(link.mirror)
    return MIRROR_WORDS[Direction(link.direction)].format(kinds=kinds, **_names(link))


def cap_words(link: Link) -> str:
    """What the other's log-in may pay."""
    allowed = {CapKind.NONE: "pays nothing", CapKind.UNLIMITED: "pays without limit"}.get(CapKind(link.cap_kind))
    if allowed is None and link.cap_minor is not None:
        allowed = f"pays up to {Money(link.cap_minor, link.cap_currency)}"
    return str(allowed)


def cap_short(link: Link) -> str:
    """The same, as short as it fits on a line of the drawing."""
    return cap_words(link).replace("pays up to", "up to").replace("pays without limit", "pays all")


def paid_words(spent: Iterable[Money]) -> str:
    """What it has paid, less what refunds gave back."""
    return ", ".join(f"paid {money}" for money in spent)


def _names(link: Link) -> dict[str, str]:
    return {"inviter": link.inviter.name, "invitee": link.invitee.name}
