"""What a BPMN file says, as plain values: the reader's output, the kernel's input, the checks' subject."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

EventKind = Literal[
    "none", "timer", "message", "signal", "error", "escalation", "terminate", "conditional", "link", "compensate",
    "cancel",
]  # fmt: skip

ACTIVITIES = frozenset(
    (
        "task", "userTask", "manualTask", "scriptTask", "businessRuleTask", "serviceTask", "sendTask", "receiveTask",
        "subProcess", "transaction", "callActivity",
    )
)  # fmt: skip
GATEWAYS = frozenset(("exclusiveGateway", "parallelGateway", "inclusiveGateway", "eventBasedGateway", "complexGateway"))
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
    """`name`: message, signal or link name; error or escalation code, where "" catches any error or escalation.

    `condition`: FEEL of a conditional event. `activity`: what a compensate event compensates, "" for all of its scope;
    `wait`: whether its throw event waits for the handlers. `correlation`: FEEL whose value tells one receiver of a
    message from another, "". `code_variable`, `text_variable`: fields that an error's code and message go to, "".
    """

    kind: EventKind
    name: str = ""
    timer: TimerText | None = None
    condition: str = ""
    activity: str = ""
    wait: bool = True
    correlation: str = ""
    code_variable: str = ""
    text_variable: str = ""


@dataclass(frozen=True, slots=True)
class MultiInstance:
    """`collection` or `cardinality` is FEEL text, the other "". `completion`: FEEL or "". `output`: field that becomes
    the list of each instance's `output_item` (a field of the instance, or FEEL with a leading `=`), in input order."""

    sequential: bool
    collection: str
    cardinality: str
    variable: str
    completion: str
    output: str = ""
    output_item: str = ""


@dataclass(frozen=True, slots=True)
class StandardLoop:
    """BPMN 10.3.3: repeat while `condition` (FEEL, "" = always) holds; `test_before`: also before the first round;
    `maximum`: rounds at most, 0 = no bound."""

    condition: str
    test_before: bool = False
    maximum: int = 0


@dataclass(frozen=True, slots=True)
class Assignment:
    """`value`: FEEL; its value goes to the field `target`."""

    target: str
    value: str
    line: int = 0


@dataclass(frozen=True, slots=True)
class MessageFlow:
    """A drawn message flow. `source`, `target`: ids of flow nodes, pools (participants) or processes."""

    id: str
    name: str
    source: str
    target: str
    line: int


@dataclass(frozen=True, slots=True)
class Node:
    """One flow node. `kind` is its BPMN tag. Fields that its kind has no use for are "" or empty.

    `triggered`: an event sub-process; its body has exactly one start event, whose `interrupting` is `isInterrupting`.
    `for_compensation`: a compensation handler, never reached by a flow; `compensation`: on the activity it undoes, the
    handler's id. `inputs`: fields of the activity's own data scope, made at entry; `outputs`: fields of the scope
    around, written when it ends; `isolated`: the activity (a call with mapped data) sees its own fields only.
    `instantiate`: a receive task or event gateway that begins its process. `activation`: FEEL of a joining complex
    gateway. `implementation`: code that another engine would run for it, "".
    `drawn`: id of the drawn element where the reader made several nodes of one, else "".
    """

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
    implementation: str = ""
    activation: str = ""
    instantiate: bool = False
    called: str = ""
    version_tag: str = ""
    multi: MultiInstance | None = None
    body: Process | None = None
    lane: str = ""
    properties: Mapping[str, str] = field(default_factory=dict)
    triggered: bool = False
    for_compensation: bool = False
    compensation: str = ""
    loop: StandardLoop | None = None
    inputs: tuple[Assignment, ...] = ()
    outputs: tuple[Assignment, ...] = ()
    isolated: bool = False
    drawn: str = ""

    @property
    def shown(self) -> str:
        """Id of the element in the drawing."""
        return self.drawn or self.id

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
    participant: str = ""
    message_flows: tuple[MessageFlow, ...] = ()
    version_tag: str = ""
    """`participant`: id of the pool that shows the process, ""; `message_flows`: all of its file; `version_tag`: as
    the process owner named this version, which a call activity may ask for."""

    @property
    def start(self) -> Node:
        """Where a case begins: the none start event if there is one, else the first start event or entry.
        Requires a process with nodes that passed the reader's checks."""
        starts = [n for n in self.nodes.values() if n.kind == "startEvent"]
        return next((n for n in starts if n.event.kind == "none"), None) or (starts or self.entries)[0]

    @property
    def entries(self) -> list[Node]:
        """Nodes that get a token when the process or sub-process begins (BPMN 10.5.2, 13.2.1): the none start event;
        where there is no start event at all, every node without incoming flows."""
        starts = [n for n in self.nodes.values() if n.kind == "startEvent"]
        if starts:
            return [n for n in starts if n.event.kind == "none"]
        return [
            n
            for n in self.nodes.values()
            if not n.incoming and n.kind != "boundaryEvent" and not n.triggered and not n.for_compensation
        ]

    @property
    def trigger(self) -> Node | None:
        """The start event of an event sub-process, this being its body; None when it was drawn without one."""
        return next((n for n in self.nodes.values() if n.kind == "startEvent"), None)

    @property
    def event_subprocesses(self) -> list[Node]:
        """Event sub-processes that wait while this scope is alive."""
        return [n for n in self.nodes.values() if n.triggered]

    def walk(self) -> list[tuple[Process, Node]]:
        """Every node with the scope it lies in, bodies of embedded sub-processes included."""
        found: list[tuple[Process, Node]] = []
        for node in self.nodes.values():
            found.append((self, node))
            if node.body is not None:
                found.extend(node.body.walk())
        return found
