"""One random change of a diagram, as a process owner might make it: for migrations and what-if. All from one seed."""

from __future__ import annotations

import random
import re

from lxml import etree

BPMN = "{http://www.omg.org/spec/BPMN/20100524/MODEL}"
CAMUNDA = "{http://camunda.org/schema/1.0/bpmn}"
KINDS = ("length", "length", "condition", "insert", "insert", "rename", "rename", "remove", "label")
Edit = tuple[bytes, dict[str, str], str]
"""The other file, old id -> new id of what was renamed, and which kind of change it was."""


def edited(content: bytes, chance: random.Random) -> Edit:
    """A change of a random kind at a random place; "label" where that kind finds no place. The file always differs."""
    root = etree.fromstring(content)
    kind = chance.choice(KINDS)
    mapping: dict[str, str] = {}
    done = True
    if kind == "length":
        done = _length(root, chance)
    elif kind == "condition":
        done = _condition(root, chance)
    elif kind == "insert":
        done = _insert(root, chance)
    elif kind == "rename":
        mapping = _rename(root, chance)
        done = bool(mapping)
    elif kind == "remove":
        done = _remove(root, chance)
    root.append(etree.Comment("another version"))
    return etree.tostring(root), mapping, kind if done else "label"


def _length(root: etree._Element, chance: random.Random) -> bool:
    found = [one for one in root.iter(f"{BPMN}timeDuration", f"{BPMN}timeCycle") if "PT" in (one.text or "")]
    if not found:
        return False
    one = chance.choice(found)
    one.text = re.sub(r"PT\d+H", f"PT{chance.choice([20, 60, 240, 600])}M", one.text or "")
    return True


def _condition(root: etree._Element, chance: random.Random) -> bool:
    found = [one for one in root.iter(f"{BPMN}conditionExpression") if (one.text or "").endswith(" = 0")]
    if not found:
        return False
    one = chance.choice(found)
    one.text = f"{(one.text or '')[:-1]}1"
    return True


def _insert(root: etree._Element, chance: random.Random) -> bool:
    """A user task into a flow; not behind a gateway that waits for events, which only those may follow."""
    racing = {one.get("id") for one in root.iter(f"{BPMN}eventBasedGateway")}
    flows = [one for one in root.iter(f"{BPMN}sequenceFlow") if one.get("sourceRef") not in racing]
    if not flows:
        return False
    flow = chance.choice(flows)
    parent = flow.getparent()
    assert parent is not None
    target = flow.get("targetRef")
    flow.set("targetRef", "extra_task")
    etree.SubElement(parent, f"{BPMN}userTask", {"id": "extra_task", f"{CAMUNDA}candidateGroups": "office"})
    etree.SubElement(
        parent, f"{BPMN}sequenceFlow", {"id": "extra_flow", "sourceRef": "extra_task", "targetRef": str(target)}
    )
    return True


def _rename(root: etree._Element, chance: random.Random) -> dict[str, str]:
    found = [str(one.get("id")) for one in root.iter(f"{BPMN}userTask", f"{BPMN}subProcess")]
    if not found:
        return {}
    old = chance.choice(found)
    new = f"{old}_renamed"
    for element in root.iter():
        for name in ("id", "sourceRef", "targetRef", "attachedToRef"):
            if element.get(name) == old:
                element.set(name, new)
    return {old: new}


def _remove(root: etree._Element, chance: random.Random) -> bool:
    """A user task that no event sits on: what led to it leads to what followed."""
    hosts = {one.get("attachedToRef") for one in root.iter(f"{BPMN}boundaryEvent")}
    found = [one for one in root.iter(f"{BPMN}userTask") if one.get("id") not in hosts]
    if not found:
        return False
    task = chance.choice(found)
    flows = list(root.iter(f"{BPMN}sequenceFlow"))
    (after,) = [one for one in flows if one.get("sourceRef") == task.get("id")]
    for one in flows:
        if one.get("targetRef") == task.get("id"):
            one.set("targetRef", str(after.get("targetRef")))
    for gone in (task, after):
        parent = gone.getparent()
        assert parent is not None
        parent.remove(gone)
    return True
