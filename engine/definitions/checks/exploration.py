"""What an exploration found: its states, how they are reached, and what invariants and monitors see of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from .data import Data
from .moves import Game
from .net import Net, Site
from .tokens import Label, State


@dataclass(frozen=True, slots=True)
class Monitor:
    """`watch`: ids of the elements it hears of. `update(value, what, site) -> value`: pure, few values."""

    name: str
    watch: frozenset[str]
    update: Callable[[int, str, Site], int]
    initial: int = 0


@dataclass(frozen=True, slots=True)
class Violation:
    """`path`: ids of the elements entered or fired from the beginning on; `view`: the state that breaks the rule.

    `free`: gateways on the way at which free data decided, in order.
    """

    path: tuple[str, ...]
    view: View
    free: tuple[str, ...]


class View:
    """A settled state as invariants see it. Elements are named by BPMN id; `active_sites` tells apart call paths."""

    __slots__ = ("_exploration", "state")

    def __init__(self, exploration: Exploration, state: State) -> None:
        self._exploration = exploration
        self.state = state

    @property
    def ended(self) -> bool:
        return self.state.bits == self._exploration.net.ended

    @property
    def active_sites(self) -> list[Site]:
        """Sites where a token waits, tokens stuck at a join included."""
        net = self._exploration.net
        found: dict[int, Site] = {}
        spent = {site.spent for site in net.sites if site.spent >= 0}
        if not self.ended:
            for mark in range(net.size):
                if self.state.bits >> mark & 1 and mark not in spent:
                    found.setdefault(net.site_of_mark[mark], net.sites[net.site_of_mark[mark]])
        return list(found.values())

    @property
    def active(self) -> frozenset[str]:
        return frozenset(site.node.id for site in self.active_sites)

    def is_active(self, element: str) -> bool:
        """Whether a token waits at any site of the element."""
        bits = self.state.bits
        return not self.ended and any(bits >> n & 1 for n in self._exploration.indices(element))

    def armed(self, element: str) -> bool:
        """Whether a boundary event, event sub-process, catch event or race event waits at any of its sites."""
        game, bits = self._exploration.game, self.state.bits
        if self.ended:
            return False
        for number in self._exploration.indices(element):
            site = game.sites[number]
            if site.host >= 0:
                waits = bool(bits >> site.host & 1) and game.armed(site, bits)
            elif site.node.triggered:
                waits = game.alive(site.scope, bits) and game.armed(site, bits)
            else:
                waits = bool(bits >> number & 1) or self._raced(number)
            if waits:
                return True
        return False

    def _raced(self, number: int) -> bool:
        sites = self._exploration.net.sites
        races = [s for s in sites if s.role == "race" and any(out.target == number for out in s.outs)]
        return any(self.state.bits >> race.index & 1 for race in races)

    def monitor(self, name: str) -> int:
        return self.state.watch[self._exploration.monitor_index[name]]

    def guard(self, name: str) -> object:
        """Value of a guard in this state; for a lazy one None also stands for "not yet asked"."""
        data = self._exploration.data
        number = data.index[name]
        value = self.state.values[number]
        return data.guards[number].domain[value] if value >= 0 else None


Invariant = Callable[[View], bool]


@dataclass(slots=True)
class Exploration:
    """What was found. `complete`: all was seen; `exact`: nothing was left out on purpose; `reduced`: some orders of
    independent steps were left out, which hides no deadlock (see `reduction`).

    Numbers of states: `ended`; `stuck`, nothing can move them; `pruned`, the data followed exclude them; `dropped`,
    given up for a third token. `touched`: sites entered or fired; `twice`: site -> the first step that brought it a
    second token. `parents`: for each state the one it was first found from and the labels of that step.
    """

    net: Net
    game: Game
    data: Data
    monitors: tuple[Monitor, ...] = ()
    reduced: bool = False
    complete: bool = True
    states: list[State] = field(default_factory=list)
    parents: list[tuple[int, tuple[Label, ...]]] = field(default_factory=list)
    edges: list[list[int]] = field(default_factory=list)
    ended: list[int] = field(default_factory=list)
    stuck: list[int] = field(default_factory=list)
    pruned: list[int] = field(default_factory=list)
    dropped: list[int] = field(default_factory=list)
    touched: set[int] = field(default_factory=set)
    twice: dict[int, tuple[int, tuple[Label, ...]]] = field(default_factory=dict)
    broken: dict[str, int] = field(default_factory=dict)
    monitor_index: dict[str, int] = field(default_factory=dict)
    steps: int = 0
    _indices: dict[str, tuple[int, ...]] = field(default_factory=dict)

    @property
    def exact(self) -> bool:
        return self.data.exact and not self.game.overflowed and not self.net.vague

    @property
    def proves(self) -> bool:
        """Whether what was not found does not exist. A reduced search proves it only where every state can end."""
        return self.complete and self.exact and not (self.reduced and self.cannot_end())

    @property
    def elements(self) -> frozenset[str]:
        """Ids of the elements that were entered or fired in some state."""
        return frozenset(self.net.sites[number].node.id for number in self.touched)

    def indices(self, element: str) -> tuple[int, ...]:
        """Sites of an element."""
        if element not in self._indices:
            self._indices[element] = tuple(site.index for site in self.net.by_id(element))
        return self._indices[element]

    def violation(self, name: str) -> Violation | None:
        """The shortest way found to a state that breaks an invariant; None if none was found."""
        return self.way(self.broken[name]) if name in self.broken else None

    def way(self, number: int, last: tuple[Label, ...] = ()) -> Violation:
        """How a state is reached; `last`: labels of a further step."""
        labels: list[Label] = list(last)
        at = number
        while at >= 0:
            at, step = self.parents[at]
            labels[:0] = step
        sites = self.net.sites
        came = [n for what, n in labels if what in ("entered", "fired") and sites[n].node.kind != "participant"]
        # A boundary event fires and is entered, a drawn element may be several nodes: one step of the way each.
        path = tuple(
            sites[n].node.shown
            for k, n in enumerate(came)
            if not k or sites[came[k - 1]].node.shown != sites[n].node.shown
        )
        free = tuple(sites[n].node.id for what, n in labels if what == "chosen")
        return Violation(path, View(self, self.states[max(number, 0)]), free)

    def cannot_end(self) -> list[int]:
        """States from which the end can't be reached, in the order in which they were found. Requires `complete`."""
        good = self.can_reach([*self.ended, *self.pruned]).union(self.dropped)
        return [number for number in range(len(self.states)) if number not in good]

    def can_reach(self, goals: Sequence[int]) -> set[int]:
        """States from which one of the goals can be reached, the goals included."""
        back: list[list[int]] = [[] for _ in self.states]
        for source, targets in enumerate(self.edges):
            for target in targets:
                back[target].append(source)
        good = set(goals)
        todo = list(goals)
        while todo:
            for source in back[todo.pop()]:
                if source not in good:
                    good.add(source)
                    todo.append(source)
        return good
