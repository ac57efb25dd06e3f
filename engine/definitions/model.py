"""What a BPMN file says, as plain values: the reader's output, the kernel's input, the checks' subject."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

EventKind = Literal["none", "timer", "message", "signal", "error", "escalation", "terminate"]

ACTIVITIES = frozenset(
    (
        "task", "userTask", "manualTask", "scriptTask", "businessRuleTask", "serviceTask", "sendTask", "receiveTask",
        "subProcess", "callActivity",
    )
)  # fmt: skip
GATEWAYS = frozenset(("exclusiveGateway", "parallelGateway", "inclusiveGateway", "eventBasedGateway"))
EVENTS = frozenset(["startEvent", "endEvent", "intermediateCatchEvent", "intermediateThrowEvent", "boundaryEvent"])


@dataclass(frozen=True, slots=True)
class Finding:
    """Something the process owner should know before deploying. An `error` blocks the deployment.

    `file`: path in the bundle; `element`: id, "" for the file itself; `line`: 1-based, 0 unknown;
    `key`: catalogue sentence that says what is wrong and what to do; `details` fills its blanks.
    """

    severity: Literal["error", "warning", "info"]
    file: str
    element: str
    name: str
    line: int
    key: str
    details: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Flow:
    """A sequence flow. `condition`: FEEL text or ""."""

    id: str
    name: str
    source: str
    target: str
    condition: str
    line: int


@dataclass(frozen=True, slots=True)
class TimerText:
    """A timer as written: `kind` date, duration or cycle; `text` FEEL or a bare ISO literal."""

    kind: Literal["date", "duration", "cycle"]
    text: str


@dataclass(frozen=True, slots=True)
class EventText:
    """`name`: message, signal name; error or escalation code; "" catches any error or escalation."""

    kind: EventKind
    name: str = ""
    timer: TimerText | None = None


@dataclass(frozen=True, slots=True)
class MultiInstance:
    """`collection` or `cardinality` is FEEL text, the other "". `completion`: FEEL or ""."""

    sequential: bool
    collection: str
    cardinality: str
    variable: str
    completion: str


@dataclass(frozen=True, slots=True)
class Node:
    """One flow node. `kind` is its BPMN tag. Fields that its kind has no use for are "" or empty."""

    id: str
    kind: str
    name: str
    line: int
    incoming: tuple[str, ...] = ()
    outgoing: tuple[str, ...] = ()
    default: str = ""
    event: EventText = EventText("none")
    attached_to: str = ""
    interrupting: bool = True
    boundary: tuple[str, ...] = ()
    form: str = ""
    groups: tuple[str, ...] = ()
    users: tuple[str, ...] = ()
    assignee: str = ""
    due: str = ""
    priority: str = ""
    script: str = ""
    result: str = ""
    decision: str = ""
    map_result: str = ""
    topic: str = ""
    called: str = ""
    multi: MultiInstance | None = None
    body: Process | None = None
    lane: str = ""
    properties: Mapping[str, str] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """The name for people: the drawn one, else the id."""
        return self.name or self.id

    @property
    def clauses(self) -> tuple[str, ...]:
        """R-numbers of the regulation that the element implements."""
        return tuple(self.properties.get("clause", "").replace(",", " ").split())


@dataclass(frozen=True, slots=True)
class Process:
    """A process or the body of an embedded sub-process. `nodes` and `flows` in document order, by id."""

    id: str
    name: str
    file: str
    line: int
    executable: bool
    nodes: Mapping[str, Node]
    flows: Mapping[str, Flow]
    properties: Mapping[str, str] = field(default_factory=dict)

    @property
    def start(self) -> Node:
        """The one none start event. Requires a process that passed the reader's checks."""
        return next(n for n in self.nodes.values() if n.kind == "startEvent")

    def walk(self) -> list[tuple[Process, Node]]:
        """Every node with the scope it lies in, bodies of embedded sub-processes included."""
        found: list[tuple[Process, Node]] = []
        for node in self.nodes.values():
            found.append((self, node))
            if node.body is not None:
                found.extend(node.body.walk())
        return found
