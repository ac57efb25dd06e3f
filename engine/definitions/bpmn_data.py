"""Data that goes into and out of an activity: Camunda's and zeebe's mappings, BPMN's data associations (10.4)."""

from __future__ import annotations

from lxml import etree

from . import xml
from .bpmn_reading import Reading, child, children, local_name
from .bpmn_text import Untranslatable, literal, name_text, parameter, text_of
from .bpmn_vendor import family, zeebe
from .model import Assignment

PLACEHOLDER = "__targetRef_placeholder"
"""bpmn.io's target of an association that is only drawn."""
ALL = "*"
"""Target of an assignment that stands for every field."""


def mappings(reading: Reading, element: etree._Element) -> tuple[tuple[Assignment, ...], tuple[Assignment, ...], bool]:
    """(inputs, outputs, isolated) of an activity, in the order in which they are carried out."""
    inputs, outputs = _associations(reading, element)
    for holder in family(element, "inputOutput"):
        for row in holder:
            kind = xml.local(row)[1]
            made = Assignment(row.get("name") or "", _value(reading, element, row), xml.line_of(row))
            (inputs if kind == "inputParameter" else outputs).append(made)
    mapping = zeebe(element, "ioMapping")
    for row in () if mapping is None else mapping:
        made = Assignment(
            row.get("target") or "", reading.expression(element, row.get("source") or "null"), xml.line_of(row)
        )
        (inputs if xml.local(row)[1] == "input" else outputs).append(made)
    isolated = _call(reading, element, inputs, outputs)
    for made in (*inputs, *outputs):
        if not made.target or "." in made.target:
            reading.refuse(element, "bpmn.mapping_target", target=made.target or "-")
    return tuple(inputs), tuple(outputs), isolated


def _call(reading: Reading, element: etree._Element, inputs: list[Assignment], outputs: list[Assignment]) -> bool:
    """`camunda:in` and `camunda:out` of a call activity. True when the called process sees its own data only."""
    isolated = False
    for direction, rows in (("in", inputs), ("out", outputs)):
        for row in family(element, direction):
            if row.get("businessKey") is not None:
                continue
            isolated = True
            line = xml.line_of(row)
            if row.get("variables") == "all":
                rows.append(Assignment(ALL, "null", line))
                continue
            source = row.get("sourceExpression")
            name = row.get("source") or ""
            value = reading.expression(element, source) if source else (name_text(name) if name else "null")
            rows.append(Assignment(row.get("target") or "", value, line))
    return isolated


def _value(reading: Reading, element: etree._Element, row: etree._Element) -> str:
    """FEEL of a Camunda parameter: text, `${}`, a list or a map of them; a script is refused."""
    inner = list(row)
    if not inner:
        try:
            return parameter(text_of(row)) if text_of(row) else "null"
        except Untranslatable:
            reading.refuse(element, "bpmn.juel", text=text_of(row)[:200])
            return "null"
    holder, kind = inner[0], xml.local(inner[0])[1]
    if kind == "list":
        return "[" + ", ".join(_value(reading, element, c) for c in holder) + "]"
    if kind == "map":
        return "{" + ", ".join(f"{literal(c.get('key') or '')}: {_value(reading, element, c)}" for c in holder) + "}"
    if kind == "script" and (holder.get("scriptFormat") or "").lower() == "feel":
        return reading.expression(element, text_of(holder))
    reading.refuse(element, "bpmn.mapping_script", language=holder.get("scriptFormat") or kind)
    return "null"


def _associations(reading: Reading, element: etree._Element) -> tuple[list[Assignment], list[Assignment]]:
    inputs: list[Assignment] = []
    outputs: list[Assignment] = []
    for tag, rows in (("dataInputAssociation", inputs), ("dataOutputAssociation", outputs)):
        for association in children(element, tag):
            rows.extend(_association(reading, element, association))
    return inputs, outputs


def _association(reading: Reading, element: etree._Element, association: etree._Element) -> list[Assignment]:
    """Assignments, a transformation, or a copy; an association that only draws gives nothing."""
    line = xml.line_of(association)
    target = field_name(reading, text_of(child(association, "targetRef")))
    assigned = []
    for assignment in children(association, "assignment"):
        to = text_of(child(assignment, "to"))
        value = reading.formal(element, child(assignment, "from"))
        name = field_name(reading, to) or to.strip("${} ") or target
        if value and name:
            assigned.append(Assignment(name, value, line))
    if assigned:
        return assigned
    transformation = reading.formal(element, child(association, "transformation"))
    if transformation and target:
        return [Assignment(target, transformation, line)]
    sources = [field_name(reading, text_of(s)) for s in children(association, "sourceRef")]
    if len(sources) == 1 and sources[0] and target and target not in (sources[0], PLACEHOLDER):
        return [Assignment(target, name_text(sources[0]), line)]
    return []


def field_name(reading: Reading, reference: str) -> str:
    """The case field of a data object, data object reference, property, data input or output; "" for a data store, a
    thing without a name and an unknown id."""
    element = reading.ids.get(local_name(reference))
    for _ in range(2):
        if element is None:
            return ""
        tag = xml.local(element)[1]
        if tag == "dataObjectReference" and element.get("dataObjectRef"):
            pointed = reading.ids.get(local_name(element.get("dataObjectRef") or ""))
            if pointed is not None and pointed.get("name"):
                element = pointed
                continue
        break
    if element is None or xml.local(element)[1] not in (
        "dataObject", "dataObjectReference", "property", "dataInput", "dataOutput", "inputDataItem", "outputDataItem",
    ):  # fmt: skip
        return ""
    return (element.get("name") or "").strip()
