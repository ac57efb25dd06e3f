"""A diagram with every kind of element that the modeler draws, for looking at all its words."""

from __future__ import annotations

from tests.roundtrip.foreign import DRAWING, MODEL

TASKS = ("task", "userTask", "manualTask", "scriptTask", "serviceTask", "sendTask", "receiveTask", "businessRuleTask")
ACTIVITIES = (*TASKS, "callActivity", "subProcess", "transaction", "adHocSubProcess")
GATEWAYS = ("exclusiveGateway", "parallelGateway", "inclusiveGateway", "eventBasedGateway", "complexGateway")
EVENTS = {
    "startEvent": ("", "message", "timer", "signal", "conditional"),
    "intermediateCatchEvent": ("message", "timer", "signal", "conditional", "link"),
    "intermediateThrowEvent": ("", "message", "signal", "escalation", "link", "compensate"),
    "endEvent": ("", "message", "signal", "error", "escalation", "compensate", "cancel", "terminate"),
    "boundaryEvent": ("message", "timer", "signal", "conditional", "error", "escalation", "compensate", "cancel"),
}
DATA = ("dataObjectReference", "dataStoreReference", "textAnnotation", "group")


def everything() -> str:
    """The document: all in one row, boundary events on a task, a flow with a condition and a default flow."""
    nodes, shapes = [], []

    def add(ident: str, markup: str, size: str = 'width="100" height="80"') -> None:
        nodes.append(markup)
        shapes.append(
            f'<bpmndi:BPMNShape id="{ident}_di" bpmnElement="{ident}" isExpanded="true">'
            f'<dc:Bounds x="{len(shapes) * 180}" y="100" {size}/></bpmndi:BPMNShape>'
        )

    for kind in (*ACTIVITIES, *GATEWAYS):
        add(f"A_{kind}", f'<{kind} id="A_{kind}" name="{kind}"/>')
    for kind, triggers in EVENTS.items():
        for trigger in triggers:
            ident = f"E_{kind}_{trigger}"
            inside = f'<{trigger}EventDefinition id="{ident}_d"/>' if trigger else ""
            host = ' attachedToRef="A_userTask"' if kind == "boundaryEvent" else ""
            add(ident, f'<{kind} id="{ident}"{host}>{inside}</{kind}>', 'width="36" height="36"')
    add("M", '<userTask id="M"><multiInstanceLoopCharacteristics id="m"/></userTask>')
    for kind in DATA:
        inside = "<text>a</text>" if kind == "textAnnotation" else ""
        add(f"D_{kind}", f'<{kind} id="D_{kind}">{inside}</{kind}>')
    edges = "".join(
        f'<bpmndi:BPMNEdge id="{flow}_di" bpmnElement="{flow}"><di:waypoint x="0" y="{y}"/>'
        f'<di:waypoint x="90" y="{y}"/></bpmndi:BPMNEdge>'
        for flow, y in (("F1", 300), ("F2", 330))
    )
    gateway = 'sourceRef="A_exclusiveGateway" targetRef="A_userTask"'
    flows = (
        f'<sequenceFlow id="F1" {gateway}><conditionExpression>a</conditionExpression></sequenceFlow>'
        f'<sequenceFlow id="F2" {gateway}/>'
    )
    process = "".join(nodes).replace('id="A_exclusiveGateway"', 'id="A_exclusiveGateway" default="F2"')
    picture = f'<bpmndi:BPMNPlane id="L" bpmnElement="P">{"".join(shapes)}{edges}</bpmndi:BPMNPlane>'
    return (
        f'<definitions xmlns="{MODEL}" {DRAWING} id="D" targetNamespace="t"><process id="P">{process}{flows}</process>'
        f'<bpmndi:BPMNDiagram id="B">{picture}</bpmndi:BPMNDiagram></definitions>'
    )
