"""What implements each clause: elements, tables, forms, limits and checks of a bundle, and the program itself.

What a bundle does is read off its diagrams and tables, never taken from a list: a clause whose element is gone says so.
What the program itself does stands in `clauses.toml`, as paths that a test looks up.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from engine.definitions.bundle import Bundle
from engine.definitions.checks.tables import tables_of
from engine.definitions.dmn import Table

ALL: Final = tuple(f"R{number:02}" for number in range(1, 75))
_NUMBER: Final = re.compile(r"R\d{2}")
_MAPPING: Final = Path(__file__).with_name("clauses.toml")


@dataclass(frozen=True, slots=True)
class Element:
    """An element that carries the clause. `form`: its form, "" if none; `counted`: cases are counted by it (a task,
    or a timer that is a limit)."""

    process: str
    process_name: str
    id: str
    label: str
    kind: str
    file: str
    form: str
    counted: bool


@dataclass(frozen=True, slots=True)
class Rules:
    """Rows of a decision table whose remark names the clause."""

    decision: str
    label: str
    rows: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Guard:
    """A regulation check that would refuse a diagram without the clause, in its own words."""

    kind: str
    says: str
    says_en: str


@dataclass(frozen=True, slots=True)
class Feature:
    """What the program does itself. `at`: path of module, form or page, `#field` behind a form."""

    what: str
    en: str
    at: str


@dataclass(frozen=True, slots=True)
class Clause:
    """`status`: diagram, system, manual, later; or gone: the profile says diagram, but no element carries it.

    `missing`: elements that the profile names and the diagrams lack. `reason`, `issue`: why not, and where it is
    planned (0: nowhere).
    """

    number: str
    title: str
    quote: str
    gloss: str
    note: str
    status: str
    elements: tuple[Element, ...]
    rules: tuple[Rules, ...]
    limits: tuple[str, ...]
    guards: tuple[Guard, ...]
    program: tuple[Feature, ...]
    missing: tuple[str, ...]
    reason: str
    issue: int
    reached: tuple[str, ...] = ()

    @property
    def by_case(self) -> bool:
        """Whether its tasks or limits tell how it fared in a case."""
        return not self.reached and any(element.counted for element in self.elements)

    @property
    def element_ids(self) -> tuple[str, ...]:
        """Elements by which cases are counted where tasks and limits don't tell."""
        return self.reached or tuple(sorted({element.id for element in self.elements}))

    @property
    def forms(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(element.form for element in self.elements if element.form))


@dataclass(frozen=True, slots=True)
class OpenPoint:
    """待明确事项: a gap of the regulation with the default chosen. `approved_by`: "" while nobody has."""

    id: str
    question: str
    chosen: str
    approved_by: str


def clauses(bundle: Bundle) -> tuple[Clause, ...]:
    """R01 to R74 in order, each with what implements it in this bundle and in the program."""
    profile = _table(bundle.regulation.get("clauses"))
    elements, rules, checks = _elements(bundle), _rules(bundle), _guards(bundle)
    known = {f"{one.process}/{one.id}" for found in elements.values() for one in found} | set(_all_elements(bundle))
    limits = {ident: one.get("clauses") or () for ident, one in _table(bundle.regulation.get("limits")).items()}
    return tuple(
        _clause(
            number,
            _table(profile.get(number)),
            tuple(elements.get(number, ())),
            tuple(rules.get(number, ())),
            tuple(ident for ident, named in limits.items() if number in named),
            tuple(checks.get(number, ())),
            known,
        )
        for number in ALL
    )


def open_points(bundle: Bundle) -> tuple[OpenPoint, ...]:
    """The gaps that the profile lists, in its order."""
    found = bundle.regulation.get("open_points")
    names = ("id", "question", "chosen", "approved_by")
    rows = [one for one in found if isinstance(one, Mapping)] if isinstance(found, list) else []
    return tuple(OpenPoint(*(str(one.get(name) or "") for name in names)) for one in rows)


def quotes(bundle: Bundle) -> Mapping[str, tuple[str, str]]:
    """clause -> (title, the regulation's own words), for those that the profile of the bundle quotes."""
    profile = _table(bundle.regulation.get("clauses"))
    rows = {number: _table(one) for number, one in profile.items()}
    return {number: (str(one.get("title") or ""), str(one.get("quote") or "")) for number, one in rows.items()}


@cache
def mapping() -> Mapping[str, Mapping[str, Any]]:
    """clauses.toml as it is."""
    return tomllib.loads(_MAPPING.read_text(encoding="utf-8"))


def _clause(
    number: str,
    profile: Mapping[str, Any],
    elements: tuple[Element, ...],
    rules: tuple[Rules, ...],
    limits: tuple[str, ...],
    guards: tuple[Guard, ...],
    known: set[str],
) -> Clause:
    ours = mapping()[number]
    how = str(profile.get("how") or "")
    status = "diagram" if elements else "gone" if how in ("diagram", "") else how
    named = [str(name) for name in profile.get("elements") or ()]
    return Clause(
        number=number,
        title=str(profile.get("title") or ""),
        quote=str(profile.get("quote") or ""),
        gloss=str(ours["en"]),
        note=str(profile.get("note") or ""),
        status=status,
        elements=elements,
        rules=rules,
        limits=limits,
        guards=guards,
        program=tuple(Feature(one["what"], one["en"], one["at"]) for one in ours.get("by", ())),
        missing=tuple(name for name in named if name not in known),
        reason=str(ours.get("reason") or ""),
        issue=int(ours.get("issue") or 0),
        reached=tuple(one for one in ours.get("reached", ()) if one in {element.id for element in elements}),
    )


def _all_elements(bundle: Bundle) -> Iterator[str]:
    for process in bundle.processes.values():
        for _, node in process.walk():
            yield f"{process.id}/{node.shown}"


def _elements(bundle: Bundle) -> dict[str, list[Element]]:
    found: dict[str, list[Element]] = {}
    for process in bundle.processes.values():
        for _, node in process.walk():
            counted = node.kind == "userTask" or bool(node.event.timer and node.properties.get("limit"))
            form = node.form or node.properties.get("form", "")
            one = Element(
                process.id, process.name or process.id, node.shown, node.label, node.kind, process.file, form, counted
            )
            for number in node.clauses:
                found.setdefault(number, []).append(one)
    return found


def _rules(bundle: Bundle) -> dict[str, list[Rules]]:
    found: dict[str, list[Rules]] = {}
    seen: set[int] = set()
    for model in bundle.decisions.values():
        if id(model) in seen:
            continue
        seen.add(id(model))
        for decision in tables_of(model):
            if not isinstance(decision.logic, Table):
                continue
            rows: dict[str, list[int]] = {}
            for place, rule in enumerate(decision.logic.rules, 1):
                for number in dict.fromkeys(_NUMBER.findall(rule.annotation)):
                    rows.setdefault(number, []).append(place)
            for number, places in rows.items():
                label = decision.name or decision.id
                found.setdefault(number, []).append(Rules(decision.id, label, tuple(places)))
    return found


def _guards(bundle: Bundle) -> dict[str, list[Guard]]:
    found: dict[str, list[Guard]] = {}
    listed = bundle.regulation.get("checks")
    for one in listed if isinstance(listed, list) else ():
        if isinstance(one, Mapping):
            texts = (str(one.get(name) or "") for name in ("kind", "says", "says_en"))
            found.setdefault(str(one.get("clause")), []).append(Guard(*texts))
    return found


def _table(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
