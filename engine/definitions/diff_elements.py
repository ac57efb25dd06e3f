"""Elements of a diagram or decision file that people know by name, each with its parts; which of two versions are the
same element, by id and, where an id is gone, by a guess from type, name and neighbours."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import Final

from .diff_matching import overlap, pairs
from .diff_model import Subject
from .diff_xml import Part

REFERENCES: Final = frozenset(
    {
        "@sourceRef", "@targetRef", "@attachedToRef", "@default", "@activityRef", "@bpmnElement", "@processRef",
        "@calledElement", "@messageRef", "@signalRef", "@errorRef", "@escalationRef", "@dataObjectRef",
        "@dataStoreRef", "@categoryValueRef", "@dmnElementRef", "@container", "@lane", "@evaluation", "@incoming",
        "@outgoing", "@href",
    }
)  # fmt: skip
"""Attributes whose values are ids of other elements of the file."""
Near = Mapping[str, set[Hashable]]
ROUNDS: Final = 3
"""A new id is guessed from neighbours, which may have new ids themselves."""


@dataclass(slots=True)
class Element:
    """`key`: its id, with a number behind it where the file uses an id twice; `parent`: key of the element around;
    `part`: attributes and parts, without elements of their own and without the id."""

    key: str
    part: Part
    parent: str
    subject: Subject
    near: set[tuple[str, str]] = field(default_factory=set)

    @property
    def type(self) -> str:
        return self.part.tag


@dataclass(slots=True)
class Matched:
    """`same`: key in the old version -> key in the new one; `guessed`: those of them whose id is another one."""

    same: dict[str, str]
    guessed: set[str]

    def translated(self, name: str, value: str) -> str:
        """A reference of the old version as the new one spells it."""
        if name not in REFERENCES and name not in ("sourceRef", "targetRef"):
            return value
        if value.startswith("#"):
            return "#" + self.same.get(value[1:], value[1:])
        if ", " in value:
            return ", ".join(sorted(self.same.get(one, one) for one in value.split(", ")))
        return self.same.get(value, value)

    def equal(self, name: str, old: str, new: str) -> bool:
        """Whether two values of an attribute or text say the same, given which elements have a new id."""
        return old == new or (bool(self.guessed) and self.translated(f"@{name}", old) == new)


def match(old: Mapping[str, Element], new: Mapping[str, Element]) -> Matched:
    """By id where both have it: an editor that makes another type of an element keeps its id. What is left is guessed,
    among elements of one type."""
    same = {key: key for key in old if key in new}
    guessed: set[str] = set()
    for _ in range(ROUNDS):
        left = [old[key] for key in old if key not in same]
        taken = set(same.values())
        right = [new[key] for key in new if key not in taken]
        if not left or not right:
            break
        # Neighbours under a name that is the same on both sides.
        names = {key: f"{number}" for number, key in enumerate(sorted(same))}
        names_new = {same[key]: name for key, name in names.items()}
        near_old = {one.key: _known(one, names) for one in left}
        near_new = {one.key: _known(one, names_new) for one in right}

        def likeness(one: Element, other: Element, a: Near = near_old, b: Near = near_new) -> float:
            return _likeness(one, other, a[one.key], b[other.key])

        found = pairs(left, right, likeness=likeness, least=0.6)
        if not found:
            break
        for i, j in found:
            same[left[i].key] = right[j].key
            guessed.add(left[i].key)
    return Matched(same, guessed)


def _known(element: Element, names: Mapping[str, str]) -> set[Hashable]:
    return {(how, names[key]) for how, key in element.near if key in names}


def _likeness(old: Element, new: Element, near_old: set[Hashable], near_new: set[Hashable]) -> float:
    """0.6 and more: name and some neighbours, or content and most neighbours, or all of a nameless one's neighbours."""
    if old.type != new.type:
        return 0.0
    name_old, name_new = old.part.get("name"), new.part.get("name")
    neighbours = overlap(near_old, near_new)
    content = _content(old.part) == _content(new.part)
    named = bool(name_old) and name_old == name_new
    if not neighbours and not (named and content):
        return 0.0
    return 0.4 * named + 0.25 * content + 0.35 * neighbours + 0.2 * (not name_old and not name_new and neighbours == 1)


def _content(part: Part) -> str:
    """What an element says besides its id, name and references."""
    kept = {n: v for n, v in part.attributes.items() if f"@{n}" not in REFERENCES and n not in ("id", "name")}
    inside = sorted(child.signature for child in part.children if child.tag not in ("incoming", "outgoing"))
    return repr((part.tag, sorted(kept.items()), part.text, inside))
