"""Events of a diagram: triggers, references, timers (BPMN 2.0, 10.5)."""

from __future__ import annotations

import re
from dataclasses import replace

from lxml import etree

from . import xml
from .bpmn_reading import Reading, child, flag, local_name
from .bpmn_tags import ALLOWED_EVENTS, EVENT_KINDS, EVENT_SUBPROCESS_STARTS
from .bpmn_text import text_of
from .bpmn_vendor import attribute, properties, zeebe
from .model import EVENTS, EventText, TimerText

NAMED = frozenset(["message", "signal", "error", "escalation"])
SHORT = re.compile(r"\d+(\.\d+)? ?(ms|s|sec|m|min|h|d)(###.*)?", re.ASCII)
CRON = re.compile(r"[\d*?/,\-LW#A-Z]+( +[\d*?/,\-LW#A-Z]+){4,6}|@[a-z]+", re.ASCII)
NAIVE = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?)?", re.ASCII)


def read_events(reading: Reading, element: etree._Element, tag: str, in_event_subprocess: bool) -> list[EventText]:
    """The triggers of an event or receive task in drawn order; [none] for anything else."""
    if tag in ("receiveTask", "sendTask"):
        return [_task_message(reading, element, tag)]
    if tag not in EVENTS:
        return [EventText("none")]
    found = []
    for definition in _definitions(reading, element):
        kind = EVENT_KINDS.get(xml.local(definition)[1])
        if kind is None:
            reading.refuse(element, "bpmn.event_unsupported", event=xml.local(definition)[1])
            continue
        allowed = EVENT_SUBPROCESS_STARTS if in_event_subprocess and tag == "startEvent" else ALLOWED_EVENTS[tag]
        if kind not in allowed:
            reading.refuse(element, "bpmn.event_not_here", event=kind, tag=tag)
            continue
        found.append(_event(reading, element, tag, kind, definition))
    if not found:
        found = [EventText("none")]
        if "none" not in ALLOWED_EVENTS[tag] and not _has_definition(element):
            reading.refuse(element, "bpmn.event_not_here", event="none", tag=tag)
    return found


def _has_definition(element: etree._Element) -> bool:
    return any("ventDefinition" in c.tag for c in element)


def _definitions(reading: Reading, element: etree._Element) -> list[etree._Element]:
    """Event definitions inside the event, or those of the file that it refers to."""
    found = []
    for one in element:
        namespace, name = xml.local(one)
        if namespace != xml.BPMN:
            continue
        if name == "eventDefinitionRef":
            target = reading.ids.get(local_name(text_of(one)))
            if target is None or not xml.local(target)[1].endswith("EventDefinition"):
                reading.refuse(element, "bpmn.event_reference", reference=text_of(one) or "-")
            else:
                found.append(target)
        elif name.endswith("EventDefinition"):
            found.append(one)
    return found


def _task_message(reading: Reading, element: etree._Element, tag: str) -> EventText:
    reference = element.get("messageRef")
    if tag == "sendTask" and (
        not reference or attribute(element, "topic") or zeebe(element, "taskDefinition") is not None
    ):
        return EventText("none")
    return _named(reading, element, "message", reference)


def _event(reading: Reading, element: etree._Element, tag: str, kind: str, definition: etree._Element) -> EventText:
    if kind == "timer":
        return EventText("timer", "", _timer(reading, element, definition))
    if kind == "conditional":
        condition = reading.formal(element, child(definition, "condition"))
        if not condition:
            reading.refuse(element, "bpmn.condition_empty")
        if attribute(definition, "variableName") or attribute(definition, "variableEvents"):
            reading.refuse(element, "bpmn.condition_variable", "warning")
        return EventText("conditional", condition=condition or "false")
    if kind == "link":
        return EventText("link", (definition.get("name") or element.get("name") or "").strip())
    if kind == "compensate":
        if not flag(definition, "waitForCompletion", True):
            reading.refuse(element, "bpmn.compensation_wait")
        return EventText("compensate", activity=local_name(definition.get("activityRef") or ""))
    if kind in NAMED:
        optional = kind in ("error", "escalation") and tag in ("boundaryEvent", "startEvent")
        event = _named(reading, element, kind, definition.get(f"{kind}Ref"), optional)
        return replace(
            event,
            code_variable=attribute(definition, f"{kind}CodeVariable"),
            text_variable=attribute(definition, "errorMessageVariable"),
        )
    return EventText(kind)  # type: ignore[arg-type]


def _named(
    reading: Reading, element: etree._Element, kind: str, reference: str | None, optional: bool = False
) -> EventText:
    """An event with the name or code of what it refers to. A message event without a reference is named by the message
    flow that is drawn at it."""
    found = reading.declared.get(local_name(reference or ""))
    if found is not None and found.kind == kind and (found.name or optional):
        own = properties(element).get("correlation", "")
        correlation = reading.expression(element, own) if own else found.correlation
        return EventText(kind, found.name, correlation=correlation)  # type: ignore[arg-type]
    if kind == "message" and not reference:
        flow = next((f for f in reading.flows if element.get("id") in (f.source, f.target)), None)
        if flow is not None and (flow.name or flow.id):
            return EventText("message", flow.name or flow.id)
    if not (optional and not reference):
        reading.refuse(element, "bpmn.reference_missing", kind=kind, reference=reference or "-")
    return EventText(kind)  # type: ignore[arg-type]


def _timer(reading: Reading, element: etree._Element, definition: etree._Element) -> TimerText:
    for tag, kind in (("timeDate", "date"), ("timeDuration", "duration"), ("timeCycle", "cycle")):
        holder = child(definition, tag)
        text = reading.formal(element, holder)
        if not text:
            continue
        if kind == "date" and NAIVE.fullmatch(text):
            reading.refuse(element, "bpmn.timer_offset", text=text)
            return TimerText("date", "null")
        if (kind == "cycle" and CRON.fullmatch(text)) or SHORT.fullmatch(text):
            reading.refuse(element, "bpmn.timer_iso", text=text)
            return TimerText("date", "null")
        return TimerText(kind, text)  # type: ignore[arg-type]
    reading.refuse(element, "bpmn.timer_empty")
    return TimerText("date", "null")
