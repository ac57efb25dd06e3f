"""BPMN 2.0 XML -> `Process` values, or findings that name the element that can't be run.

Every element of the BPMN namespace is either executed, known to be drawing only, or refused with its id, name and
line; nothing is dropped silently (BPMN 2.0 chapters 7, 8, 10 and 13).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from lxml import etree

from engine.feel import translate_juel

from . import xml
from .bpmn_structure import attach, structure
from .model import ACTIVITIES, EVENTS, GATEWAYS, EventText, Finding, Flow, MultiInstance, Node, Process, TimerText

MAX_NODES = 400
MAX_NESTING = 5

DRAWING_ONLY = frozenset(
    [
        "documentation",
        "extensionElements",
        "laneSet",
        "lane",
        "flowNodeRef",
        "textAnnotation",
        "association",
        "group",
        "text",
        "category",
        "categoryValue",
        "collaboration",
        "participant",
        "messageFlow",
        "incoming",
        "outgoing",
        "dataObject",
        "dataObjectReference",
        "dataStoreReference",
        "dataStore",
        "dataInputAssociation",
        "dataOutputAssociation",
        "ioSpecification",
        "property",
        "import",
        "relationship",
        "participantMultiplicity",
        "childLaneSet",
        "partitionElementRef",
    ]
)
DECLARATIONS = frozenset(["message", "signal", "error", "escalation", "itemDefinition"])
NODES = ACTIVITIES | GATEWAYS | EVENTS
EVENT_DEFINITIONS = {
    "timerEventDefinition": "timer",
    "messageEventDefinition": "message",
    "signalEventDefinition": "signal",
    "errorEventDefinition": "error",
    "escalationEventDefinition": "escalation",
    "terminateEventDefinition": "terminate",
}
ALLOWED_EVENTS = {
    "startEvent": {"none"},
    "endEvent": {"none", "terminate", "error", "escalation", "signal"},
    "intermediateThrowEvent": {"none", "signal", "escalation"},
    "intermediateCatchEvent": {"timer", "message", "signal"},
    "boundaryEvent": {"timer", "message", "signal", "error", "escalation"},
}


def read_bpmn(path: str, data: bytes) -> tuple[list[Process], list[Finding]]:
    """The processes of one file and what is wrong with it. `path` is the file's path in the bundle."""
    try:
        root = xml.parse(data)
    except xml.XmlRefused as refused:
        return [], [Finding("error", path, "", "", refused.line, refused.key, refused.details)]
    if xml.local(root) != (xml.BPMN, "definitions"):
        return [], [Finding("error", path, "", "", xml.line_of(root), "bpmn.not_bpmn")]
    reader = _Reader(path, root)
    processes = reader.read()
    return processes, reader.findings


class _Reader:
    def __init__(self, path: str, root: etree._Element) -> None:
        self.path = path
        self.root = root
        self.findings: list[Finding] = []
        self.names: dict[str, tuple[str, str]] = {}
        self.ids: dict[str, int] = {}

    def refuse(self, element: etree._Element, key: str, severity: str = "error", **details: object) -> None:
        level = "error" if severity == "error" else "warning"
        self.findings.append(
            Finding(
                level,  # type: ignore[arg-type]
                self.path,
                element.get("id") or "",
                element.get("name") or "",
                xml.line_of(element),
                key,
                details,
            )
        )

    def read(self) -> list[Process]:
        self._check_ids()
        for kind, attribute in (
            ("message", "name"),
            ("signal", "name"),
            ("error", "errorCode"),
            ("escalation", "escalationCode"),
        ):
            for declared in self.root.iterfind(f"{{{xml.BPMN}}}{kind}"):
                self.names[declared.get("id") or ""] = (kind, declared.get(attribute) or declared.get("name") or "")
        processes = []
        for element in self.root:
            namespace, tag = xml.local(element)
            if namespace != xml.BPMN or tag in DRAWING_ONLY or tag in DECLARATIONS:
                continue
            if tag == "process":
                processes.append(self._process(element, 0))
            else:
                self.refuse(element, "bpmn.unsupported", tag=tag)
        if not processes:
            self.refuse(self.root, "bpmn.no_process")
        return processes

    def _check_ids(self) -> None:
        for element in self.root.iter(f"{{{xml.BPMN}}}*"):
            ident = element.get("id")
            if ident is None:
                continue
            if ident in self.ids:
                self.refuse(element, "bpmn.duplicate_id", first_line=self.ids[ident])
            self.ids.setdefault(ident, xml.line_of(element))

    def _process(self, element: etree._Element, depth: int) -> Process:
        ident = element.get("id") or ""
        if depth > MAX_NESTING:
            self.refuse(element, "bpmn.too_deep", limit=MAX_NESTING)
            return Process(ident, "", self.path, xml.line_of(element), False, {}, {})
        lanes = {
            (ref.text or "").strip(): lane.get("name") or ""
            for lane in element.iter(f"{{{xml.BPMN}}}lane")
            for ref in lane.iterfind(f"{{{xml.BPMN}}}flowNodeRef")
        }
        flows = self._flows(element)
        nodes: dict[str, Node] = {}
        for child in element:
            namespace, tag = xml.local(child)
            if namespace != xml.BPMN or tag in DRAWING_ONLY or tag == "sequenceFlow":
                continue
            if depth and tag in ("multiInstanceLoopCharacteristics", "standardLoopCharacteristics"):
                continue
            if tag not in NODES:
                self.refuse(child, "bpmn.unsupported", tag=tag)
                continue
            node = self._node(child, tag, flows, depth)
            nodes[node.id] = replace(node, lane=lanes.get(node.id, ""))
        self.findings.extend(attach(self.path, nodes))
        self.findings.extend(structure(self.path, element.get("id") or "", xml.line_of(element), nodes, flows))
        if len(nodes) > MAX_NODES:
            self.refuse(element, "bpmn.too_many_nodes", limit=MAX_NODES, count=len(nodes))
        executable = element.get("isExecutable", "false") == "true"
        if depth == 0 and not executable and nodes:
            self.refuse(element, "bpmn.not_executable", "warning")
        return Process(
            ident,
            element.get("name") or "",
            self.path,
            xml.line_of(element),
            executable,
            nodes,
            flows,
            _properties(element),
        )

    def _flows(self, element: etree._Element) -> dict[str, Flow]:
        flows: dict[str, Flow] = {}
        for child in element.iterfind(f"{{{xml.BPMN}}}sequenceFlow"):
            condition = child.find(f"{{{xml.BPMN}}}conditionExpression")
            flows[child.get("id") or ""] = Flow(
                child.get("id") or "",
                child.get("name") or "",
                child.get("sourceRef") or "",
                child.get("targetRef") or "",
                "" if condition is None else self._expression(child, _text(condition)),
                xml.line_of(child),
            )
        return flows

    def _expression(self, element: etree._Element, text: str) -> str:
        """FEEL text of an expression: `=` dropped, Camunda's `${}` translated where both mean the same."""
        text = text.strip()
        if text.startswith(("${", "#{")):
            feel = translate_juel(text)
            if feel is None:
                self.refuse(element, "bpmn.juel", text=text)
                return "null"
            return feel
        return text[1:].strip() if text.startswith("=") else text

    def _node(self, element: etree._Element, tag: str, flows: dict[str, Flow], depth: int) -> Node:
        ident = element.get("id") or ""
        if not ident:
            self.refuse(element, "bpmn.no_id", tag=tag)
        properties = _properties(element)
        body = self._process(element, depth + 1) if tag == "subProcess" else None
        if tag == "subProcess" and element.get("triggeredByEvent") == "true":
            self.refuse(element, "bpmn.event_subprocess")
        self._unsupported_children(element, tag)
        script = element.find(f"{{{xml.BPMN}}}script")
        return Node(
            id=ident,
            kind=tag,
            name=(element.get("name") or "").strip(),
            line=xml.line_of(element),
            incoming=tuple(f.id for f in flows.values() if f.target == ident),
            outgoing=tuple(f.id for f in flows.values() if f.source == ident),
            default=element.get("default") or "",
            event=self._event(element, tag),
            attached_to=element.get("attachedToRef") or "",
            interrupting=element.get("cancelActivity", "true") == "true",
            form=_camunda(element, "formRef"),
            groups=tuple(self._group_list(element, _camunda(element, "candidateGroups"))),
            users=tuple(self._group_list(element, _camunda(element, "candidateUsers"))),
            assignee=self._maybe_expression(element, _camunda(element, "assignee")),
            due=self._maybe_expression(element, _camunda(element, "dueDate")),
            priority=self._maybe_expression(element, _camunda(element, "priority")),
            script=self._script(element, script, tag),
            result=_camunda(element, "resultVariable"),
            decision=_camunda(element, "decisionRef"),
            map_result=_camunda(element, "mapDecisionResult"),
            topic=_camunda(element, "topic"),
            called=element.get("calledElement") or "",
            multi=self._multi(element),
            body=body,
            properties=properties,
        )

    def _group_list(self, element: etree._Element, text: str) -> Iterable[str]:
        for part in split_list(text):
            yield self._maybe_expression(element, part)

    def _maybe_expression(self, element: etree._Element, text: str) -> str:
        """A literal as it is, an expression with a leading `=`."""
        if text.startswith(("${", "#{")):
            return "=" + self._expression(element, text)
        return text

    def _script(self, element: etree._Element, script: etree._Element | None, tag: str) -> str:
        if tag != "scriptTask":
            return ""
        language = (element.get("scriptFormat") or "").lower()
        if language != "feel":
            self.refuse(element, "bpmn.script_language", language=language or "-")
        if not _camunda(element, "resultVariable"):
            self.refuse(element, "bpmn.script_result")
        if script is None or not _text(script):
            self.refuse(element, "bpmn.script_empty")
            return "null"
        return self._expression(element, _text(script))

    def _event(self, element: etree._Element, tag: str) -> EventText:
        if tag == "receiveTask":
            return EventText("message", self._reference(element, element.get("messageRef"), "message"))
        if tag not in EVENTS:
            return EventText("none")
        found = []
        for child in element:
            namespace, name = xml.local(child)
            if namespace != xml.BPMN or not name.endswith("EventDefinition"):
                continue
            if name == "eventDefinitionRef" or name not in EVENT_DEFINITIONS:
                self.refuse(element, "bpmn.event_unsupported", event=name)
            else:
                found.append((EVENT_DEFINITIONS[name], child))
        if element.find(f"{{{xml.BPMN}}}eventDefinitionRef") is not None:
            self.refuse(element, "bpmn.event_reference")
        if len(found) > 1:
            self.refuse(element, "bpmn.event_multiple")
        kind, definition = found[0] if found else ("none", None)
        if kind not in ALLOWED_EVENTS[tag]:
            self.refuse(element, "bpmn.event_not_here", event=kind, tag=tag)
        if kind == "timer" and definition is not None:
            return EventText("timer", "", self._timer(element, definition))
        if kind in ("message", "signal", "error", "escalation") and definition is not None:
            reference = definition.get(f"{kind}Ref")
            optional = kind in ("error", "escalation") and tag == "boundaryEvent"
            return EventText(kind, self._reference(element, reference, kind, optional))  # type: ignore[arg-type]
        return EventText(kind)  # type: ignore[arg-type]

    def _reference(self, element: etree._Element, reference: str | None, kind: str, optional: bool = False) -> str:
        found = self.names.get(_local_name(reference or ""))
        if found is None or found[0] != kind or not found[1]:
            if not (optional and not reference):
                self.refuse(element, "bpmn.reference_missing", kind=kind, reference=reference or "-")
            return ""
        return found[1]

    def _timer(self, element: etree._Element, definition: etree._Element) -> TimerText:
        for tag, kind in (("timeDate", "date"), ("timeDuration", "duration"), ("timeCycle", "cycle")):
            child = definition.find(f"{{{xml.BPMN}}}{tag}")
            if child is not None and _text(child):
                text = self._expression(element, _text(child))
                if (
                    kind == "cycle"
                    and element.tag.endswith("boundaryEvent")
                    and element.get("cancelActivity", "true") == "true"
                ):
                    self.refuse(element, "bpmn.cycle_interrupting")
                return TimerText(kind, text)  # type: ignore[arg-type]
        self.refuse(element, "bpmn.timer_empty")
        return TimerText("date", "null")

    def _multi(self, element: etree._Element) -> MultiInstance | None:
        loop = element.find(f"{{{xml.BPMN}}}multiInstanceLoopCharacteristics")
        if element.find(f"{{{xml.BPMN}}}standardLoopCharacteristics") is not None:
            self.refuse(element, "bpmn.unsupported", tag="standardLoopCharacteristics")
        if loop is None:
            return None
        if loop.get("behavior", "All") != "All":
            self.refuse(element, "bpmn.multi_behavior", behavior=loop.get("behavior"))
        cardinality = loop.find(f"{{{xml.BPMN}}}loopCardinality")
        completion = loop.find(f"{{{xml.BPMN}}}completionCondition")
        collection = _camunda(loop, "collection")
        if loop.find(f"{{{xml.BPMN}}}loopDataInputRef") is not None:
            self.refuse(element, "bpmn.multi_data_ref")
        if not collection and cardinality is None:
            self.refuse(element, "bpmn.multi_empty")
        return MultiInstance(
            loop.get("isSequential", "false") == "true",
            self._expression(element, collection),
            "" if cardinality is None else self._expression(element, _text(cardinality)),
            _camunda(loop, "elementVariable"),
            "" if completion is None else self._expression(element, _text(completion)),
        )

    def _unsupported_children(self, element: etree._Element, tag: str) -> None:
        for attribute, plain in (("isForCompensation", "false"), ("startQuantity", "1"), ("completionQuantity", "1")):
            if element.get(attribute, plain) != plain:
                self.refuse(element, "bpmn.attribute", attribute=attribute, value=element.get(attribute))
        if tag == "callActivity" and not element.get("calledElement"):
            self.refuse(element, "bpmn.call_empty")
        if tag == "businessRuleTask" and not (_camunda(element, "decisionRef") and _camunda(element, "resultVariable")):
            self.refuse(element, "bpmn.decision_empty")
        if tag in ("serviceTask", "sendTask") and not _camunda(element, "topic"):
            self.refuse(element, "bpmn.service_topic")
        if tag == "eventBasedGateway" and element.get("instantiate", "false") == "true":
            self.refuse(element, "bpmn.attribute", attribute="instantiate", value="true")


def split_list(text: str) -> list[str]:
    """`a, =f(x, y), b` -> its items: commas inside brackets or quotes belong to an item."""
    items, depth, quoted, current = [], 0, False, ""
    for char in text:
        if char == '"':
            quoted = not quoted
        elif not quoted and char in "([{":
            depth += 1
        elif not quoted and char in ")]}":
            depth -= 1
        if char == "," and depth == 0 and not quoted:
            items.append(current.strip())
            current = ""
        else:
            current += char
    items.append(current.strip())
    return [item for item in items if item]


def _text(element: etree._Element) -> str:
    return "".join(str(t) for t in element.itertext()).strip()


def _local_name(reference: str) -> str:
    return reference.rsplit(":", 1)[-1]


def _camunda(element: etree._Element, name: str) -> str:
    return (element.get(f"{{{xml.CAMUNDA}}}{name}") or "").strip()


def _properties(element: etree._Element) -> dict[str, str]:
    path = f"{{{xml.BPMN}}}extensionElements/{{{xml.CAMUNDA}}}properties/{{{xml.CAMUNDA}}}property"
    return {p.get("name") or "": (p.get("value") or "").strip() for p in element.iterfind(path)}
