"""BPMN 2.0 XML -> `Process` values, or findings that name the element that can't be run.

Every element of the BPMN namespace is executed, rewritten to what means the same, known to be drawing only, or refused
with its id, name and line; nothing is dropped silently (BPMN 2.0 chapters 7, 8, 10 and 13). docs/modeling.md has the
table.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace

from lxml import etree

from . import bpmn_activities as activities
from . import bpmn_rewrite as rewrite
from . import xml
from .bpmn_data import mappings
from .bpmn_events import read_events
from .bpmn_reading import Reading, child, children, flag, local_name
from .bpmn_structure import attach, structure
from .bpmn_tags import DECLARATIONS, DRAWING, IN_COLLABORATION, NODES
from .bpmn_text import split_list, text_of
from .bpmn_vendor import attribute, properties, unread
from .model import ACTIVITIES, EventText, Finding, Flow, Node, Process

__all__ = ["MAX_NESTING", "MAX_NODES", "read_bpmn", "split_list"]

MAX_NODES = 400
MAX_FLOWS = 1_000
"""What reaches what is asked for each flow of a join."""
MAX_NESTING = 10
RESERVED = re.compile(r"[/#\[\]!~\s]")
"""Marks that the names of tokens are put together with (engine.domain.ids)."""
CALL_BINDING = "calledElementBinding"
"""The one reference that may be bound by a version tag: the kernel compares it with the called process's."""
GLOBAL_TASKS = {
    "globalTask": "task",
    "globalUserTask": "userTask",
    "globalManualTask": "manualTask",
    "globalScriptTask": "scriptTask",
    "globalBusinessRuleTask": "businessRuleTask",
}
CONTAINERS = frozenset(["subProcess", "transaction"])


def read_bpmn(path: str, data: bytes) -> tuple[list[Process], list[Finding]]:
    """The processes of one file and what is wrong with it. `path` is the file's path in the bundle."""
    try:
        root = xml.parse(data)
    except xml.XmlRefused as refused:
        return [], [Finding("error", path, "", "", refused.line, refused.key, refused.details)]
    if xml.local(root) != (xml.BPMN, "definitions"):
        element = root.get("id") or xml.local(root)[1]
        return [], [Finding("error", path, element, "", xml.line_of(root), "bpmn.not_bpmn")]
    reader = _Reader(Reading(path, root))
    processes = reader.read()
    return processes, reader.reading.findings


@dataclass(slots=True)
class _Scope:
    """A process or sub-process under construction."""

    nodes: dict[str, Node] = field(default_factory=dict)
    flows: dict[str, Flow] = field(default_factory=dict)
    triggers: dict[str, list[EventText]] = field(default_factory=dict)
    parallel: set[str] = field(default_factory=set)


class _Reader:
    def __init__(self, reading: Reading) -> None:
        self.reading = reading
        self.path = reading.path
        self.refuse = reading.refuse
        self.associations: list[tuple[str, str]] = []

    def read(self) -> list[Process]:
        root = self.reading.root
        self.reading.read_declarations()
        for one in root.iter(f"{{{xml.BPMN}}}association"):
            self.associations.append((local_name(one.get("sourceRef") or ""), local_name(one.get("targetRef") or "")))
        processes = []
        for element in root:
            namespace, tag = xml.local(element)
            if namespace != xml.BPMN or tag in DRAWING:
                continue
            if tag == "process":
                processes.append(self._process(element, 0))
            elif tag == "collaboration":
                self._collaboration(element)
            elif tag not in DECLARATIONS:
                self.refuse(element, "bpmn.unsupported", tag=tag)
        if not any(process.nodes for process in processes) and not self.reading.findings:
            self.refuse(root, "bpmn.no_process")
        return processes

    def _collaboration(self, element: etree._Element) -> None:
        for one in element:
            namespace, tag = xml.local(one)
            if namespace != xml.BPMN or tag in DRAWING or tag in IN_COLLABORATION:
                continue
            if tag == "correlationKey":
                self.refuse(one, "bpmn.correlation_key", "warning")
            else:
                self.refuse(one, "bpmn.unsupported", tag=tag)

    def _process(self, element: etree._Element, depth: int, event_driven: bool = False) -> Process:
        ident = element.get("id") or ""
        if not ident:
            self.refuse(element, "bpmn.no_id", tag=xml.local(element)[1])
        if depth > MAX_NESTING:
            self.refuse(element, "bpmn.too_deep", limit=MAX_NESTING)
            return Process(ident, "", self.path, xml.line_of(element), False, {}, {})
        if self._too_large(element):
            return Process(ident, element.get("name") or "", self.path, xml.line_of(element), False, {}, {})
        scope = _Scope(flows=self._flows(element))
        self._nodes(element, scope, depth, event_driven)
        self._rewrite(scope)
        self._connect(scope)
        self.reading.findings.extend(attach(self.path, scope.nodes))
        self.reading.findings.extend(
            structure(self.path, element, scope.nodes, scope.flows, nested=depth > 0, event_driven=event_driven)
        )
        executable = flag(element, "isExecutable")
        if depth == 0 and not executable and scope.nodes:
            self.refuse(element, "bpmn.not_executable", "warning")
        if depth == 0:
            self._extensions(element)
        return Process(
            ident,
            element.get("name") or "",
            self.path,
            xml.line_of(element),
            executable,
            scope.nodes,
            scope.flows,
            properties(element),
            self.reading.participants.get(ident, ""),
            self.reading.flows,
            attribute(element, "versionTag"),
        )

    def _too_large(self, element: etree._Element) -> bool:
        """Refuses a scope that is no diagram any more, before it is read."""
        tags = Counter(xml.local(one)[1] for one in element)
        nodes = sum(tags[tag] for tag in NODES)
        if nodes > MAX_NODES:
            self.refuse(element, "bpmn.too_many_nodes", limit=MAX_NODES, count=nodes)
        elif tags["sequenceFlow"] > MAX_FLOWS:
            self.refuse(element, "bpmn.too_many_flows", limit=MAX_FLOWS, count=tags["sequenceFlow"])
        return nodes > MAX_NODES or tags["sequenceFlow"] > MAX_FLOWS

    def _nodes(self, element: etree._Element, scope: _Scope, depth: int, event_driven: bool) -> None:
        lanes = {
            text_of(ref): lane.get("name") or ""
            for lane in element.iter(f"{{{xml.BPMN}}}lane")
            for ref in children(lane, "flowNodeRef")
        }
        for one in element:
            namespace, tag = xml.local(one)
            if namespace != xml.BPMN or tag in DRAWING or tag == "sequenceFlow":
                continue
            if depth and tag in ("multiInstanceLoopCharacteristics", "standardLoopCharacteristics"):
                continue
            if depth and tag in ("dataInputAssociation", "dataOutputAssociation"):
                continue
            if tag == "complexGateway":
                tag = self._complex(one)
            if tag not in NODES:
                self.refuse(one, "bpmn.unsupported", tag=tag)
                continue
            node = self._node(one, tag, scope, depth, event_driven)
            if node.id:
                scope.nodes[node.id] = replace(node, lane=lanes.get(node.id, ""))

    def _complex(self, element: etree._Element) -> str:
        """A complex gateway that only splits is an inclusive one (BPMN 13.4.5)."""
        scope = element.getparent()
        flows = [] if scope is None else children(scope, "sequenceFlow")
        joins = sum(local_name(flow.get("targetRef") or "") == element.get("id") for flow in flows)
        return "complexGateway" if joins > 1 else "inclusiveGateway"

    def _flows(self, element: etree._Element) -> dict[str, Flow]:
        flows: dict[str, Flow] = {}
        for number, one in enumerate(children(element, "sequenceFlow"), 1):
            ident = one.get("id") or f"~flow{number}"
            flows[ident] = Flow(
                ident,
                one.get("name") or "",
                local_name(one.get("sourceRef") or ""),
                local_name(one.get("targetRef") or ""),
                self.reading.formal(one, child(one, "conditionExpression")),
                xml.line_of(one),
            )
            self._extensions(one)
        return flows

    def _rewrite(self, scope: _Scope) -> None:
        found = self.reading.findings
        found.extend(rewrite.several_triggers(self.path, scope.nodes, scope.flows, scope.triggers, scope.parallel))
        found.extend(rewrite.links(self.path, scope.nodes, scope.flows))
        found.extend(rewrite.compensations(self.path, scope.nodes, self.associations))

    def _connect(self, scope: _Scope) -> None:
        """Notes at each node the flows that come in and go out, in drawn order."""
        incoming: dict[str, list[str]] = defaultdict(list)
        outgoing: dict[str, list[str]] = defaultdict(list)
        for flow in scope.flows.values():
            incoming[flow.target].append(flow.id)
            outgoing[flow.source].append(flow.id)
        for ident, node in scope.nodes.items():
            scope.nodes[ident] = replace(node, incoming=tuple(incoming[ident]), outgoing=tuple(outgoing[ident]))

    def _node(self, element: etree._Element, tag: str, scope: _Scope, depth: int, event_driven: bool) -> Node:
        reading = self.reading
        ident = element.get("id") or ""
        what = self._global_task(element) if tag == "callActivity" else None
        if what is not None:
            tag = GLOBAL_TASKS[xml.local(what)[1]]
        source = element if what is None else what
        if not ident:
            self.refuse(element, "bpmn.no_id", tag=tag)
        elif RESERVED.search(ident):
            self.refuse(element, "bpmn.bad_id")
        triggered = flag(element, "triggeredByEvent")
        body = self._process(element, depth + 1, triggered) if tag in CONTAINERS else None
        events = read_events(reading, element, tag, event_driven)
        if len(events) > 1:
            scope.triggers[ident] = events
            if flag(element, "parallelMultiple"):
                scope.parallel.add(ident)
        self._attributes(element, tag)
        self._extensions(element)
        loop, multi = activities.loops(reading, element) if tag in ACTIVITIES else (None, None)
        inputs, outputs, isolated = mappings(reading, element) if tag in ACTIVITIES else ((), (), False)
        script, result = activities.script(reading, source) if tag == "scriptTask" else ("", "")
        decision = ""
        if tag == "businessRuleTask":
            decision, result = activities.decision(source)
        interrupts = "isInterrupting" if tag == "startEvent" else "cancelActivity"
        return Node(
            id=ident,
            kind=tag,
            name=(element.get("name") or "").strip(),
            line=xml.line_of(element),
            default=local_name(element.get("default") or ""),
            event=events[0],
            attached_to=local_name(element.get("attachedToRef") or ""),
            interrupting=flag(element, interrupts, True),
            form=activities.form(reading, source) if tag in ("userTask", "startEvent") else "",
            script=script,
            result=result,
            decision=decision,
            map_result=attribute(element, "mapDecisionResult"),
            topic=activities.topic(element) if tag in ("serviceTask", "sendTask", "businessRuleTask") else "",
            instantiate=flag(element, "instantiate"),
            activation=reading.formal(element, child(element, "activationCondition")),
            implementation=activities.implementation(source),
            called=activities.called(reading, element) if tag == "callActivity" else "",
            version_tag=attribute(element, "calledElementVersionTag") if tag == "callActivity" else "",
            multi=multi,
            loop=loop,
            body=body,
            properties=properties(element),
            triggered=triggered and tag in CONTAINERS,
            for_compensation=flag(element, "isForCompensation"),
            inputs=inputs,
            outputs=outputs,
            isolated=isolated,
            **(activities.people(reading, source) if tag == "userTask" else {}),
        )

    def _global_task(self, element: etree._Element) -> etree._Element | None:
        """The global task of the file that a call activity calls: it is that task under the call's own id."""
        found = self.reading.ids.get(local_name(element.get("calledElement") or ""))
        return found if found is not None and xml.local(found)[1] in GLOBAL_TASKS else None

    def _attributes(self, element: etree._Element, tag: str) -> None:
        for name in ("startQuantity", "completionQuantity"):
            if element.get(name, "1") != "1":
                self.refuse(element, "bpmn.attribute", attribute=name, value=element.get(name))
        for name in (CALL_BINDING, "decisionRefBinding", "formRefBinding"):
            if attribute(element, name) == "version" or (
                name != CALL_BINDING and attribute(element, name) == "versionTag"
            ):
                self.refuse(element, "bpmn.binding", binding=attribute(element, name))
        if tag == "eventBasedGateway" and element.get("eventGatewayType", "Exclusive") != "Exclusive":
            self.refuse(element, "bpmn.attribute", attribute="eventGatewayType", value=element.get("eventGatewayType"))
        if tag == "userTask" and (fields := list(activities.form_fields(element))):
            self.refuse(element, "bpmn.form_fields", fields=", ".join(fields)[:200])
        for one in element:
            namespace, name = xml.local(one)
            if namespace == xml.BPMN and name == "correlationSubscription":
                self.refuse(element, "bpmn.unsupported", tag=name)
        if tag == "complexGateway" and not text_of(child(element, "activationCondition")):
            self.refuse(element, "bpmn.activation_empty")

    def _extensions(self, element: etree._Element) -> None:
        for severity, what in unread(element):
            if severity == "error":
                self.refuse(element, "bpmn.extension_error", what=what)
            else:
                self.refuse(element, "bpmn.extension_warning", "warning", what=what)
