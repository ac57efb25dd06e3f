"""The composed bundle as one flat map of places: called processes and sub-processes stand where they are entered.

Each element has one place for each way its process is called; a composite has one where it is entered and one where it
is left; a joining gateway has one more for each incoming flow, where a token waits for the others.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from engine.definitions.model import Flow, Node, Process

COMPOSITE = frozenset(("subProcess", "transaction", "callActivity"))
WAITS = frozenset(("userTask", "receiveTask", "intermediateCatchEvent", "eventBasedGateway"))
MAX_PLACES = 6_000
Role = Literal["node", "host", "exit", "arrive"]


@dataclass(slots=True)
class Place:
    """`scope`: index of the body it lies in; `flow`: of an `arrive` place, the incoming flow; `body`: of a host."""

    index: int
    node: Node
    scope: int
    role: Role
    flow: str = ""
    outs: list[tuple[Flow, int]] = field(default_factory=list)
    boundary: list[int] = field(default_factory=list)
    body: int = -1
    exit: int = -1


@dataclass(slots=True)
class Scope:
    """`host`: place of the composite, -1 for the root. `events`: places of its event sub-processes.

    `killed`: an end event of it clears the scope before its other tokens are done.
    """

    index: int
    process: Process
    host: int
    entries: list[int] = field(default_factory=list)
    events: list[int] = field(default_factory=list)
    killed: bool = False


class Places:
    """The map of one root process. `cut`: the bundle is larger than the map may be, or calls itself."""

    def __init__(self, root: Process, processes: Mapping[str, Process]) -> None:
        self.root = root
        self.processes = processes
        self.places: list[Place] = []
        self.scopes: list[Scope] = []
        self.cut = False
        self._reaches: dict[tuple[int, ...], frozenset[int]] = {}
        self._scope(root, -1, (root.id,))

    def __iter__(self) -> Iterator[Place]:
        return iter(self.places)

    def __getitem__(self, index: int) -> Place:
        return self.places[index]

    def hosts(self, index: int) -> list[int]:
        """Places of the composites around a place, the nearest first."""
        found = []
        host = self.scopes[self.places[index].scope].host
        while host >= 0:
            found.append(host)
            host = self.scopes[self.places[host].scope].host
        return found

    def next(self, index: int) -> list[int]:
        """Where a token at a place may go in the same body or below: flows, boundary events, bodies."""
        place = self.places[index]
        found = [target for _, target in place.outs] + place.boundary
        if place.body >= 0:
            scope = self.scopes[place.body]
            found += [*scope.entries, *scope.events, place.exit]
        elif place.exit >= 0:
            found.append(place.exit)
        return found

    def reach(self, starts: list[int]) -> frozenset[int]:
        """Every place that a token at one of `starts` can come to without leaving the body."""
        key = tuple(starts)
        known = self._reaches.get(key)
        if known is None:
            known = self._reaches[key] = self._reach(starts)
        return known

    def _reach(self, starts: list[int]) -> frozenset[int]:
        seen = set(starts)
        todo = list(starts)
        while todo:
            for target in self.next(todo.pop()):
                if target not in seen:
                    seen.add(target)
                    todo.append(target)
        return frozenset(seen)

    def _new(self, node: Node, scope: int, role: Role, flow: str = "") -> Place:
        place = Place(len(self.places), node, scope, role, flow)
        self.places.append(place)
        return place

    def _called(self, node: Node) -> Process | None:
        return node.body if node.body is not None else self.processes.get(node.called)

    def _scope(self, process: Process, host: int, around: tuple[str, ...]) -> int:
        scope = Scope(len(self.scopes), process, host)
        self.scopes.append(scope)
        own: dict[str, Place] = {}
        arrivals: dict[str, Place] = {}
        for node in process.nodes.values():
            own[node.id] = self._new(node, scope.index, "node")
            scope.killed |= node.kind == "endEvent" and node.event.kind in ("terminate", "error", "cancel")
            if node.kind in ("parallelGateway", "inclusiveGateway", "complexGateway") and len(node.incoming) > 1:
                for flow in node.incoming:
                    arrivals[flow] = arrival = self._new(node, scope.index, "arrive", flow)
                    arrival.exit = own[node.id].index
        for node in process.nodes.values():
            self._body(node, own[node.id], around)
            source = self.places[own[node.id].exit] if own[node.id].role == "host" else own[node.id]
            for ident in node.outgoing:
                flow_ = process.flows.get(ident)
                if flow_ is not None and flow_.target in own:
                    source.outs.append((flow_, arrivals.get(ident, own[flow_.target]).index))
            own[node.id].boundary += [own[b].index for b in node.boundary if b in own]
        scope.entries += [own[node.id].index for node in process.entries]
        scope.events += [own[node.id].index for node in process.event_subprocesses]
        return scope.index

    def _body(self, node: Node, place: Place, around: tuple[str, ...]) -> None:
        called = self._called(node) if node.kind in COMPOSITE or node.triggered else None
        if called is None or not called.nodes:
            return
        if called.id in around or len(self.places) > MAX_PLACES:
            self.cut = True
            return
        place.role = "host"
        place.exit = self._new(node, place.scope, "exit").index
        place.body = self._scope(called, place.index, (*around, called.id))
        if node.triggered:
            starts = [n for n in called.nodes.values() if n.kind == "startEvent"]
            entries = {n.id for n in starts}
            self.scopes[place.body].entries = [
                p.index for p in self.places if p.scope == place.body and p.node.id in entries and p.role == "node"
            ]


def waits(place: Place) -> bool:
    """Whether a token can stay at a place for longer than a turn."""
    if place.role == "arrive":
        return place.node.kind == "parallelGateway"
    if place.role != "node":
        return False
    return place.node.kind in WAITS or (place.node.kind in ("callActivity", "subProcess") and place.body < 0)
