"""`Process` values -> SpiffWorkflow specs, once per bundle; every expression is compiled here or refused by element."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from SpiffWorkflow.specs.WorkflowSpec import WorkflowSpec

from engine import feel
from engine.definitions.bpmn import split_list
from engine.definitions.bundle import Bundle
from engine.definitions.model import Assignment, Finding, Flow, Node, Process

from .activities import DecisionSpec, PlayedSpec, ScriptSpec, ServiceSpec, UserTaskSpec
from .complex import ComplexSpec
from .instances import LoopSpec, MultiInstanceSpec, Repeated
from .reach import receivable, started_by, upstream
from .specs import (
    EndSpec,
    ExclusiveSpec,
    InclusiveSpec,
    NodeSpec,
    ParallelSpec,
    ParticipantSpec,
    RootSpec,
    SubProcessSpec,
    ThrowSpec,
)
from .timers import ISO_DURATION, ISO_INSTANT, compile_timer, timer_source
from .topics import TOPICS
from .waiting import BoundarySpec, CatchSpec, EventGatewaySpec, WatcherSpec

SPECS: dict[str, type[NodeSpec]] = {
    "startEvent": NodeSpec,
    "endEvent": EndSpec,
    "intermediateThrowEvent": ThrowSpec,
    "intermediateCatchEvent": CatchSpec,
    "receiveTask": CatchSpec,
    "boundaryEvent": BoundarySpec,
    "task": NodeSpec,
    "manualTask": NodeSpec,
    "userTask": UserTaskSpec,
    "scriptTask": ScriptSpec,
    "businessRuleTask": DecisionSpec,
    "serviceTask": ServiceSpec,
    "sendTask": ServiceSpec,
    "subProcess": SubProcessSpec,
    "transaction": SubProcessSpec,
    "callActivity": SubProcessSpec,
    "exclusiveGateway": ExclusiveSpec,
    "parallelGateway": ParallelSpec,
    "inclusiveGateway": InclusiveSpec,
    "complexGateway": ComplexSpec,
    "eventBasedGateway": EventGatewaySpec,
}


class ProcessSpec(WorkflowSpec):
    """One process or sub-process body as SpiffWorkflow knows it."""

    def __init__(self, process: Process, name: str) -> None:
        super().__init__(name=name)
        self.process = process
        self.start = RootSpec(self, " root")
        self.data_objects: dict[str, Any] = {}
        self.correlation_keys: dict[str, Any] = {}
        self.inclusive_joins: list[InclusiveSpec] = []
        self.nodes: dict[str, NodeSpec] = {}
        self.starts: list[NodeSpec] = []
        self.entries: list[NodeSpec] = []
        self.watching: list[WatcherSpec] = []
        self.participants: dict[str, ParticipantSpec] = {}


@dataclass(slots=True)
class Program:
    """A compiled bundle. `specs`: by process id, bodies of embedded sub-processes as `process/element`. `played`: a
    trial run, where services and forms that the bundle lacks are answered by whoever plays."""

    specs: dict[str, ProcessSpec] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    played: bool = False
    starters: dict[str, dict[str, tuple[str, str]]] = field(default_factory=dict)
    received: dict[str, frozenset[str]] = field(default_factory=dict)

    def started_by(self, process: str, message: str) -> tuple[str, str] | None:
        """(process, start event) of another pool that a message thrown in a case of `process` starts."""
        return self.starters.get(process, {}).get(message)

    def receivable(self, process: str) -> frozenset[str]:
        """Messages that some event of a case of `process` can wait for."""
        return self.received.get(process, frozenset())


def compile_bundle(bundle: Bundle, played: bool = False) -> Program:
    """All processes of a bundle. Expressions that don't compile are findings; a program with errors isn't run."""
    return _Compiler(bundle, played).compile()


class _Compiler:
    def __init__(self, bundle: Bundle, played: bool) -> None:
        self.bundle = bundle
        self.program = Program(played=played)

    def compile(self) -> Program:
        program, processes = self.program, self.bundle.processes
        for process in processes.values():
            self._process(process, process.id, process.entries)
        for process in processes.values():
            program.starters[process.id] = started_by(processes, process)
            program.received[process.id] = receivable(processes, process)
            for other in sorted({pool for pool, _ in program.starters[process.id].values()}):
                self._participant(program.specs[process.id], processes[other])
        return program

    def _participant(self, spec: ProcessSpec, other: Process) -> None:
        node = Node(other.id, "participant", other.name, other.line)
        made = ParticipantSpec(spec, node, f"{other.id} [pool]")
        made.called = other.id
        spec.participants[other.id] = made

    def refuse(self, process: Process, node: Node, key: str, **details: object) -> None:
        self.program.findings.append(Finding("error", process.file, node.shown, node.name, node.line, key, details))

    def _process(self, process: Process, name: str, entries: list[Node]) -> None:
        spec = ProcessSpec(process, name)
        self.program.specs[name] = spec
        spec.nodes = {node.id: self._node(process, node, spec, name) for node in process.nodes.values()}
        for node in process.nodes.values():
            self._connect(process, node, spec.nodes, spec)
        spec.entries = [spec.nodes[node.id] for node in entries]
        spec.starts = [spec.nodes[n.id] for n in process.nodes.values() if n.kind == "startEvent"]
        for node in process.event_subprocesses:
            self._watcher(process, node, spec, name)

    def _watcher(self, process: Process, node: Node, spec: ProcessSpec, name: str) -> None:
        """What waits for an event sub-process of the scope; a compensation one is looked up when thrown."""
        start = None if node.body is None else node.body.trigger
        if start is None or start.event.kind == "compensate":
            return
        handler = spec.nodes[node.id]
        watcher = WatcherSpec(spec, start, f"{node.id} [start]")
        watcher.handler = handler
        self._fill(process, start, watcher, name)
        spec.watching.append(watcher)

    def _node(self, process: Process, node: Node, spec: ProcessSpec, name: str) -> NodeSpec:
        if node.body is not None:
            trigger = [node.body.trigger] if node.body.trigger is not None else []
            entries = trigger if node.triggered else node.body.entries
            self._process(node.body, f"{name}/{node.id}", entries)
        kind = self._kind(process, node)
        if node.multi is None and node.loop is None:
            made = kind(spec, node)
            self._fill(process, node, made, name)
            return made
        inner = kind(spec, node, f"{node.id} [instance]")
        made = self._repeated(process, node, spec)
        inner.instance_of = made
        made.inner = inner
        self._fill(process, node, inner, name)
        return made

    def _kind(self, process: Process, node: Node) -> type[NodeSpec]:
        if node.kind in ("serviceTask", "sendTask", "businessRuleTask", "callActivity") and self._is_played(node):
            return PlayedSpec
        if node.kind == "sendTask" and not node.topic:
            return ThrowSpec
        if node.kind == "startEvent" and node.event.kind == "timer" and node.id in self._own_starts(process):
            return CatchSpec
        return SPECS[node.kind]

    def _own_starts(self, process: Process) -> set[str]:
        """Start events of a process itself; the timer of an event sub-process has fired when its start is reached."""
        whole = self.bundle.processes.get(process.id)
        return {n.id for n in process.nodes.values()} if whole is process else set()

    def _is_played(self, node: Node) -> bool:
        if not self.program.played or node.event.kind == "message":
            return False
        if node.kind == "callActivity":
            return node.called not in self.bundle.processes
        if node.kind == "businessRuleTask":
            return not self.bundle.has_decision(node.decision)
        return node.topic not in TOPICS

    def _repeated(self, process: Process, node: Node, spec: ProcessSpec) -> Repeated:
        if node.loop is not None:
            loop = LoopSpec(spec, node)
            loop.condition = self._expression(process, node, node.loop.condition)
            return loop
        assert node.multi is not None
        made = MultiInstanceSpec(spec, node)
        made.collection = self._expression(process, node, node.multi.collection)
        made.cardinality = self._expression(process, node, node.multi.cardinality)
        made.completion = self._expression(process, node, node.multi.completion)
        made.output_item = self._expression(process, node, node.multi.output_item.removeprefix("="))
        return made

    def _fill(self, process: Process, node: Node, made: NodeSpec, name: str) -> None:
        """Compiles what belongs to the kind of element."""
        made.mapped_in = self._assignments(process, node, node.inputs)
        made.mapped_out = self._assignments(process, node, node.outputs)
        made.correlation = self._expression(process, node, node.event.correlation)
        if isinstance(made, SubProcessSpec):
            self._scope(process, node, made, name)
        elif isinstance(made, UserTaskSpec):
            made.groups = self._list(
                process, node, (*node.groups, *(f"user:{u}" if not u.startswith("=") else u for u in node.users))
            )
            made.assignee = self._item(process, node, node.assignee)
            made.due = self._due(process, node, node.due)
            made.priority = self._expression(process, node, node.priority.removeprefix("=")) if node.priority else None
            made.unit = self._expression(process, node, node.properties.get("unit", "").removeprefix("="))
            if isinstance(made, PlayedSpec) or self.program.played:
                return
            if node.form and node.form not in self.bundle.forms:
                self.refuse(process, node, "bpmn.form_unknown", form=node.form)
            if not (node.groups or node.users or node.assignee):
                self.refuse(process, node, "bpmn.nobody")
        elif isinstance(made, ScriptSpec):
            made.script = self._expression(process, node, node.script) or feel.compile_expression("null")
        elif isinstance(made, DecisionSpec):
            if node.implementation or node.topic:
                self.refuse(process, node, "bpmn.service_code", code=node.implementation or node.topic)
            elif not (node.decision and node.result):
                self.refuse(process, node, "bpmn.decision_empty")
            elif not self.bundle.has_decision(node.decision):
                self.refuse(process, node, "bpmn.decision_unknown", decision=node.decision)
        elif isinstance(made, ServiceSpec):
            if node.implementation:
                self.refuse(process, node, "bpmn.service_code", code=node.implementation)
            elif not node.topic:
                self.refuse(process, node, "bpmn.service_topic")
            elif node.topic not in TOPICS:
                self.refuse(process, node, "bpmn.topic_unknown", topic=node.topic, known=", ".join(sorted(TOPICS)))
            made.to = self._list(process, node, _split(node.properties.get("to", "")))
            made.requires = self._expression(process, node, node.properties.get("requires", "").removeprefix("="))
        elif isinstance(made, CatchSpec | BoundarySpec | WatcherSpec):
            made.condition = self._expression(process, node, node.event.condition)
            made.roles = self._list(process, node, _split(node.properties.get("role", "")))
            if node.event.timer is not None:
                groups = self._list(process, node, _split(node.properties.get("responsible", "")))
                try:
                    made.plan = compile_timer(node.event.timer.kind, node.event.timer.text, node.properties, groups)
                except feel.FeelSyntaxError as error:
                    self.refuse(
                        process,
                        node,
                        "bpmn.expression",
                        text=node.event.timer.text,
                        reason=error.message_key,
                        column=error.column,
                    )
                except ValueError as error:
                    self.refuse(process, node, "bpmn.warning_mark", mark=str(error))
            form = node.properties.get("form", "")
            if form and form not in self.bundle.forms and not self.program.played:
                self.refuse(process, node, "bpmn.form_unknown", form=form)

    def _connect(self, process: Process, node: Node, specs: dict[str, NodeSpec], spec: ProcessSpec) -> None:
        made = specs[node.id]
        for ident in node.outgoing:
            flow = process.flows[ident]
            if flow.target not in specs:
                continue
            made.connect(specs[flow.target])
            if ident == node.default:
                made.default = (ident, specs[flow.target])
            else:
                made.flows.append((ident, self._condition(process, flow), specs[flow.target]))
        made.boundary = [specs[b] for b in node.boundary]
        if node.compensation:
            made.handler_spec = specs.get(node.compensation)
            if isinstance(made, Repeated):
                made.inner.handler_spec = made.handler_spec
        if isinstance(made, ComplexSpec):
            made.activation = self._expression(process, node, node.activation) or feel.compile_expression("true")
        if isinstance(made, InclusiveSpec) and len(node.incoming) > 1:
            made.upstream = {f: upstream(process, node.id, f) for f in node.incoming}
            spec.inclusive_joins.append(made)

    def _scope(self, process: Process, node: Node, made: SubProcessSpec, name: str) -> None:
        made.called = node.called or f"{name}/{node.id}"
        called = self.bundle.processes.get(node.called)
        if node.called and called is None:
            self.refuse(process, node, "bpmn.call_unknown", called=node.called)
        elif called is not None and called.nodes and not called.entries:
            self.refuse(process, node, "bpmn.call_start", called=node.called)
        if node.body is not None:
            for inner in node.body.event_subprocesses:
                trigger = None if inner.body is None else inner.body.trigger
                if trigger is not None and trigger.event.kind == "compensate":
                    made.undoing = self.program.specs[made.called].nodes[inner.id]

    def _assignments(
        self, process: Process, node: Node, rows: tuple[Assignment, ...]
    ) -> list[tuple[str, feel.Expression]]:
        found = [(row.target, self._expression(process, node, row.value, row.line)) for row in rows]
        return [(target, expression) for target, expression in found if expression is not None]

    def _expression(self, process: Process, node: Node | Flow, text: str, line: int = 0) -> feel.Expression | None:
        if not text:
            return None
        try:
            return feel.compile_expression(text)
        except feel.FeelSyntaxError as error:
            ident = node.shown if isinstance(node, Node) else node.id
            details = {"text": text[:200], "reason": error.message_key, "column": error.column}
            self.program.findings.append(
                Finding("error", process.file, ident, node.name, line or node.line, "bpmn.expression", details)
            )
            return None

    def _condition(self, process: Process, flow: Flow) -> feel.Expression | None:
        """A condition that does not compile counts as never true: its program is not run anyway."""
        return self._expression(process, flow, flow.condition)

    def _item(self, process: Process, node: Node, text: str) -> Any:
        return self._expression(process, node, text[1:].strip()) if text.startswith("=") else text

    def _list(self, process: Process, node: Node, items: tuple[str, ...]) -> tuple[Any, ...]:
        return tuple(item for item in (self._item(process, node, text) for text in items) if item)

    def _due(self, process: Process, node: Node, text: str) -> feel.Expression | None:
        if not text:
            return None
        text = text.removeprefix("=").strip()
        kind = "duration" if ISO_DURATION.fullmatch(text) else "date" if ISO_INSTANT.fullmatch(text) else ""
        return self._expression(process, node, timer_source(kind, text))


def _split(text: str) -> tuple[str, ...]:
    return tuple(split_list(text))
