"""Edits of the shipped bundle's files, as a process owner would make them in a modeler, on the bytes themselves."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from lxml import etree

from engine.service.bundle_folder import from_folder

Files = dict[str, bytes]
B = "{http://www.omg.org/spec/BPMN/20100524/MODEL}"
C = "{http://camunda.org/schema/1.0/bpmn}"
DI = "{http://www.omg.org/spec/BPMN/20100524/DI}"
D = "{https://www.omg.org/spec/DMN/20191111/MODEL/}"
ROOT = Path(__file__).parents[3]


@cache
def _shipped() -> tuple[tuple[str, bytes], ...]:
    return tuple(from_folder(ROOT).items())


def shipped() -> Files:
    """The shipped bundle, a fresh dict."""
    return dict(_shipped())


@contextmanager
def xml(files: Files, name: str) -> Iterator[etree._Element]:
    """The root of `bpmn/<name>`, written back afterwards."""
    path = f"bpmn/{name}"
    root = etree.fromstring(files[path])
    yield root
    files[path] = etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def el(root: etree._Element, ident: str) -> etree._Element:
    found = root.xpath("//*[@id=$i]", i=ident)
    assert len(found) == 1, (ident, len(found))
    return found[0]


def flow(root: etree._Element, source: str, target: str) -> etree._Element:
    """The only flow between two elements."""
    found = [f for f in root.iter(f"{B}sequenceFlow") if f.get("sourceRef") == source and f.get("targetRef") == target]
    assert len(found) == 1, (source, target, len(found))
    return found[0]


def drop(root: etree._Element, *idents: str) -> None:
    """Elements, and their shapes, edges and references."""
    for ident in idents:
        for one in root.xpath("//*[@id=$i or @bpmnElement=$i]", i=ident):
            one.getparent().remove(one)
        for tag in ("incoming", "outgoing", "flowNodeRef"):
            for one in [r for r in root.iter(f"{B}{tag}") if r.text == ident]:
                one.getparent().remove(one)


def skip(root: etree._Element, ident: str) -> None:
    """Removes an element with one way out: what led to it leads to what followed it."""
    outs = [f for f in root.iter(f"{B}sequenceFlow") if f.get("sourceRef") == ident]
    assert len(outs) == 1, ident
    for one in list(root.iter(f"{B}sequenceFlow")):
        if one.get("targetRef") == ident:
            one.set("targetRef", outs[0].get("targetRef"))
    for boundary in [b for b in root.iter(f"{B}boundaryEvent") if b.get("attachedToRef") == ident]:
        drop_branch(root, boundary.get("id"))
    drop(root, outs[0].get("id"), ident)


def drop_branch(root: etree._Element, ident: str) -> None:
    """An element with everything that can be reached through it alone."""
    outs = [f for f in root.iter(f"{B}sequenceFlow") if f.get("sourceRef") == ident]
    drop(root, ident)
    for one in outs:
        target = one.get("targetRef")
        drop(root, one.get("id"))
        if not any(f.get("targetRef") == target for f in root.iter(f"{B}sequenceFlow")):
            drop_branch(root, target)


def scope_of(root: etree._Element, ident: str) -> etree._Element:
    return el(root, ident).getparent()


def add(root: etree._Element, beside: str, text: str) -> etree._Element:
    """An element written as XML, in the scope of `beside`."""
    space = (
        'xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:camunda="http://camunda.org/schema/1.0/bpmn"'
    )
    made = etree.fromstring(re.sub(r"^<([\w:]+)", rf"<\1 {space}", text, count=1))
    scope_of(root, beside).append(made)
    return made


def connect(root: etree._Element, source: str, target: str, condition: str = "") -> str:
    ident = f"Flow_new_{source}__{target}"
    inner = (
        f"<bpmn:conditionExpression>{condition.replace('<', '&lt;')}</bpmn:conditionExpression>" if condition else ""
    )
    add(
        root,
        source,
        f'<bpmn:sequenceFlow id="{ident}" sourceRef="{source}" targetRef="{target}">{inner}</bpmn:sequenceFlow>',
    )
    return ident


def put_before(root: etree._Element, ident: str, text: str) -> str:
    """A new element on every way to `ident`. Returns its id."""
    made = add(root, ident, text)
    for one in list(root.iter(f"{B}sequenceFlow")):
        if one.get("targetRef") == ident:
            one.set("targetRef", made.get("id"))
    connect(root, made.get("id"), ident)
    return str(made.get("id"))


def put_after(root: etree._Element, ident: str, text: str) -> str:
    """A new element on the only way out of `ident`. Returns its id."""
    made = add(root, ident, text)
    for one in list(root.iter(f"{B}sequenceFlow")):
        if one.get("sourceRef") == ident:
            one.set("sourceRef", made.get("id"))
    connect(root, ident, made.get("id"))
    return str(made.get("id"))


def prop(element: etree._Element, name: str, value: str | None) -> None:
    """Sets a camunda:property; None removes it."""
    for one in element.findall(f"{B}extensionElements/{C}properties/{C}property"):
        if one.get("name") == name:
            if value is None:
                one.getparent().remove(one)
            else:
                one.set("value", value)
            return
    assert value is not None, name
    element.find(f"{B}extensionElements/{C}properties").append(
        element.makeelement(f"{C}property", {"name": name, "value": value})
    )


def timer(root: etree._Element, ident: str, text: str, kind: str = "timeDate") -> None:
    definition = el(root, ident).find(f"{B}timerEventDefinition")
    for child in list(definition):
        definition.remove(child)
    child = etree.SubElement(definition, f"{B}{kind}")
    child.text = text


def condition(root: etree._Element, source: str, target: str, text: str | None) -> None:
    one = flow(root, source, target)
    for child in one.findall(f"{B}conditionExpression"):
        one.remove(child)
    if text is not None:
        child = etree.SubElement(one, f"{B}conditionExpression")
        child.text = text


def groups(root: etree._Element, ident: str, text: str) -> None:
    el(root, ident).set(f"{C}candidateGroups", text)


def script(root: etree._Element, ident: str, text: str) -> None:
    el(root, ident).find(f"{B}script").text = text


def wrap(root: etree._Element, ident: str, made: str) -> etree._Element:
    """Moves one activity with its boundary events' hosts unchanged into an embedded sub-process of its own."""
    scope = scope_of(root, ident)
    node = el(root, ident)
    sub = etree.SubElement(scope, f"{B}subProcess", {"id": made})
    for one in list(scope.iterchildren(f"{B}sequenceFlow")):
        for end in ("sourceRef", "targetRef"):
            if one.get(end) == ident:
                one.set(end, made)
    for boundary in [b for b in scope.iterchildren(f"{B}boundaryEvent") if b.get("attachedToRef") == ident]:
        boundary.set("attachedToRef", made)
    for tag in ("incoming", "outgoing"):
        for child in node.findall(f"{B}{tag}"):
            node.remove(child)
    sub.append(node)
    sub.append(sub.makeelement(f"{B}startEvent", {"id": f"{made}_start"}))
    sub.append(sub.makeelement(f"{B}endEvent", {"id": f"{made}_end"}))
    connect(root, f"{made}_start", ident)
    connect(root, ident, f"{made}_end")
    return sub


def form(files: Files, name: str, change: Callable[[dict], None]) -> None:
    """Changes the JSON of `forms/<name>.form`."""
    path = f"forms/{name}.form"
    content = json.loads(files[path])
    change(content)
    files[path] = json.dumps(content, ensure_ascii=False).encode()


def components(content: dict) -> Iterator[tuple[list, dict]]:
    """Every component of a form with the list that it stands in."""
    waiting = [content["components"]]
    while waiting:
        rows = waiting.pop()
        for one in list(rows):
            yield rows, one
            if "components" in one:
                waiting.append(one["components"])


def field(content: dict, key: str) -> dict:
    return next(one for _, one in components(content) if one.get("key") == key)


def drop_field(content: dict, key: str) -> None:
    rows, one = next((rows, one) for rows, one in components(content) if one.get("key") == key)
    rows.remove(one)


def text(files: Files, path: str, old: str, new: str, count: int = -1) -> None:
    content = files[path].decode()
    assert old in content, (path, old)
    files[path] = content.replace(old, new, count).encode()
