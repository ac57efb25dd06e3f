"""`Process` values -> SpiffWorkflow specs, once per bundle; every expression is compiled here or refused by element."""

from __future__ import annotations

from engine.definitions.bundle import Bundle
from engine.definitions.model import Node, Process

from .activities import DecisionSpec, PlayedSpec, ScriptSpec, ServiceSpec, UserTaskSpec
from .complex import ComplexSpec
from .filling import Filling
from .instances import LoopSpec, MultiInstanceSpec, Repeated
from .joins import InclusiveSpec, ParallelSpec
from .program import ProcessSpec, Program
from .reach import receivable, started_by, upstream
from .scopes import ParticipantSpec, SubProcessSpec
from .specs import ExclusiveSpec, NodeSpec
from .throws import EndSpec, ThrowSpec
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


def compile_bundle(bundle: Bundle, played: bool = False) -> Program:
    """All processes of a bundle. Expressions that don't compile are findings; a program with errors isn't run."""
    return _Compiler(bundle, played).compile()


class _Compiler:
    def __init__(self, bundle: Bundle, played: bool) -> None:
        self.bundle = bundle
        self.program = Program(played=played)
        self.filling = Filling(bundle, self.program)

    def compile(self) -> Program:
        program, processes = self.program, self.bundle.processes
        for process in processes.values():
            self._process(process, process.id, process.entries)
        for process in processes.values():
            program.received[process.id] = receivable(processes, process)
            begun: set[str] = set()
            for kind in ("message", "signal"):
                found = program.starters[process.id, kind] = started_by(processes, process, kind)
                begun.update(pool for started in found.values() for pool, _ in started)
            for other in sorted(begun):
                self._participant(program.specs[process.id], processes[other])
        return program

    def _participant(self, spec: ProcessSpec, other: Process) -> None:
        node = Node(other.id, "participant", other.name, other.line)
        made = ParticipantSpec(spec, node, f"{other.id} [pool]")
        made.called = other.id
        spec.participants[other.id] = made

    def _process(self, process: Process, name: str, entries: list[Node]) -> None:
        spec = ProcessSpec(process, name)
        self.program.specs[name] = spec
        spec.nodes = {node.id: self._node(process, node, spec, name) for node in process.nodes.values()}
        for node in process.nodes.values():
            self._connect(process, node, spec.nodes, spec)
        spec.entries = [spec.nodes[node.id] for node in entries]
        spec.starts = [spec.nodes[n.id] for n in process.nodes.values() if n.kind == "startEvent" or n.instantiate]
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
        self.filling.fill(process, start, watcher, name)
        spec.watching.append(watcher)

    def _node(self, process: Process, node: Node, spec: ProcessSpec, name: str) -> NodeSpec:
        if node.body is not None:
            trigger = [node.body.trigger] if node.body.trigger is not None else []
            entries = trigger if node.triggered else node.body.entries
            self._process(node.body, f"{name}/{node.id}", entries)
        kind = self._kind(process, node)
        if node.multi is None and node.loop is None:
            made = kind(spec, node)
            self.filling.fill(process, node, made, name)
            return made
        inner = kind(spec, node, f"{node.id} [instance]")
        made = self._repeated(process, node, spec)
        inner.instance_of = made
        made.inner = inner
        self.filling.fill(process, node, inner, name)
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
            loop.condition = self.filling.expression(process, node, node.loop.condition)
            return loop
        assert node.multi is not None
        made = MultiInstanceSpec(spec, node)
        made.collection = self.filling.expression(process, node, node.multi.collection)
        made.cardinality = self.filling.expression(process, node, node.multi.cardinality)
        made.completion = self.filling.expression(process, node, node.multi.completion)
        made.output_item = self.filling.expression(process, node, node.multi.output_item.removeprefix("="))
        return made

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
                made.flows.append((ident, self.filling.expression(process, flow, flow.condition), specs[flow.target]))
        made.boundary = [specs[b] for b in node.boundary]
        if node.compensation:
            made.handler_spec = specs.get(node.compensation)
            if isinstance(made, Repeated):
                made.inner.handler_spec = made.handler_spec
        if isinstance(made, InclusiveSpec) and len(node.incoming) > 1:
            made.upstream = {f: upstream(process, node.id, f) for f in node.incoming}
            spec.inclusive_joins.append(made)
