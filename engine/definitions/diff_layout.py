"""What differs in the picture alone: where a shape stands, how a line runs, labels, colours."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from .diff_elements import Matched
from .diff_model import Change, Kind, Subject
from .diff_xml import Part, values

SHAPES: Final = frozenset(
    {"bpmndi:BPMNShape", "bpmndi:BPMNEdge", "dmndi:DMNShape", "dmndi:DMNEdge", "dmndi:DMNDecisionServiceDividerLine"}
)
SHOWN: Final = ("bpmnElement", "dmnElementRef")
COLOURS: Final = ("@bioc:", "@color:")
BOUNDS: Final = {"x", "y", "width", "height"}
Key = tuple[str, int]
"""The element that a shape shows, "" for none, and a number where several show it."""


def changes(
    old: Iterable[Part], new: Iterable[Part], matched: Matched, olds: Mapping[str, Subject], news: Mapping[str, Subject]
) -> Iterator[Change]:
    """Differences of the diagrams of a file. What came or went with its element is not told again."""
    before, after = _shapes(old), _shapes(new)
    twins = {key: (matched.same.get(key[0], key[0]), key[1]) for key in before}
    shared = {key: twin for key, twin in twins.items() if twin in after}
    for key, twin in shared.items():
        one, other = olds.get(key[0], Subject(key[0])), news.get(twin[0], Subject(twin[0]))
        if key != twin or before[key].signature != after[twin].signature:
            yield from _differ(one, other, _aspects(before[key], key[0]), _aspects(after[twin], twin[0]))
    kept, kept_new = set(matched.same), set(matched.same.values())
    for key in before.keys() - shared.keys():
        if key[0] in kept or key[0] not in olds:
            yield _whole("removed", olds.get(key[0], Subject(key[0])), _aspects(before[key], key[0]))
    for key in after.keys() - set(shared.values()):
        if key[0] in kept_new or key[0] not in news:
            yield _whole("added", news.get(key[0], Subject(key[0])), _aspects(after[key], key[0]))


def _differ(one: Subject, other: Subject, before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[Change]:
    for aspect in sorted(before.keys() | after.keys()):
        a, b = before.get(aspect), after.get(aspect)
        if a != b:
            kind: Kind = "added" if a is None else "removed" if b is None else "changed"
            yield Change(kind, "layout", one, other, (f"@{aspect}",), a, b)


def _whole(kind: Kind, subject: Subject, shape: Mapping[str, str]) -> Change:
    said = "; ".join(f"{aspect} {value}" for aspect, value in sorted(shape.items()))
    if kind == "removed":
        return Change(kind, "layout", subject, None, ("@shape",), said, None)
    return Change(kind, "layout", None, subject, ("@shape",), None, said)


def _shapes(diagrams: Iterable[Part]) -> dict[Key, Part]:
    """Every shape and line, and what is around them."""
    found: dict[Key, Part] = {}
    for diagram in diagrams:
        _collect(diagram, found)
    return found


def _collect(part: Part, found: dict[Key, Part]) -> None:
    inside = [child for child in part.children if child.tag in SHAPES or _holds(child)]
    rest = [child for child in part.children if child not in inside]
    shown = next((part.attributes[name] for name in SHOWN if part.get(name)), "")
    number = 1
    while (shown, number) in found:
        number += 1
    found[shown, number] = Part(part.tag, part.attributes, part.text, rest) if inside else part
    for child in inside:
        _collect(child, found)


def _holds(part: Part) -> bool:
    return any(child.tag in SHAPES or _holds(child) for child in part.children)


def _aspects(part: Part, shown: str) -> dict[str, str]:
    """bounds, waypoints, label, colour and whatever else the shape says; every value is in one of them."""
    told: dict[str, list[str]] = {"kind": [part.tag.rpartition(":")[2]]}
    points = [child for child in part.children if child.tag == "di:waypoint"]
    if points:
        told["waypoints"] = [",".join(value for _, value in sorted(values(point))) for point in points]
    bounds = [child for child in part.children if child.tag == "dc:Bounds" and set(child.attributes) == BOUNDS]
    if len(bounds) == 1 and not bounds[0].children and not bounds[0].text:
        box = bounds[0].attributes
        told["bounds"] = [f"x {box['x']}, y {box['y']}, {box['width']} × {box['height']}"]
        points += bounds
    rest = Part(part.tag, part.attributes, part.text, [child for child in part.children if child not in points])
    for steps, value in values(rest):
        last = steps[-1]
        if last[1:] in SHOWN:
            continue
        if steps == ("@id",):  # made from the element's id, so a new one of these is nothing new
            aspect, said = "id", value.replace(shown, "*") if shown and value.endswith(f"{shown}_di") else value
        elif last.startswith(COLOURS):
            aspect, said = "colour", f"{last[1:].partition(':')[2]} {value}"
        elif "Label" in steps[0]:
            aspect, said = "label_place", f"{last[1:]} {value}"
        elif steps[0] == "dc:Bounds":
            aspect, said = "bounds", f"{last[1:]} {value}"
        else:
            aspect, said = "/".join((*steps[:-1], last.lstrip("@"))), value
        told.setdefault(aspect, []).append(said)
    # The order of attributes is the editor's affair; that of the points of a line is not.
    return {
        aspect: " ".join(said if aspect in ("waypoints", "bounds") else sorted(said)) for aspect, said in told.items()
    }
