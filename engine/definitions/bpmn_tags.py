"""Every element of the BPMN namespace: what is run, what only draws or documents, what declares (BPMN 2.0, 7 to 13)."""

from __future__ import annotations

from .model import ACTIVITIES, EVENTS, GATEWAYS

NODES = ACTIVITIES | GATEWAYS | EVENTS

DRAWING = frozenset(
    (
        "documentation", "extensionElements", "laneSet", "lane", "childLaneSet", "flowNodeRef", "partitionElement",
        "partitionElementRef", "textAnnotation", "text", "association", "group", "category", "categoryValue",
        "incoming", "outgoing", "import", "extension", "relationship", "auditing", "monitoring", "dataState",
        "itemDefinition", "dataStore", "dataStoreReference", "dataObject", "dataObjectReference", "property",
        "ioSpecification", "ioBinding", "interface", "operation", "endPoint", "resource", "resourceParameter",
        "partnerEntity", "partnerRole", "supportedInterfaceRef", "supports", "performer", "resourceRole",
        "potentialOwner", "humanPerformer", "rendering", "dataInput", "dataOutput", "categoryValueRef",
        "definitionalCollaborationRef", "laneSetRef", "globalTask", "globalUserTask", "globalManualTask",
        "globalScriptTask", "globalBusinessRuleTask", "globalConversation", "correlationProperty",
    )
)  # fmt: skip
"""No token depends on them, or the element that holds them reads them itself."""

DECLARATIONS = frozenset(
    (
        "message", "signal", "error", "escalation", "collaboration", "timerEventDefinition", "messageEventDefinition",
        "signalEventDefinition", "errorEventDefinition", "escalationEventDefinition", "conditionalEventDefinition",
        "compensateEventDefinition", "cancelEventDefinition", "terminateEventDefinition", "linkEventDefinition",
    )
)  # fmt: skip
"""Root elements that events refer to."""

IN_COLLABORATION = frozenset(
    (
        "participant", "messageFlow", "conversation", "subConversation", "callConversation", "conversationLink",
        "conversationAssociation", "participantAssociation", "messageFlowAssociation", "choreographyRef",
        "conversationNode",
    )
)  # fmt: skip
"""Pools and the flows between them; what talks about talks has no token of its own."""

EVENT_KINDS = {
    "timerEventDefinition": "timer",
    "messageEventDefinition": "message",
    "signalEventDefinition": "signal",
    "errorEventDefinition": "error",
    "escalationEventDefinition": "escalation",
    "terminateEventDefinition": "terminate",
    "conditionalEventDefinition": "conditional",
    "linkEventDefinition": "link",
    "compensateEventDefinition": "compensate",
    "cancelEventDefinition": "cancel",
}

ALLOWED_EVENTS = {
    "startEvent": frozenset(["none", "timer", "message", "signal", "conditional"]),
    "endEvent": frozenset(["none", "terminate", "error", "escalation", "signal", "message", "compensate", "cancel"]),
    "intermediateThrowEvent": frozenset(["none", "signal", "escalation", "message", "compensate", "link"]),
    "intermediateCatchEvent": frozenset(["timer", "message", "signal", "conditional", "link"]),
    "boundaryEvent": frozenset(
        ["timer", "message", "signal", "conditional", "error", "escalation", "compensate", "cancel"]
    ),
}
"""BPMN 10.5, table 10.93: which trigger may stand where."""

EVENT_SUBPROCESS_STARTS = frozenset(["timer", "message", "signal", "conditional", "error", "escalation", "compensate"])
