"""XML elements without what an editor is free to change (prefixes, blanks between tags, order of attributes), and what
differs between two of them. Works for the elements and extensions of any vendor: nothing is left out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property, partial
from typing import Final

from lxml import etree

from .diff_matching import Pair, moved, pairs
from .diff_model import Kind

PREFIXES: Final[Mapping[str, str]] = {
    "http://www.omg.org/spec/BPMN/20100524/MODEL": "",
    "http://www.omg.org/spec/BPMN/20100524/DI": "bpmndi:",
    "http://www.omg.org/spec/DD/20100524/DC": "dc:",
    "http://www.omg.org/spec/DD/20100524/DI": "di:",
    "http://www.w3.org/2001/XMLSchema-instance": "xsi:",
    "http://camunda.org/schema/1.0/bpmn": "camunda:",
    "http://camunda.org/schema/1.0/dmn": "camunda:",
    "http://camunda.org/schema/zeebe/1.0": "zeebe:",
    "http://camunda.org/schema/modeler/1.0": "modeler:",
    "http://bpmn.io/schema/bpmn/biocolor/1.0": "bioc:",
    "http://www.omg.org/spec/BPMN/non-normative/color/1.0": "color:",
    "http://bpmn.io/schema/dmn/biodi/1.0": "biodi:",
    "http://bpmn.io/schema/dmn/biodi/2.0": "biodi:",
    "http://flowable.org/bpmn": "flowable:",
    "http://activiti.org/bpmn": "activiti:",
}
TEXT: Final = "#text"
NAMES: Final = ("name", "key", "id", "target", "source", "topic", "event")
"""Attributes that tell an extension from others of its tag, the surest first."""
UNORDERED: Final = frozenset({"camunda:property", "zeebe:property", "incoming", "outgoing", "flowNodeRef"})
"""Elements whose order among themselves means nothing. Of other elements the order within one tag counts; that between
tags is fixed by the schema."""


@dataclass(eq=False)
class Part:
    """An element: attributes and text exactly as written, children in order. Blank text counts as none."""

    tag: str
    attributes: dict[str, str]
    text: str
    children: list[Part] = field(default_factory=list)

    @cached_property
    def signature(self) -> str:
        """Equal for two parts exactly when `differences` finds nothing between them."""
        inside: dict[str, list[str]] = {}
        for child in self.children:
            inside.setdefault(child.tag, []).append(child.signature)
        groups = [sorted(inside[tag]) if tag in UNORDERED else inside[tag] for tag in sorted(inside)]
        return repr((self.tag, sorted(self.attributes.items()), self.text, groups))

    @property
    def naming(self) -> str:
        """The attribute that tells it from its like: a name, a key, its id; "" if none does."""
        return next((name for name in NAMES if self.attributes.get(name)), "")

    @property
    def step(self) -> str:
        """Its place in a path: `camunda:property[clause]`."""
        named = self.naming
        return f"{self.tag}[{self.attributes[named]}]" if named and named != "id" else self.tag

    def get(self, name: str) -> str:
        return self.attributes.get(name, "")

    def first(self, *tags: str) -> Part | None:
        return next((child for child in self.children if child.tag in tags), None)

    def walk(self) -> Iterator[Part]:
        yield self
        for child in self.children:
            yield from child.walk()


@cache
def _usual(qualified: str) -> str:
    return name_of(qualified)


def name_of(qualified: str, namespaces: Mapping[str, str] = PREFIXES) -> str:
    """`{uri}local` with the usual prefix of its namespace, whichever the file uses; unknown namespaces stay."""
    uri, _, local = qualified.rpartition("}")
    if not uri:
        return local
    prefix = namespaces.get(uri[1:])
    return qualified if prefix is None else prefix + local


def part_of(element: etree._Element, namespaces: Mapping[str, str] = PREFIXES) -> Part:
    """The element with everything in it."""
    spelled = _usual if namespaces is PREFIXES else partial(name_of, namespaces=namespaces)
    attributes = {spelled(str(name)): str(value) for name, value in element.items()}
    if ":" in attributes.get("xsi:type", ""):  # a name with a prefix of this file
        prefix, _, local = attributes["xsi:type"].partition(":")
        attributes["xsi:type"] = spelled(f"{{{element.nsmap.get(prefix, prefix)}}}{local}")
    children = [part_of(child, namespaces) for child in element]
    text = element.text or ""
    if children:
        text = " ".join(" ".join((text, *(child.tail or "" for child in element))).split())
    return Part(spelled(str(element.tag)), attributes, text if text.strip() else "", children)


Difference = tuple[Kind, tuple[str, ...], str | None, str | None]
Same = Callable[[str, str, str], bool]
"""Tells whether the values of an attribute or text `name` are the same on both sides."""


def equal(_: str, old: str, new: str) -> bool:
    return old == new


def differences(old: Part, new: Part, path: tuple[str, ...] = (), same: Same = equal) -> Iterator[Difference]:
    """Everything that differs between two elements of one tag: (kind, path, value before, value after)."""
    for name in sorted(old.attributes.keys() | new.attributes.keys()):
        before, after = old.attributes.get(name), new.attributes.get(name)
        if before is None or after is None or not same(name, before, after):
            kind: Kind = "added" if before is None else "removed" if after is None else "changed"
            yield kind, (*path, f"@{name}"), before, after
    if old.text != new.text and not same(path[-1] if path else old.tag, old.text, new.text):
        kind = "changed" if old.text and new.text else "added" if new.text else "removed"
        yield kind, (*path, TEXT), old.text or None, new.text or None
    yield from _children(old, new, path, same)


def _children(old: Part, new: Part, path: tuple[str, ...], same: Same) -> Iterator[Difference]:
    for tag in dict.fromkeys(child.tag for child in (*old.children, *new.children)):
        left = [child for child in old.children if child.tag == tag]
        right = [child for child in new.children if child.tag == tag]
        found = pairs(left, right, lambda one: one.signature, _id, _name, likeness=_likeness, least=0.0)
        for i, j in found:
            if left[i].signature != right[j].signature:
                step = min(left[i].step, right[j].step)  # the same from either side
                yield from differences(left[i], right[j], (*path, step), same)
        for kind, parts, matched in (
            ("removed", left, {pair[0] for pair in found}),
            ("added", right, {pair[1] for pair in found}),
        ):
            for place, part in enumerate(parts):
                if place not in matched:
                    yield from _whole(kind, part, path)  # type: ignore[arg-type]
        if tag not in UNORDERED:
            yield from _order(left, right, found, path)


def _order(left: list[Part], right: list[Part], found: list[Pair], path: tuple[str, ...]) -> Iterator[Difference]:
    def label(pair: Pair) -> str:
        return repr(sorted((left[pair[0]].signature, right[pair[1]].signature)))

    for i, j in sorted(moved(found, label)):
        yield "moved", (*path, min(left[i].step, right[j].step)), str(i + 1), str(j + 1)


def _whole(kind: Kind, part: Part, path: tuple[str, ...]) -> Iterator[Difference]:
    """A part that only one side has: its values one by one, so that each is told; itself where it has none."""
    here = (*path, part.step)
    leaves = [leaf for leaf in values(part) if not inner(leaf[0][-1])] or [((), describe(part))]
    for steps, value in leaves:
        yield kind, here + steps, None if kind == "added" else value, value if kind == "added" else None


def inner(step: str) -> bool:
    """Whether a value only serves the file: an id of a part, the declared type of a text."""
    return step in ("@id", "@xsi:type")


def values(part: Part) -> Iterator[tuple[tuple[str, ...], str]]:
    """(path, value) of every attribute and text in it, but for the attribute that names it in its step."""
    named = part.naming if part.naming != "id" else ""
    for name, value in part.attributes.items():
        if name != named:
            yield (f"@{name}",), value
    if part.text:
        yield (TEXT,), part.text
    for child in part.children:
        for steps, value in values(child):
            yield (child.step, *steps), value


def describe(part: Part) -> str:
    """The whole part in one line."""
    said = [("/".join(step for step in steps if step != TEXT), value) for steps, value in values(part)]
    return "; ".join(f"{where}={value}" if where else value for where, value in said) or part.step


def _id(part: Part) -> str | None:
    return part.attributes.get("id") or None


def _name(part: Part) -> str | None:
    return next((part.attributes[name] for name in NAMES if name != "id" and part.attributes.get(name)), None)


def _likeness(old: Part, new: Part) -> float:
    """Of two elements of one tag that share no name: how many of their values are the same."""
    left, right = set(values(old)), set(values(new))
    return len(left & right) / len(left | right) if left | right else 1.0
