"""Activities of a diagram: who does them, with what, how often (BPMN 2.0, 10.3)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from lxml import etree

from . import xml
from .bpmn_data import field_name
from .bpmn_reading import Reading, child, children, flag, local_name
from .bpmn_text import name_text, split_list, text_of
from .bpmn_vendor import attribute, family, zeebe
from .model import MultiInstance, StandardLoop

PERSON_OR_GROUP = re.compile(r"(user|group)\(([^()]*)\)")
FORM_KEY = re.compile(r"(?:embedded:|camunda-forms:)?(?:deployment:|app:|bundle:)?(?:.*/)?([^/]+?)(?:\.form)?")


def people(reading: Reading, element: etree._Element) -> dict[str, Any]:
    """groups, users, assignee, due, priority of a user task."""
    groups = [reading.maybe(element, part) for part in split_list(attribute(element, "candidateGroups"))]
    users = [reading.maybe(element, part) for part in split_list(attribute(element, "candidateUsers"))]
    assignee = reading.maybe(element, attribute(element, "assignee"))
    definition = zeebe(element, "assignmentDefinition")
    if definition is not None:
        groups += split_list(definition.get("candidateGroups") or "")
        users += split_list(definition.get("candidateUsers") or "")
        assignee = assignee or (definition.get("assignee") or "").strip()
    for tag in ("potentialOwner", "humanPerformer", "performer"):
        for owner in children(element, tag):
            text = "".join(text_of(e) for e in owner.iter(f"{{{xml.BPMN}}}formalExpression")).strip()
            if tag == "potentialOwner":
                own_groups, own_users = _owners(reading, element, text)
                groups += own_groups
                users += own_users
            elif text:
                assignee = assignee or reading.maybe(element, text)
    schedule = zeebe(element, "taskSchedule")
    due = attribute(element, "dueDate") or ("" if schedule is None else (schedule.get("dueDate") or ""))
    urgency = zeebe(element, "priorityDefinition")
    priority = attribute(element, "priority") or ("" if urgency is None else (urgency.get("priority") or ""))
    return {
        "groups": tuple(groups),
        "users": tuple(users),
        "assignee": assignee,
        "due": reading.maybe(element, due),
        "priority": reading.maybe(element, priority),
    }


def _owners(reading: Reading, element: etree._Element, text: str) -> tuple[list[str], list[str]]:
    """Activiti's `user(kermit), group(office)`; anything else in a potentialOwner names groups."""
    groups: list[str] = []
    users: list[str] = []
    for part in split_list(text):
        match = PERSON_OR_GROUP.fullmatch(part)
        name = reading.maybe(element, match[2].strip() if match else part)
        (users if match and match[1] == "user" else groups).append(name)
    return groups, users


def form(reading: Reading, element: etree._Element) -> str:
    """Id of the form of a user task or start event, "" if none."""
    reference = attribute(element, "formRef")
    if reference:
        return reference
    definition = zeebe(element, "formDefinition")
    if definition is not None:
        return definition.get("formId") or definition.get("externalReference") or definition.get("formKey") or ""
    key = attribute(element, "formKey")
    if key and (match := FORM_KEY.fullmatch(key)):
        return match[1]
    return key


def implementation(element: etree._Element) -> str:
    """Code that another engine would run for a service, send or business rule task: named in the refusal."""
    for name in ("class", "delegateExpression", "expression"):
        if value := attribute(element, name):
            return f"{name}: {value}"
    kind = attribute(element, "type")
    return f"type: {kind}" if kind and kind not in ("external", "dmn") else ""


def topic(element: etree._Element) -> str:
    """The built-in service that does the work."""
    definition = zeebe(element, "taskDefinition")
    return attribute(element, "topic") or ("" if definition is None else (definition.get("type") or ""))


def decision(element: etree._Element) -> tuple[str, str]:
    """(decision id, result field) of a business rule task."""
    called = zeebe(element, "calledDecision")
    if called is not None:
        return called.get("decisionId") or "", called.get("resultVariable") or ""
    return attribute(element, "decisionRef"), attribute(element, "resultVariable")


def script(reading: Reading, element: etree._Element) -> tuple[str, str]:
    """(FEEL, result field) of a script task."""
    own = zeebe(element, "script")
    if own is not None:
        return reading.expression(element, own.get("expression") or "null"), own.get("resultVariable") or ""
    language = (element.get("scriptFormat") or "").lower().rsplit("/", 1)[-1]
    text = text_of(child(element, "script"))
    result = attribute(element, "resultVariable")
    if language not in ("feel", "juel") and not (not language and text.startswith(("=", "${"))):
        reading.refuse(element, "bpmn.script_language", language=language or "-")
        return "null", result or "_"
    if not result:
        reading.refuse(element, "bpmn.script_result")
    if not text:
        reading.refuse(element, "bpmn.script_empty")
    return reading.expression(element, text) or "null", result


def called(reading: Reading, element: etree._Element) -> str:
    """Id of the called process."""
    own = zeebe(element, "calledElement")
    name = (element.get("calledElement") or "").strip()
    if own is not None:
        name = own.get("processId") or ""
    if attribute(element, "caseRef"):
        return ""
    if not name:
        reading.refuse(element, "bpmn.call_empty")
    elif name.startswith(("${", "#{", "=")):
        reading.refuse(element, "bpmn.call_dynamic", text=name[:200])
        return ""
    return local_name(name)


def loops(reading: Reading, element: etree._Element) -> tuple[StandardLoop | None, MultiInstance | None]:
    """The loop of an activity (BPMN 10.3.8)."""
    standard = child(element, "standardLoopCharacteristics")
    multi = child(element, "multiInstanceLoopCharacteristics")
    return (
        None if standard is None else _standard(reading, element, standard),
        None if multi is None else _multi(reading, element, multi),
    )


def _standard(reading: Reading, element: etree._Element, loop: etree._Element) -> StandardLoop:
    condition = reading.formal(element, child(loop, "loopCondition"))
    maximum = (loop.get("loopMaximum") or "0").strip()
    if not maximum.isdigit():
        reading.refuse(element, "bpmn.loop_maximum", text=maximum[:80])
        maximum = "1"
    if not condition and not int(maximum):
        reading.refuse(element, "bpmn.loop_endless")
    return StandardLoop(condition, flag(loop, "testBefore"), int(maximum))


def _multi(reading: Reading, element: etree._Element, loop: etree._Element) -> MultiInstance:
    if loop.get("behavior", "All") != "All":
        reading.refuse(element, "bpmn.multi_behavior", behavior=loop.get("behavior"))
    cardinality = reading.formal(element, child(loop, "loopCardinality"))
    collection, variable = attribute(loop, "collection"), attribute(loop, "elementVariable")
    output, output_item = "", ""
    own = zeebe(loop, "loopCharacteristics")
    if own is not None:
        collection, variable = own.get("inputCollection") or "", own.get("inputElement") or ""
        output, output_item = own.get("outputCollection") or "", own.get("outputElement") or ""
    if not collection:
        collection, variable = _data_reference(reading, element, loop, "loopDataInputRef", "inputDataItem", variable)
    if not output:
        output, output_item = _data_reference(reading, element, loop, "loopDataOutputRef", "outputDataItem", "")
    if not collection and not cardinality:
        reading.refuse(element, "bpmn.multi_empty")
    return MultiInstance(
        flag(loop, "isSequential"),
        reading.expression(element, collection) if collection else "",
        "" if collection else cardinality,
        variable,
        reading.formal(element, child(loop, "completionCondition")),
        output.removeprefix("="),
        output_item,
    )


def _data_reference(
    reading: Reading, element: etree._Element, loop: etree._Element, reference: str, item: str, variable: str
) -> tuple[str, str]:
    """(field, item field) of BPMN's own way to name a multi-instance collection."""
    text = text_of(child(loop, reference))
    if not text:
        return "", variable
    name = field_name(reading, text) or (text if text not in reading.ids else "")
    if not name:
        reading.refuse(element, "bpmn.multi_data_ref", reference=text)
        return "", variable
    one = child(loop, item)
    if one is not None:
        variable = (one.get("name") or one.get("id") or "").strip() or variable
    return name_text(name), variable


def form_fields(element: etree._Element) -> Iterator[str]:
    """Fields of a form that Camunda would generate from the diagram."""
    for holder in family(element, "formData"):
        for one in holder:
            if xml.local(one)[1] == "formField":
                yield one.get("id") or "-"
