"""What differs between two DMN files: decisions by id, their tables by rule, everything else by attribute and text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from lxml import etree

from .diff_effects import INNER, NOTES
from .diff_elements import Element, Matched, match
from .diff_layout import changes as layout_changes
from .diff_model import Change, Effect, Subject
from .diff_tables import Column, Row, Tables
from .diff_xml import PREFIXES, Part, describe, differences, part_of
from .xml import parse

LAYOUT: Final = frozenset({"dmndi:DMNDI", "DMNDI"})
ROOT: Final = "definitions"
TEXTS: Final = frozenset({"@name", "@label", "description", "question", "allowedAnswers"})


@dataclass(slots=True)
class Decisions:
    """One side: decisions and what they need, by key; their tables; the picture."""

    elements: dict[str, Element]
    tables: dict[str, Part]
    diagrams: list[Part]

    def subjects(self) -> dict[str, Subject]:
        return {key: one.subject for key, one in self.elements.items()}


@dataclass(frozen=True, slots=True)
class TableView:
    """Two versions of a decision's table, to be painted over one another."""

    decision: str
    name: str
    policy: tuple[str, str]
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]


def diff(before: bytes, after: bytes) -> list[Change]:
    """All differences. Raises XmlRefused when one of the two can't be read."""
    old, new = read(before), read(after)
    matched = match(old.elements, new.elements)
    found: list[Change] = []
    for key, twin in matched.same.items():
        found += _changed(old, new, key, twin, matched)
    twins = set(matched.same.values())
    for key, one in old.elements.items():
        if key not in matched.same:
            found.append(Change("removed", "decision", one.subject, None, (), _whole(old, key), None))
    for key, one in new.elements.items():
        if key not in twins:
            found.append(Change("added", "decision", None, one.subject, (), None, _whole(new, key)))
    found += layout_changes(old.diagrams, new.diagrams, matched, old.subjects(), new.subjects())
    return found


def views(before: bytes, after: bytes) -> list[TableView]:
    """The tables that both files have, aligned; a table that only one has is laid over an empty one."""
    old, new = read(before), read(after)
    matched = match(old.elements, new.elements)
    back = {twin: key for key, twin in matched.same.items()}
    found = []
    for key, table in new.tables.items():
        found.append(_view(new.elements[key].subject, old.tables.get(back.get(key, "")), table))
    for key, table in old.tables.items():
        if matched.same.get(key) not in new.tables:
            found.append(_view(old.elements[key].subject, table, None))
    return found


def _view(subject: Subject, old: Part | None, new: Part | None) -> TableView:
    nothing = Part("decisionTable", {}, "")
    tables = Tables(old or nothing, new or nothing)
    columns, rows = tables.view()
    return TableView(subject.id, subject.label, tables.policy, columns, rows)


def read(data: bytes) -> Decisions:
    """Raises XmlRefused."""
    root = parse(data)
    decisions = Decisions({}, {}, [])
    part = part_of(root, _namespaces(root))
    part.attributes["xmlns"] = etree.QName(root).namespace or ""
    own = []
    for child in part.children:
        if child.tag in LAYOUT:
            decisions.diagrams.append(child)
        elif child.get("id"):
            _take(decisions, child)
        else:
            own.append(child)
    decisions.elements[ROOT] = Element(
        ROOT,
        Part(part.tag, part.attributes, part.text, own),
        "",
        Subject(part.get("id") or ROOT, part.get("name"), ROOT),
    )
    for element in list(decisions.elements.values()):
        for inside in element.part.walk():
            if (needed := inside.get("href").removeprefix("#")) in decisions.elements:
                element.near.add((inside.tag, needed))
                decisions.elements[needed].near.add((f"of {inside.tag}", element.key))
    return decisions


def _namespaces(root: etree._Element) -> Mapping[str, str]:
    """Every version of DMN spells its elements alike; which one it is is told at the root."""
    found = dict(PREFIXES)
    for element in root.iter():
        uri = etree.QName(element).namespace or ""
        if "/spec/DMN/" in uri and uri not in found:
            found[uri] = next(
                (p for end, p in (("/DMNDI/", "dmndi:"), ("/DC/", "dc:"), ("/DI/", "di:")) if end in uri), ""
            )
    return found


def _take(decisions: Decisions, part: Part) -> None:
    name, number = part.attributes["id"], 1
    while name in decisions.elements:
        number += 1
        name = f"{part.attributes['id']}#{number}"
    tables = [child for child in part.children if child.tag == "decisionTable"]
    if len(tables) == 1:
        decisions.tables[name] = tables[0]
    rest = [child for child in part.children if child.tag != "decisionTable" or len(tables) != 1]
    attributes = {n: v for n, v in part.attributes.items() if n != "id"}
    subject = Subject(part.attributes["id"], part.get("name"), part.tag)
    decisions.elements[name] = Element(name, Part(part.tag, attributes, part.text, rest), ROOT, subject)


def _changed(old: Decisions, new: Decisions, key: str, twin: str, matched: Matched) -> Iterator[Change]:
    one, other = old.elements[key], new.elements[twin]
    if key in matched.guessed:
        yield Change("renamed", "decision", one.subject, other.subject, ("@id",), key, twin)
    if one.type != other.type:
        yield Change("changed", "decision", one.subject, other.subject, ("@type",), one.type, other.type)
    for kind, path, before, after in differences(one.part, other.part, same=matched.equal):
        yield Change(kind, _effect(min(one.type, other.type), path), one.subject, other.subject, path, before, after)
    left, right = old.tables.get(key), new.tables.get(twin)
    if left is not None and right is not None:
        # The name from both sides, so that a renamed decision reads the same backwards.
        yield from Tables(left, right).changes((min(one.subject.label, other.subject.label),))
    elif left is not None:
        yield Change("removed", "decision", one.subject, other.subject, ("decisionTable",), describe(left), None)
    elif right is not None:
        yield Change("added", "decision", one.subject, other.subject, ("decisionTable",), None, describe(right))


def _effect(type_: str, path: tuple[str, ...]) -> Effect:
    last = path[-1]
    if any(step.startswith(("biodi:", "@biodi:")) for step in path):
        return "layout"
    if last in INNER or (type_ == ROOT and (last.startswith(NOTES) or last[1:].startswith(NOTES))):
        return "technical"
    return "text" if last in TEXTS or path[0] in TEXTS else "decision"


def _whole(side: Decisions, key: str) -> str:
    table = side.tables.get(key)
    return "; ".join(describe(part) for part in (side.elements[key].part, table) if part is not None)
