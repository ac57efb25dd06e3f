"""What differs between two BPMN files, element by element over all attributes, texts and extensions of any vendor.

1. Elements with an id are matched by it; of what is left, likely renames are guessed (diff_elements).
2. Lanes are told at the elements in them, ends of flows at the flows: what only repeats that is told where it does not
   fit (an `outgoing` without its flow).
3. The picture is compared apart (diff_layout).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from .diff_effects import of_element, of_part
from .diff_elements import Element, Matched, match
from .diff_layout import changes as layout_changes
from .diff_model import Change, Effect, Kind, Subject
from .diff_xml import Part, describe, differences, part_of, values
from .xml import parse

CONTAINERS = frozenset(
    {
        "definitions", "process", "subProcess", "adHocSubProcess", "transaction", "collaboration", "choreography",
        "globalConversation", "subConversation", "subChoreography", "laneSet", "childLaneSet", "lane", "category",
        "interface",
    }
)  # fmt: skip
PARTS = frozenset(
    {
        "extensionElements", "documentation", "ioSpecification", "dataInputAssociation", "dataOutputAssociation",
        "incoming", "outgoing", "flowNodeRef", "property", "potentialOwner", "performer", "humanPerformer",
        "resourceRole", "multiInstanceLoopCharacteristics", "standardLoopCharacteristics", "completionCondition",
        "correlationSubscription", "auditing", "monitoring", "inMessageRef", "outMessageRef", "import", "extension",
    }
)  # fmt: skip
"""What has an id but is known to people as part of what it stands in."""
BOXES = frozenset({"laneSet", "childLaneSet"})
CALLED = ("messageRef", "signalRef", "errorRef", "escalationRef", "operationRef")
ROOT = "definitions"


@dataclass(slots=True)
class Drawing:
    """One side: its elements by key, the pictures, and which elements lie in which lanes."""

    elements: dict[str, Element] = field(default_factory=dict)
    diagrams: list[Part] = field(default_factory=list)
    lanes: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    evaluated: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def subjects(self) -> dict[str, Subject]:
        return {key: one.subject for key, one in self.elements.items()}


def diff(before: bytes, after: bytes) -> list[Change]:
    """All differences. Raises XmlRefused when one of the two can't be read."""
    old, new = read(before), read(after)
    matched = match(old.elements, new.elements)
    found: list[Change] = []
    for key, twin in matched.same.items():
        found += _changed(old, new, old.elements[key], new.elements[twin], matched)
    removed = [one for key, one in old.elements.items() if key not in matched.same]
    twins = set(matched.same.values())
    added = [one for key, one in new.elements.items() if key not in twins]
    found += [_whole("removed", one) for one in removed]
    found += [_whole("added", one) for one in added]
    found += layout_changes(old.diagrams, new.diagrams, matched, old.subjects(), new.subjects())
    return found


def read(data: bytes) -> Drawing:
    """The elements of a file. Raises XmlRefused."""
    drawing = Drawing()
    root = part_of(parse(data))
    _collect(drawing, root, "", ROOT)
    _members(drawing)
    _ends(drawing)
    _subjects(drawing)
    return drawing


def _collect(drawing: Drawing, part: Part, parent: str, key: str) -> None:
    """Takes an element and those in it out of the tree."""
    own, inside = [], []
    for child in part.children:
        if child.tag == "bpmndi:BPMNDiagram" and part.tag == "definitions":
            drawing.diagrams.append(child)
        elif part.tag in CONTAINERS and child.get("id") and child.tag not in PARTS and ":" not in child.tag:
            inside.append(child)
        else:
            own.append(child)
    attributes = {n: v for n, v in part.attributes.items() if n != "id" or parent == ""}
    drawing.elements[key] = Element(key, Part(part.tag, attributes, part.text, own), parent, Subject(key))
    for child in inside:
        name, number = child.attributes["id"], 1
        while name in drawing.elements:
            number += 1
            name = f"{child.attributes['id']}#{number}"
        _collect(drawing, child, key, name)


def _members(drawing: Drawing) -> None:
    """Tells each element in which lanes it lies, instead of each lane what lies in it."""
    for key, element in drawing.elements.items():
        if element.type != "lane":
            continue
        for ref in [child for child in element.part.children if child.tag == "flowNodeRef"]:
            if ref.text.strip() in drawing.elements and not ref.attributes and ref.text == ref.text.strip():
                drawing.lanes[ref.text].append(key)
                element.part.children.remove(ref)
    for key, lanes in drawing.lanes.items():
        drawing.elements[key].part.attributes["lane"] = ", ".join(sorted(lanes))


def _ends(drawing: Drawing) -> None:
    """Of `incoming` and `outgoing` only what does not fit the flows is kept, and the order in which a gateway asks."""
    flows = [one for one in drawing.elements.values() if one.type == "sequenceFlow"]
    ends: dict[str, dict[str, set[str]]] = {"incoming": defaultdict(set), "outgoing": defaultdict(set)}
    for flow in flows:
        ends["outgoing"][flow.part.get("sourceRef")].add(flow.key)
        ends["incoming"][flow.part.get("targetRef")].add(flow.key)
        source = drawing.elements.get(flow.part.get("sourceRef"))
        if flow.part.first("conditionExpression") and source is not None and source.type == "exclusiveGateway":
            drawing.evaluated[source.key].append(flow.key)
    listed = any(one.part.first("incoming", "outgoing") for one in drawing.elements.values())
    for key, element in drawing.elements.items():
        for tag, drawn in ends.items():
            named = [child for child in element.part.children if child.tag == tag and not child.attributes]
            texts = {child.text for child in named}
            odd = {f"+{one}" for one in texts - drawn[key]} | (
                {f"-{o}" for o in drawn[key] - texts} if listed else set()
            )
            if odd:
                element.part.attributes[tag] = " ".join(sorted(odd))
            element.part.children = [child for child in element.part.children if child not in named]


def _subjects(drawing: Drawing) -> None:
    """Names, places, clauses and neighbours, once all elements are known."""
    used: dict[str, list[str]] = defaultdict(list)
    for element in drawing.elements.values():
        for part in element.part.walk():
            for name in CALLED:
                if part.get(name):
                    used[part.get(name)].append(element.key)
    for key, element in drawing.elements.items():
        element.subject = Subject(
            element.part.get("id") or key, _name(element.part), element.type, _place(drawing, element),
            _clauses(element.part), tuple(sorted(dict.fromkeys(used[key]))),
        )  # fmt: skip
    for element in list(drawing.elements.values()):
        _near(drawing, element)


def _name(part: Part) -> str:
    """The drawn name; of a note what it says."""
    note = part.first("text") if part.tag == "textAnnotation" else None
    return part.get("name") or (" ".join(note.text.split())[:40] if note is not None else "")


def _place(drawing: Drawing, element: Element) -> tuple[str, ...]:
    """Names of what it lies in, from outside: process, sub-processes, lane."""
    names: list[str] = []
    parent = element.parent
    while parent and parent != ROOT:
        around = drawing.elements[parent]
        if around.type not in BOXES and around.type != "collaboration":
            names.insert(0, around.part.get("name") or parent)
        parent = around.parent
    lanes = drawing.lanes.get(element.key, ())
    return (*names, *(drawing.elements[lane].part.get("name") or lane for lane in lanes[-1:]))


def _clauses(part: Part) -> tuple[str, ...]:
    found: list[str] = []
    for child in part.walk():
        if child.tag == "camunda:property" and child.get("name") == "clause":
            found += child.get("value").replace(",", " ").split()
    return tuple(dict.fromkeys(found))


def _near(drawing: Drawing, element: Element) -> None:
    """Who is next to whom, for guesses."""
    part, elements = element.part, drawing.elements
    if element.parent in elements:
        elements[element.parent].near.add(("holds", element.key))
    for name in ("sourceRef", "targetRef", "attachedToRef"):
        if (other := part.get(name)) in elements:
            element.near.add((name, other))
            elements[other].near.add((f"of {name}", element.key))
    if part.get("sourceRef") in elements and part.get("targetRef") in elements:
        source, target = part.get("sourceRef"), part.get("targetRef")
        elements[source].near.add(("before", target))
        elements[target].near.add(("after", source))
    for one in element.subject.drawn:
        element.near.add(("used by", one))


def _changed(old: Drawing, new: Drawing, one: Element, other: Element, matched: Matched) -> Iterator[Change]:
    if one.key in matched.guessed:
        # The id of a process is what other diagrams call; of anything else people never see it.
        effect: Effect = "flow" if one.type == "process" else "technical"
        yield Change("renamed", effect, one.subject, other.subject, ("@id",), one.key, other.key)
    if matched.same.get(one.parent, one.parent) != other.parent and one.parent:
        effect = "people" if one.type == "lane" else "technical" if one.type in BOXES else "flow"
        yield Change(
            "moved", effect, one.subject, other.subject, ("@container",), _around(old, one), _around(new, other)
        )
    if one.type != other.type:
        yield Change("changed", "flow", one.subject, other.subject, ("@type",), one.type, other.type)
    for kind, path, before, after in differences(one.part, other.part, same=matched.equal):
        effect = of_part(min(one.type, other.type), path)
        if path == ("@lane",):
            before, after = _lanes(old, before), _lanes(new, after)
        yield Change(kind, effect, one.subject, other.subject, path, before, after)
    yield from _evaluation(old, new, one, other, matched)


def _evaluation(old: Drawing, new: Drawing, one: Element, other: Element, matched: Matched) -> Iterator[Change]:
    """Of several true conditions the first counts, so the order of those that both versions have is told."""
    there = set(new.evaluated.get(other.key, ()))
    before = [flow for flow in old.evaluated.get(one.key, ()) if matched.same.get(flow) in there]
    shared = {matched.same[flow] for flow in before}
    after = [flow for flow in new.evaluated.get(other.key, ()) if flow in shared]
    if [matched.same[flow] for flow in before] != after:
        a = " > ".join(old.elements[flow].subject.label for flow in before)
        b = " > ".join(new.elements[flow].subject.label for flow in after)
        yield Change("moved", "flow", one.subject, other.subject, ("@evaluation",), a, b)


def _around(drawing: Drawing, element: Element) -> str:
    return drawing.elements[element.parent].subject.label if element.parent in drawing.elements else ""


def _lanes(drawing: Drawing, keys: str | None) -> str | None:
    if keys is None:
        return None
    found = [drawing.elements[key].subject.label if key in drawing.elements else key for key in keys.split(", ")]
    return ", ".join(found)


def _whole(kind: Kind, element: Element) -> Change:
    """An element that only one side has."""
    effect = of_element(element.type, [path for path, _ in values(element.part)])
    said = describe(element.part)
    if kind == "removed":
        return Change(kind, effect, element.subject, None, (), said, None)
    return Change(kind, effect, None, element.subject, (), None, said)
