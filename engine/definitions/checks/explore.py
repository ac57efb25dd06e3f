"""Every state that a process can reach, breadth first and within a budget; what is true of them all.

How to ask something of a bundle:

    found = explore_process(
        bundle, "opinion_case",
        guards=[Guard("grade", ("positive", "ordinary_negative", "major_negative", None))],
        monitors=[Monitor("published", frozenset({"Task_publish"}), lambda now, what, site: now or what == "left")],
        invariants={"same day": lambda view: view.monitor("published") or view.armed("Event_same_day")},
        watch=frozenset({"Event_same_day"}),
    )
    found.violation("same day")      None, or a way to a state that breaks it, as element ids
    found.proves                     True: all was seen, so that no violation means that there is none

`reduce=False` tries every order of independent steps: slower, and then the way to a violation is a shortest one.

- A `Guard` is a case variable that the states follow; every other data is free (see `data`).
- A `Monitor` is a small number kept beside each state. Its `update(value, what, site)` is called for each thing that
  happens to a watched element, in order: "entered", "left" (it ended normally), "fired" (a boundary event, an event
  sub-process or an awaited event came), "cancelled" (it was active and is taken away).
- An invariant is asked of every *settled* state: one in which only people, clocks and messages can move a token.
  Nobody can see a case between two of these; an ended case is settled too (`view.ended`).
- `watch`: ids of the elements that invariants name. Monitors' elements and writers of guards are added. A sub-process
  or called process with none of them inside stays one atomic activity that ends at any time; nesting, splitting or
  moving a watched element changes nothing, because it is found by its id wherever it is called from.

In which direction it errs. Untimed and with free data it reaches more states than a case ever will: a violation may
need an order of times that can't happen. It reaches fewer in these places only:

- a non-interrupting event fires once per activation, and its handler is not begun a third time while two are under way;
- a third token on one flow is given up (`twice` tells where two were seen; `exact` is then False);
- instances of a multi-instance activity come one after the other, none, one or many; so does a composite that is active
  twice, because its inside is one scope here;
- elements act in the kernel's order; compensation handlers are passed through;
- a split with more than 8 conditional flows tries none, single ones, pairs and all (`exact` is then False).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from engine.definitions.bundle import Bundle
from engine.definitions.model import Node

from .data import Data, Guard, written_by
from .moves import Draft, Game, Label, State
from .net import Net, Site, build_net, called_process, within
from .reduction import Reduction
from .thrown import foreign_signals

__all__ = ["Budget", "Exploration", "Guard", "Invariant", "Monitor", "View", "Violation", "explore", "explore_process"]


@dataclass(frozen=True, slots=True)
class Budget:
    """`states`: kept at most; `steps`: moves of tokens at most, about 5 microseconds each."""

    states: int = 200_000
    steps: int = 1_500_000


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
    independent steps were left out, which hides no deadlock (see `reduction`)."""

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
    touched: set[int] = field(default_factory=set)
    twice: dict[int, tuple[int, tuple[Label, ...]]] = field(default_factory=dict)
    broken: dict[str, int] = field(default_factory=dict)
    monitor_index: dict[str, int] = field(default_factory=dict)
    steps: int = 0
    _indices: dict[str, tuple[int, ...]] = field(default_factory=dict)

    @property
    def exact(self) -> bool:
        return self.data.exact and not self.game.overflowed

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
        came = [n for what, n in labels if what in ("entered", "fired")]
        # A boundary event fires and is entered: one step of the way.
        path = tuple(sites[n].node.id for k, n in enumerate(came) if not k or sites[n].host < 0 or came[k - 1] != n)
        free = tuple(sites[n].node.id for what, n in labels if what == "chosen")
        return Violation(path, View(self, self.states[max(number, 0)]), free)

    def cannot_end(self) -> list[int]:
        """States from which the end can't be reached, in the order in which they were found. Requires `complete`."""
        good = self.can_reach([*self.ended, *self.pruned])
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


def explore_process(
    bundle: Bundle,
    process: str,
    *,
    guards: Sequence[Guard] = (),
    monitors: Sequence[Monitor] = (),
    invariants: Mapping[str, Invariant] | None = None,
    watch: frozenset[str] = frozenset(),
    budget: Budget = Budget(),
    expired: Callable[[], bool] | None = None,
    reduce: bool = True,
) -> Exploration:
    """Explores a process with everything it calls; see the module. Raises KeyError for an unknown process.

    `expired`: asked now and then; True stops the exploration as if the budget had run out.
    """
    root = bundle.processes[process]
    names = {guard.name for guard in guards}
    wanted = set(watch).union(*(monitor.watch for monitor in monitors))
    for other in bundle.processes.values():
        wanted |= {node.id for _, node in other.walk() if names & written_by(node, bundle.forms)}
    relevant: dict[str, bool] = {}

    def inline(path: tuple[str, ...], node: Node) -> bool:
        body = called_process(node, bundle.processes)
        if body is None:
            return False
        if body.id not in relevant:
            relevant[body.id] = bool(within(body, bundle.processes) & wanted)
        return relevant[body.id]

    net = build_net(root, bundle.processes, inline=inline, outside=foreign_signals(process, bundle.processes))
    data = Data(guards, net, bundle.processes, bundle.forms)
    return explore(net, data, monitors=monitors, invariants=invariants, watch=frozenset(wanted), budget=budget,
                   expired=expired, reduce=reduce)  # fmt: skip


def explore(
    net: Net,
    data: Data,
    *,
    monitors: Sequence[Monitor] = (),
    invariants: Mapping[str, Invariant] | None = None,
    watch: frozenset[str] = frozenset(),
    budget: Budget = Budget(),
    expired: Callable[[], bool] | None = None,
    reduce: bool = False,
) -> Exploration:
    """Explores a net that is already built; see the module. `reduce`: leave out orders of independent steps."""
    game = Game(net, data)
    found = Exploration(net, game, data, tuple(monitors), reduce)
    found.monitor_index = {monitor.name: number for number, monitor in enumerate(monitors)}
    search = _Search(found, dict(invariants or {}), budget, expired)
    if reduce:
        search.reduction = Reduction(net, data, watch.union(*(m.watch for m in monitors)), bool(invariants))
    search.run()
    return found


class _Search:
    """One breadth-first search."""

    CHECK_EVERY = 256

    def __init__(
        self,
        found: Exploration,
        invariants: dict[str, Invariant],
        budget: Budget,
        expired: Callable[[], bool] | None,
    ) -> None:
        self.found = found
        self.invariants = invariants
        self.budget = budget
        self.expired = expired
        self.index: dict[State, int] = {}
        self.todo: deque[int] = deque()
        self.reduction: Reduction | None = None
        self.hears = [
            [n for n, m in enumerate(found.monitors) if site.node.id in m.watch] for site in found.net.sites
        ]  # fmt: skip
        self.chain = 4 * len(found.net.sites) + 50

    def run(self) -> None:
        found = self.found
        initial = tuple(monitor.initial for monitor in found.monitors)
        for draft in found.game.beginnings():
            self.settle(draft, -1, initial)
        rounds = 0
        while self.todo:
            rounds += 1
            late = self.expired is not None and rounds % self.CHECK_EVERY == 0 and self.expired()
            if len(found.states) > self.budget.states or found.steps > self.budget.steps or late:
                found.complete = False
                return
            number = self.todo.popleft()
            state = found.states[number]
            before = len(found.edges[number])
            drafts = found.game.successors(state.ready, state.bits, state.values)
            if self.reduction is not None and not state.ready:
                drafts = self.reduction.ample(found.game, state.bits, state.values)
            for draft in drafts:
                self.settle(draft, number, state.watch)
            if len(found.edges[number]) == before and state.bits != found.net.ended:
                if state.ready:
                    # The data followed says that no flow can be taken (such a case does not exist), or a third token.
                    found.pruned.append(number)
                    continue
                found.stuck.append(number)

    def settle(self, draft: Draft, source: int, watch: tuple[int, ...]) -> None:
        """Lets a step run on while there is only one way on, then keeps the state."""
        found = self.found
        draft = self.run_on(draft, None) or self.run_on(draft, set()) or draft
        labels = tuple(draft.labels)
        for what, site in labels:
            if what in ("entered", "fired"):
                found.touched.add(site)
            elif what == "twice":
                found.twice.setdefault(site, (source, labels))
        state = State(tuple(draft.ready), draft.bits, draft.values, self.watched(labels, watch))
        number = self.index.get(state)
        if number is None:
            number = len(found.states)
            self.index[state] = number
            found.states.append(state)
            found.parents.append((source, labels))
            found.edges.append([])
            self.todo.append(number)
            if not state.ready:
                self.examine(number, state)
        if source >= 0:
            found.edges[source].append(number)

    def run_on(self, draft: Draft, seen: set[tuple[object, ...]] | None) -> Draft | None:
        """The draft after all steps to which there is no alternative. None when they seem to have no end: with `seen`
        to remember them it stops where they begin to repeat."""
        length = 0
        while True:
            self.found.steps += 1
            length += 1
            if not draft.ready:
                return draft
            if seen is None and length > self.chain:
                return None
            if seen is not None:
                state = (tuple(draft.ready), draft.bits, draft.values)
                if state in seen:
                    return draft
                seen.add(state)
            ways = list(self.found.game.successors(tuple(draft.ready), draft.bits, draft.values))
            if len(ways) != 1:
                return draft
            ways[0].labels[:0] = draft.labels
            draft = ways[0]

    def watched(self, labels: tuple[Label, ...], watch: tuple[int, ...]) -> tuple[int, ...]:
        if not watch:
            return watch
        values = list(watch)
        for what, site in labels:
            for number in self.hears[site]:
                values[number] = self.found.monitors[number].update(values[number], what, self.found.net.sites[site])
        return tuple(values)

    def examine(self, number: int, state: State) -> None:
        if state.bits == self.found.net.ended:
            self.found.ended.append(number)
        view = View(self.found, state)
        for name, invariant in self.invariants.items():
            if name not in self.found.broken and not invariant(view):
                self.found.broken[name] = number
