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
- elements act in the kernel's order; compensation handlers are passed through; a message may come whenever it is
  awaited, whoever sends it;
- a complex join is played as an inclusive one (`exact` is then False);
- a split with more than 8 conditional flows tries none, single ones, pairs and all (`exact` is then False).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from engine.definitions.bundle import Bundle
from engine.definitions.model import Node

from .data import Data, Guard
from .exploration import Exploration, Invariant, Monitor, View, Violation
from .moves import Game
from .net import Net, called_process, within
from .net_builder import build_net
from .reduction import Reduction
from .search import Budget, Search
from .thrown import foreign_signals
from .writes import written_by

__all__ = ["Budget", "Exploration", "Guard", "Invariant", "Monitor", "View", "Violation", "explore", "explore_process"]

LARGE = Budget()


def explore_process(
    bundle: Bundle,
    process: str,
    *,
    guards: Sequence[Guard] = (),
    monitors: Sequence[Monitor] = (),
    invariants: Mapping[str, Invariant] | None = None,
    watch: frozenset[str] = frozenset(),
    budget: Budget = LARGE,
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
    budget: Budget = LARGE,
    expired: Callable[[], bool] | None = None,
    reduce: bool = False,
) -> Exploration:
    """Explores a net that is already built; see the module. `reduce`: leave out orders of independent steps."""
    game = Game(net, data)
    found = Exploration(net, game, data, tuple(monitors), reduce)
    found.monitor_index = {monitor.name: number for number, monitor in enumerate(monitors)}
    search = Search(found, dict(invariants or {}), budget, expired)
    if reduce:
        search.reduction = Reduction(net, data, watch.union(*(m.watch for m in monitors)), bool(invariants))
    search.run()
    return found
