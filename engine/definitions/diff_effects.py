"""What a difference means for people: the limit, who does it, which way a case goes, or only how it looks."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from .diff_model import EFFECTS, Effect

_PROPERTY: Final = re.compile(r"(?:camunda|zeebe):property\[([^\]]*)\]")
PROPERTIES: Final[Mapping[str, Effect]] = {
    "clause": "regulation", "rule": "regulation", "requires": "regulation", "breach": "regulation",
    "limit": "limit", "anchor": "limit", "warnings": "limit", "due": "limit",
    "role": "people", "to": "people", "responsible": "people", "unit": "people", "recuse": "people",
    "form": "form", "action": "form", "outcome": "form",
    "collectInto": "data", "into": "data", "copy": "people",
    "stage": "text", "title": "text", "message": "text",
}  # fmt: skip
"""Entries of `camunda:property` that the kernel or the checks read (docs/modeling.md)."""

INNER: Final = frozenset({"@id", "@xsi:type", "@camunda:formRefBinding"})
NOTES: Final = ("modeler:", "@exporter", "@exporterVersion", "@targetNamespace", "@namespace", "@expressionLanguage",
                "@typeLanguage", "@xmlns")  # fmt: skip
"""What a modeler notes about itself on the root."""

STEPS: Final[tuple[tuple[Effect, frozenset[str]], ...]] = (
    ("layout", frozenset({"biodi:bounds", "biodi:edge", "biodi:waypoints", "@bioc:stroke", "@bioc:fill",
                          "@color:background-color", "@color:border-color"})),
    ("limit", frozenset({"timerEventDefinition", "timeDuration", "timeDate", "timeCycle", "@camunda:dueDate",
                         "@camunda:followUpDate", "zeebe:taskSchedule"})),
    ("people", frozenset({"@camunda:candidateGroups", "@camunda:candidateUsers", "@camunda:assignee", "@lane",
                          "potentialOwner", "humanPerformer", "performer", "resourceRole",
                          "zeebe:assignmentDefinition", "@camunda:priority",
                          "zeebe:priorityDefinition", "@camunda:candidateStarterGroups",
                          "@camunda:candidateStarterUsers"})),
    ("form", frozenset({"@camunda:formRef", "@camunda:formKey", "@camunda:formRefVersion", "camunda:formData",
                        "zeebe:formDefinition"})),
    ("decision", frozenset({"@camunda:decisionRef", "@camunda:mapDecisionResult", "zeebe:calledDecision",
                            "@camunda:decisionRefBinding", "@camunda:decisionRefVersion"})),
    ("flow", frozenset({"@sourceRef", "@targetRef", "@attachedToRef", "@default", "@cancelActivity",
                        "@isInterrupting", "@triggeredByEvent", "@calledElement", "@gatewayDirection", "@instantiate",
                        "@eventGatewayType", "@isForCompensation", "@isExecutable", "@messageRef", "@signalRef",
                        "@errorRef", "@escalationRef", "@errorCode", "@escalationCode", "@processRef", "@container",
                        "@evaluation", "@incoming", "@outgoing", "conditionExpression", "condition",
                        "multiInstanceLoopCharacteristics", "standardLoopCharacteristics", "messageEventDefinition",
                        "signalEventDefinition", "errorEventDefinition", "escalationEventDefinition",
                        "conditionalEventDefinition", "terminateEventDefinition", "compensateEventDefinition",
                        "cancelEventDefinition", "linkEventDefinition", "activationCondition",
                        "completionCondition", "@startQuantity", "@completionQuantity", "@parallelMultiple"})),
    ("data", frozenset({"script", "@scriptFormat", "@camunda:resultVariable", "camunda:inputOutput", "camunda:in",
                        "camunda:out", "ioSpecification", "dataInputAssociation", "dataOutputAssociation",
                        "@camunda:topic", "@camunda:type", "@camunda:class", "@camunda:expression",
                        "@camunda:delegateExpression", "camunda:executionListener", "camunda:taskListener",
                        "camunda:connector", "zeebe:ioMapping", "zeebe:taskDefinition", "zeebe:script",
                        "@itemSubjectRef", "@structureRef", "property"})),
    ("text", frozenset({"@name", "documentation", "text", "@label", "description"})),
)  # fmt: skip
"""Steps of a path that decide; the first line of the table that knows one wins."""

TYPES: Final[Mapping[str, Effect]] = {
    "textAnnotation": "text", "association": "text", "group": "text", "category": "text", "categoryValue": "text",
    "lane": "people", "laneSet": "technical", "participant": "flow", "dataObject": "data",
    "dataObjectReference": "data", "dataStore": "data", "dataStoreReference": "data", "itemDefinition": "data",
    "definitions": "technical",
}  # fmt: skip
"""What it means that an element of a type comes or goes; everything else is part of the way."""


def of_part(type_: str, path: tuple[str, ...]) -> Effect:
    """The effect of a difference inside an element of `type_`, at `path`."""
    for step in path:
        if named := _PROPERTY.match(step):
            if path[-1] == "@id":
                return "technical"
            return PROPERTIES.get(named[1], "other")
    if path[-1] in INNER or path[-1].startswith("@xsi:"):
        return "technical"
    if type_ == "definitions" and (path[-1].startswith(NOTES) or path[-1][1:].startswith(NOTES) or path[-1] == "@name"):
        return "technical"
    bare = [step.partition("[")[0] for step in path]
    for effect, known in STEPS:
        if any(step in known for step in bare):
            # The name of a message or signal is what sender and receiver find each other by.
            return "flow" if effect == "text" and type_ in ("message", "signal", "error", "escalation") else effect
    return "other"


def of_element(type_: str, paths: Iterable[tuple[str, ...]]) -> Effect:
    """The effect of an element that comes or goes with these values in it: a new timer is a new limit."""
    if type_ in TYPES:
        return TYPES[type_]
    if any("timerEventDefinition" in path for path in paths) or any(of_part(type_, p) == "limit" for p in paths):
        return "limit"
    return "flow"


def gravest(effects: Iterable[Effect]) -> Effect:
    """Requires at least one."""
    return min(effects, key=EFFECTS.index)
