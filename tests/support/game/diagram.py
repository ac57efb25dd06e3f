"""A diagram as the generator draws it: what both sides get, the game as objects and the kernel as XML."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

ACTIVITIES = frozenset((
    "task", "manualTask", "userTask", "scriptTask", "receiveTask", "sendTask", "subProcess", "transaction",
    "callActivity",
))  # fmt: skip
JOINS = frozenset(("parallelGateway", "inclusiveGateway", "complexGateway"))


@dataclass(frozen=True)
class Expr:
    """One meaning written twice: `text` in FEEL for the kernel, `value` in Python for the game. null is None."""

    text: str
    value: Callable[[Mapping[str, Any]], Any]

    def true(self, data: Mapping[str, Any]) -> bool:
        """Whether the condition holds; null does not."""
        return self.value(data) is True


@dataclass(frozen=True)
class Timer:
    """`kind` date, duration or cycle. A cycle has `count` instants `step` apart; `start` or `end` fixes them, else
    they are counted from the arming."""

    kind: str
    text: str
    step: timedelta = timedelta()
    count: int = 1
    start: datetime | None = None
    end: datetime | None = None


@dataclass(frozen=True)
class Event:
    """`name`: of the message, signal or link, code of the error or escalation ("" catches any). `activity`: what a
    compensation throw is for, "" for everything in its scope; it waits until all is undone."""

    kind: str = "none"
    name: str = ""
    timer: Timer | None = None
    condition: Expr | None = None
    activity: str = ""


@dataclass(frozen=True)
class Multi:
    """Multi-instance: over the list `collection` (a field's name) or `cardinality` times, until `completion`."""

    sequential: bool
    collection: str = ""
    cardinality: int = 0
    variable: str = "item"
    completion: Expr | None = None
    into: str = ""


@dataclass(frozen=True)
class Loop:
    """Standard loop; `maximum` 0 is no bound."""

    condition: Expr
    before: bool
    maximum: int = 0


@dataclass
class Node:
    """`kind` is the BPMN tag. `triggered`: an event sub-process. `handler`: id of the activity that undoes this one,
    `undoes`: on that activity, whether it is such a handler. `activation`: when a complex join lets tokens through."""

    id: str
    kind: str
    event: Event = field(default_factory=Event)
    default: str = ""
    attached_to: str = ""
    interrupting: bool = True
    body: Graph | None = None
    called: str = ""
    multi: Multi | None = None
    loop: Loop | None = None
    variable: str = ""
    script: Expr | None = None
    triggered: bool = False
    handler: str = ""
    undoes: bool = False
    activation: Expr | None = None

    @property
    def undone_inside(self) -> Node | None:
        """The event sub-process in the body that undoes the whole body, if there is one."""
        for node in self.body.event_subprocesses() if self.body is not None else ():
            assert node.body is not None
            if any(n.kind == "startEvent" and n.event.kind == "compensate" for n in node.body.nodes.values()):
                return node
        return None


@dataclass
class Flow:
    id: str
    source: str
    target: str
    condition: Expr | None = None


@dataclass
class Graph:
    """A process, or the body of a sub-process, in document order."""

    nodes: dict[str, Node] = field(default_factory=dict)
    flows: dict[str, Flow] = field(default_factory=dict)

    def into(self, node: str) -> list[Flow]:
        return [f for f in self.flows.values() if f.target == node]

    def out_of(self, node: str) -> list[Flow]:
        return [f for f in self.flows.values() if f.source == node]

    def boundary(self, host: str) -> list[Node]:
        return [n for n in self.nodes.values() if n.kind == "boundaryEvent" and n.attached_to == host]

    def event_subprocesses(self) -> list[Node]:
        return [n for n in self.nodes.values() if n.triggered]

    def entries(self) -> list[Node]:
        """Where tokens begin: none start events, or without any start event all that no flow leads to."""
        starts = [n for n in self.nodes.values() if n.kind == "startEvent"]
        if starts:
            return [n for n in starts if n.event.kind == "none"]
        return [
            n
            for n in self.nodes.values()
            if not self.into(n.id)
            and n.kind != "boundaryEvent"
            and not n.triggered
            and not n.undoes
            and not (n.kind == "intermediateCatchEvent" and n.event.kind == "link")
        ]

    def walk(self) -> Iterator[tuple[Graph, Node]]:
        """Every node with the graph it stands in, inner ones too."""
        for node in self.nodes.values():
            yield self, node
            if node.body is not None:
                yield from node.body.walk()


@dataclass
class Diagram:
    """Processes by id, `p` is the one a case is of; `pools`: ids of those that messages start or reach.
    `constructs`: what the generator put in, for the table of coverage."""

    processes: dict[str, Graph]
    data: dict[str, Any]
    pools: tuple[str, ...] = ()
    constructs: set[str] = field(default_factory=set)

    def walk(self) -> Iterator[tuple[Graph, Node]]:
        for graph in self.processes.values():
            yield from graph.walk()
