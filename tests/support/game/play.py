"""The token game: commands from outside, and the run until only waits remain.

BPMN 2.0 chapters 10 and 13. Where the standard leaves a choice the project's is taken: elements that need nobody act
in the order in which tokens reached them; inclusive joins are looked at when nothing else can move; whoever waits
longest is served first.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from datetime import datetime
from typing import Any

from . import activities, events, joins, throwing
from .diagram import JOINS, Diagram, Flow, Node
from .state import Data, Incident, Place, Watch, Work


class Game:
    """One case. `trail`: `[scope, element, entered|left|cancelled|taken]` of the turn under way."""

    def __init__(self, diagram: Diagram, at: datetime) -> None:
        self.diagram = diagram
        self.at = at
        self.ready: deque[Callable[[], None]] = deque()
        self.trail: list[tuple[str, str, str]] = []
        self.watches: list[Watch] = []
        self.tasks: dict[str, Work] = {}
        self.kept: list[str] = []
        self.woken: list[Watch] = []
        self.signals: deque[Callable[[], None]] = deque()
        self.data = Data(own=dict(diagram.data))
        self.tops: list[Place] = []
        self.places: list[Place] = []
        self.changed = False
        self.counts: dict[str, int] = {}
        self.catchable = {
            node.event.name
            for _, node in diagram.walk()
            if node.event.kind == "message" and node.kind not in ("endEvent", "intermediateThrowEvent", "sendTask")
        }

    # -- commands -------------------------------------------------------------------------------------------------
    def open(self) -> None:
        self.trail = []
        self.begin("p", self.diagram.processes["p"].entries())
        self.run()

    def begin(self, process: str, entries: list[Node]) -> None:
        """A further top place: the process of the case, or a pool that a message starts."""
        self.counts[process] = self.counts.get(process, 0) + 1
        prefix = "" if process == "p" else f"{process}#{self.counts[process]}/"
        place = Place(self.diagram.processes[process], prefix, self.data, None)
        self.tops.append(place)
        if process == "p":
            activities.open_place(self, place, entries)
        else:
            self.trail.append(("", process, "entered"))
            self.ready.append(lambda: activities.open_place(self, place, entries))

    def submit(self, task: str, values: dict[str, Any]) -> None:
        self.trail = []
        work = self.tasks.pop(task)
        for name, value in values.items():
            self.write(work.data, name, value)
        activities.complete(self, work)
        self.run()

    def fail(self, task: str, code: str, escalation: bool) -> None:
        """The task itself throws: its own boundary events may catch."""
        self.trail = []
        work = self.tasks[task]
        if escalation:
            throwing.escalate(self, work.place, code, work)
        else:
            throwing.throw_error(self, work.place, code, work.node.id, work)
        self.run()

    def send(self, name: str, values: dict[str, Any]) -> bool:
        """A message from outside reaches all that wait for it; False when nobody does. Its values go to where each of
        them stands, once."""
        self.trail = []
        waiting = events.waiting(self, "message", name)
        for data in dict.fromkeys(watch.data for watch in waiting):
            for field_name, value in values.items():
                self.write(data, field_name, value)
        for watch in waiting:
            events.fire(self, watch)
        self.run()
        return bool(waiting)

    def signal(self, name: str) -> None:
        self.trail = []
        throwing.throw_signal(self, name)
        self.run()

    def due(self) -> Watch | None:
        """The timer that fires next, at or before now."""
        armed = [(w.due, w.name, w) for w in self.watches if w.due is not None and w.due <= self.at]
        return min(armed, key=lambda a: a[:2])[2] if armed else None

    def tick(self, watch: Watch) -> None:
        self.trail = []
        events.fire(self, watch)
        self.run()

    @property
    def closed(self) -> bool:
        return not any(place.alive for place in self.tops)

    # -- the run --------------------------------------------------------------------------------------------------
    def run(self) -> None:
        """Until nothing moves any more."""
        moves = 0
        while True:
            if events.settle(self):
                pass
            elif self.ready:
                self.ready.popleft()()
            elif self.signals:
                self.signals.popleft()()
            elif not joins.fire_one(self):
                return
            moves += 1
            if moves > 4_000:
                raise Incident("", "endless")

    def note(self, place: Place, element: str, action: str) -> None:
        self.trail.append((place.scope, element, action))

    def write(self, data: Data, name: str, value: Any) -> None:
        data.write(name, value)
        self.changed = True

    def arrive(self, place: Place, node: Node, via: Flow | None = None) -> Work | None:
        """A token reaches an element. Joins keep it until they are complete; all else acts in its turn."""
        if via is not None and node.kind in JOINS and len(place.graph.into(node.id)) > 1:
            place.parked.setdefault(via.id, []).append(via)
            if node.kind == "parallelGateway":
                joins.try_parallel(self, place, node)
            elif node.kind == "complexGateway":
                joins.try_complex(self, place, node)
            return None
        return self.enter(place, node)

    def enter(self, place: Place, node: Node, data: Data | None = None) -> Work:
        place.visits[node.id] += 1
        work = Work(place, node, f"{place.prefix}{node.id}#{place.visits[node.id]}", data or place.data)
        place.works.append(work)
        self.note(place, node.id, "entered")
        activities.entered(self, work)
        self.ready.append(lambda: activities.act(self, work))
        return work

    def depart(self, place: Place, node: Node) -> None:
        """Tokens go on along the flows that the element chooses (BPMN 13.2.1, 13.4)."""
        out = place.graph.out_of(node.id)
        free = [f for f in out if f.condition is None and f.id != node.default]
        view = place.data.view()
        if node.kind == "exclusiveGateway":
            chosen = [f for f in out if f.id != node.default and (f.condition is None or f.condition.true(view))][:1]
        elif node.kind == "parallelGateway":
            chosen = out
        else:
            chosen = [f for f in out if f in free or (f.condition is not None and f.condition.true(view))]
            if node.kind != "inclusiveGateway" and len(chosen) == len(free) and node.default:
                # An activity's default is taken when none of its conditions holds.
                chosen = [f for f in out if f in chosen or f.id == node.default]
        if not chosen and node.default:
            chosen = [place.graph.flows[node.default]]
        if out and not chosen:
            raise Incident(node.id, "no flow")
        for flow in chosen:
            self.note(place, flow.id, "taken")
            self.arrive(place, place.graph.nodes[flow.target], flow)

    def gone(self, work: Work) -> None:
        """The work is over: nothing of it waits any more."""
        work.alive = False
        events.forget(self, work.watches)
        self.tasks.pop(work.name, None)
        if work.whole is not None and work in work.whole.instances:
            work.whole.instances.remove(work)
        elif work in work.place.works:
            work.place.works.remove(work)
