"""What the parts of a file are called by people: the words for a path inside of an element (catalogue keys)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

PARTS: Final[Mapping[str, str]] = {
    "@name": "compare.part.name", "name": "compare.part.name", "label": "compare.part.label",
    "@label": "compare.part.label", "@id": "compare.part.id", "id": "compare.part.id", "key": "compare.part.key",
    "@type": "compare.part.type", "type": "compare.part.type",
    "documentation": "compare.part.documentation", "description": "compare.part.documentation",
    "text": "compare.part.text", "script": "compare.part.script", "@scriptFormat": "compare.part.script",
    "timeDuration": "compare.part.duration", "timeDate": "compare.part.instant", "timeCycle": "compare.part.cycle",
    "@camunda:dueDate": "compare.part.due", "@camunda:followUpDate": "compare.part.follow_up",
    "@camunda:candidateGroups": "compare.part.groups", "@camunda:candidateUsers": "compare.part.users",
    "@camunda:assignee": "compare.part.assignee", "@camunda:priority": "compare.part.priority",
    "@lane": "compare.part.lane", "@container": "compare.part.container", "@group": "compare.part.group",
    "@camunda:formRef": "compare.part.form", "@camunda:formKey": "compare.part.form",
    "camunda:formData": "compare.part.form", "@camunda:formRefBinding": "compare.part.form_binding",
    "@camunda:decisionRef": "compare.part.decision", "@camunda:mapDecisionResult": "compare.part.decision_result",
    "@camunda:resultVariable": "compare.part.result", "@camunda:topic": "compare.part.topic",
    "@camunda:type": "compare.part.implementation", "@camunda:class": "compare.part.implementation",
    "@camunda:expression": "compare.part.implementation", "camunda:inputOutput": "compare.part.mapping",
    "camunda:in": "compare.part.mapping", "camunda:out": "compare.part.mapping",
    "zeebe:ioMapping": "compare.part.mapping", "ioSpecification": "compare.part.mapping",
    "dataInputAssociation": "compare.part.mapping", "dataOutputAssociation": "compare.part.mapping",
    "camunda:executionListener": "compare.part.listener", "camunda:taskListener": "compare.part.listener",
    "@sourceRef": "compare.part.source", "@targetRef": "compare.part.target",
    "@attachedToRef": "compare.part.attached", "@default": "compare.part.default",
    "@cancelActivity": "compare.part.interrupts", "@isInterrupting": "compare.part.interrupts",
    "@triggeredByEvent": "compare.part.event_subprocess", "@calledElement": "compare.part.called",
    "@processRef": "compare.part.process", "@isExecutable": "compare.part.executable",
    "@messageRef": "compare.part.message", "@signalRef": "compare.part.signal", "@errorRef": "compare.part.error",
    "@escalationRef": "compare.part.escalation", "@errorCode": "compare.part.code",
    "@escalationCode": "compare.part.code", "conditionExpression": "compare.part.condition",
    "condition": "compare.part.condition", "completionCondition": "compare.part.completion",
    "multiInstanceLoopCharacteristics": "compare.part.multi", "standardLoopCharacteristics": "compare.part.loop",
    "@evaluation": "compare.part.evaluation", "@incoming": "compare.part.ends", "@outgoing": "compare.part.ends",
    "timerEventDefinition": "compare.part.timer", "messageEventDefinition": "compare.part.message",
    "signalEventDefinition": "compare.part.signal", "errorEventDefinition": "compare.part.error",
    "escalationEventDefinition": "compare.part.escalation", "@xmlns": "compare.part.format",
    "@bounds": "compare.part.bounds", "@waypoints": "compare.part.waypoints",
    "@label_place": "compare.part.label_place",
    "@colour": "compare.part.colour", "@shape": "compare.part.shape", "@hitPolicy": "compare.part.hit_policy",
    "@aggregation": "compare.part.hit_policy", "@typeRef": "compare.part.value_type", "@place": "compare.part.place",
    "inputExpression": "compare.part.input", "inputValues": "compare.part.choices",
    "outputValues": "compare.part.choices", "decisionTable": "compare.part.table",
    "defaultOutputEntry": "compare.part.default_result", "informationRequirement": "compare.part.needs",
    "validate": "compare.part.validation", "required": "compare.part.required", "minLength": "compare.part.shortest",
    "maxLength": "compare.part.longest", "min": "compare.part.least", "max": "compare.part.most",
    "pattern": "compare.part.pattern", "values": "compare.part.choices", "valuesKey": "compare.part.choices_from",
    "valuesExpression": "compare.part.choices_from", "conditional": "compare.part.hidden_if",
    "hide": "compare.part.hidden_if", "defaultValue": "compare.part.default_value",
    "readonly": "compare.part.read_only",
    "disabled": "compare.part.read_only", "layout": "compare.part.bounds", "schemaVersion": "compare.part.format",
    "dateLabel": "compare.part.label", "timeLabel": "compare.part.label", "subtype": "compare.part.value_type",
    "clauses": "compare.part.clauses", "clause": "compare.part.clauses", "rule": "compare.part.rule",
    "says": "compare.part.rule", "due": "compare.part.due", "anchor": "compare.part.anchor",
    "warnings": "compare.part.warnings", "at_most": "compare.part.at_most", "require": "compare.part.requires",
    "starts": "compare.part.starts", "until": "compare.part.until", "by": "compare.part.by",
    "holidays": "compare.part.holidays", "workdays": "compare.part.workdays", "bytes": "compare.part.bytes",
}  # fmt: skip
"""Step of a path -> its words. Steps that are not here are shown as they are written."""

PROPERTIES: Final[Mapping[str, str]] = {
    "clause": "compare.part.clauses", "limit": "compare.part.limit", "anchor": "compare.part.anchor",
    "rule": "compare.part.rule", "warnings": "compare.part.warnings", "breach": "compare.part.breach",
    "role": "compare.part.role", "to": "compare.part.notifies", "responsible": "compare.part.responsible",
    "recuse": "compare.part.recuse",
    "unit": "compare.part.unit", "form": "compare.part.form", "action": "compare.part.action",
    "message": "compare.part.notice", "title": "compare.part.title", "stage": "compare.part.stage",
    "copy": "compare.part.copy", "outcome": "compare.part.outcome", "requires": "compare.part.requires",
}  # fmt: skip
"""Entries of `camunda:property`."""

TYPES: Final[Mapping[str, str]] = {
    "userTask": "compare.type.user_task", "serviceTask": "compare.type.service_task",
    "scriptTask": "compare.type.script_task", "businessRuleTask": "compare.type.rule_task", "task": "compare.type.task",
    "sendTask": "compare.type.send_task", "receiveTask": "compare.type.receive_task",
    "manualTask": "compare.type.manual_task", "callActivity": "compare.type.call", "subProcess": "compare.type.sub",
    "transaction": "compare.type.sub", "adHocSubProcess": "compare.type.sub",
    "exclusiveGateway": "compare.type.exclusive", "parallelGateway": "compare.type.parallel",
    "inclusiveGateway": "compare.type.inclusive", "eventBasedGateway": "compare.type.event_gateway",
    "complexGateway": "compare.type.complex", "startEvent": "compare.type.start", "endEvent": "compare.type.end",
    "boundaryEvent": "compare.type.boundary", "intermediateCatchEvent": "compare.type.catch",
    "intermediateThrowEvent": "compare.type.throw", "sequenceFlow": "compare.type.flow",
    "messageFlow": "compare.type.message_flow", "lane": "compare.type.lane", "laneSet": "compare.type.lane",
    "participant": "compare.type.pool", "process": "compare.type.process", "collaboration": "compare.type.pools",
    "textAnnotation": "compare.type.note", "association": "compare.type.association", "message": "compare.type.message",
    "signal": "compare.type.signal", "error": "compare.type.error", "escalation": "compare.type.escalation",
    "dataObject": "compare.type.data", "dataObjectReference": "compare.type.data",
    "dataStoreReference": "compare.type.data", "definitions": "compare.type.file", "decision": "compare.type.decision",
    "inputData": "compare.type.input_data", "decisionTable": "compare.type.table", "rule": "compare.type.rule",
    "input": "compare.type.input", "output": "compare.type.output", "annotation": "compare.type.annotation",
    "form": "compare.type.form", "key": "compare.type.key",
}  # fmt: skip

EFFECTS: Final[Mapping[str, str]] = {
    "limit": "compare.effect.limit", "regulation": "compare.effect.regulation", "people": "compare.effect.people",
    "flow": "compare.effect.flow", "decision": "compare.effect.decision", "form": "compare.effect.form",
    "data": "compare.effect.data", "other": "compare.effect.other", "text": "compare.effect.text",
    "technical": "compare.effect.technical", "layout": "compare.effect.layout",
}  # fmt: skip
MEANS: Final[Mapping[str, str]] = {
    "limit": "compare.means.limit", "regulation": "compare.means.regulation", "people": "compare.means.people",
    "flow": "compare.means.flow", "decision": "compare.means.decision", "form": "compare.means.form",
    "data": "compare.means.data", "other": "compare.means.other", "text": "compare.means.text",
    "technical": "compare.means.technical", "layout": "compare.means.layout",
}  # fmt: skip
"""What a change of an effect means for people, in a sentence."""
KINDS: Final[Mapping[str, str]] = {
    "added": "compare.kind.added", "removed": "compare.kind.removed", "changed": "compare.kind.changed",
    "moved": "compare.kind.moved", "renamed": "compare.kind.renamed",
}  # fmt: skip
STATUSES: Final[Mapping[str, str]] = {
    "added": "compare.status.added", "removed": "compare.status.removed", "changed": "compare.status.changed",
    "layout": "compare.status.layout", "rewritten": "compare.status.rewritten",
    "renamed": "compare.status.renamed",
}  # fmt: skip

CELL: Final = re.compile(r"cell\[(.*)\]", re.DOTALL)
LINES: Final = re.compile(r"line\[(\d+)/(\d+)\]")
NAMED: Final = re.compile(r"([^\[]*)\[(.*)\]", re.DOTALL)
SILENT: Final = frozenset({"extensionElements", "camunda:properties", "zeebe:properties", "#text", "camunda:property"})
"""Steps that say nothing to people."""
