"""The BPMN file of a diagram."""

from __future__ import annotations

from xml.sax.saxutils import escape, quoteattr

from tests.support.diagrams import HEAD

from .diagram import Diagram, Event, Graph, Node

NAMED = {"message": ("message", "name"), "signal": ("signal", "name"), "error": ("error", "errorCode"),
         "escalation": ("escalation", "escalationCode")}  # fmt: skip


def reference(kind: str, name: str) -> str:
    return f"{kind[:2]}_{name}"


def xml(diagram: Diagram) -> bytes:
    """The file: declarations of all that events name, the pools if there are several, the processes."""
    parts = [HEAD]
    found: dict[tuple[str, str], None] = {}
    for _, node in diagram.walk():
        if node.event.name and node.event.kind in NAMED:
            found[node.event.kind, node.event.name] = None
        if node.kind in ("receiveTask", "sendTask"):
            found["message", node.event.name] = None
    for kind, name in found:
        tag, attribute = NAMED[kind]
        parts.append(f'<bpmn:{tag} id="{reference(kind, name)}" {attribute}="{name}"/>\n')
    if diagram.pools:
        pools = "".join(f'<bpmn:participant id="pool_{p}" processRef="{p}"/>' for p in ("p", *diagram.pools))
        parts.append(f'<bpmn:collaboration id="all">{pools}</bpmn:collaboration>\n')
    for ident, graph in diagram.processes.items():
        parts.append(f'<bpmn:process id="{ident}" isExecutable="true">\n{body(graph)}</bpmn:process>\n')
    parts.append("</bpmn:definitions>\n")
    return "".join(parts).encode()


def body(graph: Graph) -> str:
    lines = [element(node) for node in graph.nodes.values()]
    for flow in graph.flows.values():
        inner = ""
        if flow.condition is not None:
            inner = f"<bpmn:conditionExpression>{escape(flow.condition.text)}</bpmn:conditionExpression>"
        lines.append(
            f'<bpmn:sequenceFlow id="{flow.id}" sourceRef="{flow.source}" targetRef="{flow.target}">'
            f"{inner}</bpmn:sequenceFlow>"
        )
    for node in graph.nodes.values():
        if node.handler:
            lines.append(
                f'<bpmn:association id="as_{node.id}" associationDirection="One" '
                f'sourceRef="undo_{node.id}" targetRef="{node.handler}"/>'
            )
    return "\n".join(lines) + "\n"


def element(node: Node) -> str:
    values = {"id": node.id}
    inner = ""
    if node.default:
        values["default"] = node.default
    if node.kind == "boundaryEvent":
        values |= {"attachedToRef": node.attached_to, "cancelActivity": str(node.interrupting).lower()}
    if node.kind == "startEvent" and not node.interrupting:
        values["isInterrupting"] = "false"
    if node.triggered:
        values["triggeredByEvent"] = "true"
    if node.undoes:
        values["isForCompensation"] = "true"
    if node.kind == "userTask":
        values["camunda:candidateGroups"] = "office"
    if node.kind in ("receiveTask", "sendTask"):
        values["messageRef"] = reference("message", node.event.name)
    elif node.kind != "task":
        inner += definition(node.event)
    if node.called:
        values["calledElement"] = node.called
    if node.script is not None:
        values |= {"scriptFormat": "feel", "camunda:resultVariable": node.variable}
        inner += f"<bpmn:script>{escape(node.script.text)}</bpmn:script>"
    if node.activation is not None:
        inner += f"<bpmn:activationCondition>{escape(node.activation.text)}</bpmn:activationCondition>"
    inner = repetition(node) + inner
    if node.body is not None:
        inner += "\n" + body(node.body)
    if node.multi is not None and node.multi.into:
        inner = (
            '<bpmn:extensionElements><camunda:properties><camunda:property name="collectInto" '
            f'value="{node.multi.into}"/></camunda:properties></bpmn:extensionElements>{inner}'
        )
    told = "".join(f" {name}={quoteattr(value)}" for name, value in values.items())
    text = f"<bpmn:{node.kind}{told}>{inner}</bpmn:{node.kind}>"
    if node.handler:
        text += (
            f'\n<bpmn:boundaryEvent id="undo_{node.id}" attachedToRef="{node.id}">'
            "<bpmn:compensateEventDefinition/></bpmn:boundaryEvent>"
        )
    return text


def repetition(node: Node) -> str:
    if node.multi is not None:
        multi = node.multi
        told = f' isSequential="{str(multi.sequential).lower()}"'
        inner = ""
        if multi.collection:
            told += f' camunda:collection="{multi.collection}" camunda:elementVariable="{multi.variable}"'
        else:
            inner = f"<bpmn:loopCardinality>{multi.cardinality}</bpmn:loopCardinality>"
        if multi.completion is not None:
            inner += f"<bpmn:completionCondition>{escape(multi.completion.text)}</bpmn:completionCondition>"
        return f"<bpmn:multiInstanceLoopCharacteristics{told}>{inner}</bpmn:multiInstanceLoopCharacteristics>"
    if node.loop is not None:
        told = f' testBefore="{str(node.loop.before).lower()}"'
        if node.loop.maximum:
            told += f' loopMaximum="{node.loop.maximum}"'
        condition = f"<bpmn:loopCondition>{escape(node.loop.condition.text)}</bpmn:loopCondition>"
        return f"<bpmn:standardLoopCharacteristics{told}>{condition}</bpmn:standardLoopCharacteristics>"
    return ""


def definition(event: Event) -> str:
    """The event definition element of an event, "" for none."""
    kind = event.kind
    if kind == "none":
        return ""
    if kind == "timer":
        assert event.timer is not None
        tag = {"date": "timeDate", "duration": "timeDuration", "cycle": "timeCycle"}[event.timer.kind]
        return f"<bpmn:timerEventDefinition><bpmn:{tag}>{event.timer.text}</bpmn:{tag}></bpmn:timerEventDefinition>"
    if kind == "conditional":
        assert event.condition is not None
        text = escape(event.condition.text)
        inner = f"<bpmn:condition>{text}</bpmn:condition>"
        return f"<bpmn:conditionalEventDefinition>{inner}</bpmn:conditionalEventDefinition>"
    if kind == "compensate":
        told = f' activityRef="{event.activity}"' if event.activity else ""
        return f"<bpmn:compensateEventDefinition{told}/>"
    if kind == "link":
        return f'<bpmn:linkEventDefinition name="{event.name}"/>'
    told = f' {kind}Ref="{reference(kind, event.name)}"' if event.name else ""
    return f"<bpmn:{kind}EventDefinition{told}/>"
