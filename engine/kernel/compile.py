"""`Process` values -> SpiffWorkflow specs, once per bundle; every expression is compiled here or refused by element."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from SpiffWorkflow.specs.WorkflowSpec import WorkflowSpec

from engine import feel
from engine.definitions.bpmn import split_list
from engine.definitions.bundle import Bundle
from engine.definitions.model import Finding, Node, Process

from .activities import DecisionSpec, MultiInstanceSpec, ScriptSpec, ServiceSpec, UserTaskSpec
from .specs import EndSpec, ExclusiveSpec, InclusiveSpec, NodeSpec, ParallelSpec, RootSpec, SubProcessSpec, ThrowSpec
from .timers import ISO_DURATION, ISO_INSTANT, compile_timer, timer_source
from .topics import TOPICS
from .waiting import BoundarySpec, CatchSpec, EventGatewaySpec

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
    "callActivity": SubProcessSpec,
    "exclusiveGateway": ExclusiveSpec,
    "parallelGateway": ParallelSpec,
    "inclusiveGateway": InclusiveSpec,
    "eventBasedGateway": EventGatewaySpec,
}


class ProcessSpec(WorkflowSpec):
    """One process or sub-process body as SpiffWorkflow knows it."""

    def __init__(self, process: Process, name: str) -> None:
        super().__init__(name=name)
        self.process = process
        self.start = RootSpec(self, "Start")
        self.data_objects: dict[str, Any] = {}
        self.correlation_keys: dict[str, Any] = {}
        self.inclusive_joins: list[InclusiveSpec] = []


@dataclass(slots=True)
class Program:
    """A compiled bundle. `specs`: by process id, bodies of embedded sub-processes as `process/element`."""

    specs: dict[str, ProcessSpec] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)


def compile_bundle(bundle: Bundle) -> Program:
    """All processes of a bundle. Expressions that don't compile are findings; a program with errors isn't run."""
    return _Compiler(bundle).compile()


class _Compiler:
    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle
        self.program = Program()

    def compile(self) -> Program:
        for process in self.bundle.processes.values():
            self._process(process, process.id)
        return self.program

    def refuse(self, process: Process, node: Node, key: str, **details: object) -> None:
        self.program.findings.append(Finding("error", process.file, node.id, node.name, node.line, key, details))

    def _process(self, process: Process, name: str) -> None:
        spec = ProcessSpec(process, name)
        self.program.specs[name] = spec
        if sum(node.kind == "startEvent" for node in process.nodes.values()) != 1:
            return
        outer = {node.id: self._node(process, node, spec, name) for node in process.nodes.values()}
        for node in process.nodes.values():
            self._connect(process, node, outer, spec)
        spec.start.connect(outer[process.start.id])

    def _node(self, process: Process, node: Node, spec: ProcessSpec, name: str) -> NodeSpec:
        if node.body is not None:
            self._process(node.body, f"{name}/{node.id}")
        if node.multi is None:
            made = SPECS[node.kind](spec, node)
            self._fill(process, node, made, name)
            return made
        made = MultiInstanceSpec(spec, node)
        inner = SPECS[node.kind](spec, node, f"{node.id} [instance]")
        inner.instance_of = made
        made.inner = inner
        made.collection = self._expression(process, node, node.multi.collection)
        made.cardinality = self._expression(process, node, node.multi.cardinality)
        made.completion = self._expression(process, node, node.multi.completion)
        self._fill(process, node, inner, name)
        return made

    def _fill(self, process: Process, node: Node, made: NodeSpec, name: str) -> None:
        """Compiles what belongs to the kind of element."""
        if isinstance(made, SubProcessSpec):
            made.called = node.called or f"{name}/{node.id}"
            if node.called and node.called not in self.bundle.processes:
                self.refuse(process, node, "bpmn.call_unknown", called=node.called)
        elif isinstance(made, UserTaskSpec):
            made.groups = self._list(
                process, node, (*node.groups, *(f"user:{u}" if not u.startswith("=") else u for u in node.users))
            )
            made.assignee = self._item(process, node, node.assignee)
            made.due = self._due(process, node, node.due)
            made.priority = self._expression(process, node, node.priority.removeprefix("=")) if node.priority else None
            made.unit = self._expression(process, node, node.properties.get("unit", "").removeprefix("="))
            if node.form and node.form not in self.bundle.forms:
                self.refuse(process, node, "bpmn.form_unknown", form=node.form)
            if not (node.groups or node.users or node.assignee):
                self.refuse(process, node, "bpmn.nobody")
        elif isinstance(made, ScriptSpec):
            made.script = self._expression(process, node, node.script) or feel.compile_expression("null")
        elif isinstance(made, DecisionSpec):
            if node.decision and not self.bundle.has_decision(node.decision):
                self.refuse(process, node, "bpmn.decision_unknown", decision=node.decision)
        elif isinstance(made, ServiceSpec):
            if node.topic not in TOPICS:
                self.refuse(process, node, "bpmn.topic_unknown", topic=node.topic, known=", ".join(sorted(TOPICS)))
            made.to = self._list(process, node, _split(node.properties.get("to", "")))
            made.requires = self._expression(process, node, node.properties.get("requires", "").removeprefix("="))
        elif isinstance(made, CatchSpec | BoundarySpec):
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
            if form and form not in self.bundle.forms:
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
                made.flows.append(
                    (ident, self._expression(process, node, flow.condition, flow.line), specs[flow.target])
                )
        made.boundary = [specs[b] for b in node.boundary]
        if isinstance(made, InclusiveSpec) and len(node.incoming) > 1:
            made.upstream = {f: _upstream(process, node.id, f) for f in node.incoming}
            spec.inclusive_joins.append(made)

    def _expression(self, process: Process, node: Node, text: str, line: int = 0) -> feel.Expression | None:
        if not text:
            return None
        try:
            return feel.compile_expression(text)
        except feel.FeelSyntaxError as error:
            self.program.findings.append(
                Finding(
                    "error",
                    process.file,
                    node.id,
                    node.name,
                    line or node.line,
                    "bpmn.expression",
                    {"text": text[:200], "reason": error.message_key, "column": error.column},
                )
            )
            return None

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


def _upstream(process: Process, gateway: str, flow: str) -> frozenset[str]:
    """Elements from which `flow` can be reached without passing `gateway`; boundary events are reached from hosts."""
    seen: set[str] = set()
    todo = [process.flows[flow].source]
    while todo:
        ident = todo.pop()
        if ident in seen or ident == gateway or ident not in process.nodes:
            continue
        seen.add(ident)
        node = process.nodes[ident]
        todo.extend(process.flows[f].source for f in node.incoming)
        if node.attached_to:
            todo.append(node.attached_to)
    return frozenset(seen)
