"""What is written in a case, in the words of its forms: for the case page."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, Final, Literal

from sqlalchemy import Connection

from engine.definitions.bundle import Bundle
from engine.domain.codec import JSON, parse_instant
from engine.domain.organisation import Actor
from engine.kernel.case import Case
from engine.readmodels import dossier

from . import case_snapshot, people, people_kept

Kind = Literal["text", "long", "instant", "link", "flag", "rows"]


@dataclass(frozen=True, slots=True)
class Fact:
    """One field. `value`: text, bool for `flag`, rows of facts for `rows`. `label`: as on the form."""

    field: str
    label: str
    kind: Kind
    value: JSON


@dataclass(frozen=True, slots=True)
class Section:
    """The fields of one step's form that hold something. `label`: name of the step."""

    label: str
    facts: tuple[Fact, ...]


@dataclass(frozen=True, slots=True)
class CaseData:
    """`fields`: the case's own data as stored. `sections`: the same for reading, in the order of the process."""

    fields: Mapping[str, JSON]
    sections: tuple[Section, ...]


@dataclass(frozen=True, slots=True)
class _Field:
    """`listed`: the list of the tables that its values come from, or ''. `written`: value -> label, as in the form."""

    key: str
    label: str
    type: str
    listed: str
    written: Mapping[str, str]
    children: tuple[_Field, ...] = ()


MOST_FORMS: Final = 2000
"""Forms whose fields are kept, of all versions."""
_FIELDS: dict[tuple[str, str], tuple[_Field, ...]] = {}


@dataclass(frozen=True, slots=True)
class Words:
    """What values are called. `units`: unit id -> name; `options`: list of the tables -> value -> label."""

    units: Mapping[str, str]
    options: Mapping[str, Mapping[str, str]]


def case_data(services: Any, case_id: str, actor: Actor) -> CaseData | None:
    """Everything written in the case so far; None when there is no such case or the actor may not see it."""

    def read(conn: Connection, case: Case) -> CaseData | None:
        return written(conn, case, case_id) if case_snapshot.sees(conn, case_id, actor) else None

    return case_snapshot.of_case(services, case_id, read)


def written(conn: Connection, case: Case, case_id: str) -> CaseData:
    """The same from a snapshot, for who may see the case."""
    fields: dict[str, JSON] = copy.deepcopy(case.data)
    steps = _steps(case.bundle, dossier.tasks_of(conn, case_id))
    return CaseData(fields, tuple(_all_sections(case.bundle, fields, steps, words(conn))))


def filed(bundle: Bundle, form_id: str, values: Mapping[str, JSON], named: Words) -> tuple[Fact, ...]:
    """What one submission of a form says, in the order of the form; () for a form that the bundle does not have."""
    described = _of_form(bundle, form_id)
    return tuple(fact for one in described if (fact := _fact(one, values.get(one.key), named)) is not None)


def labels(bundle: Bundle) -> Mapping[str, str]:
    """What people call the fields of the bundle's forms: key -> label of the first form that has it."""
    found: dict[str, str] = {}
    for ident in sorted(bundle.forms):
        for one in _of_form(bundle, ident):
            found.setdefault(one.key, one.label)
    return found


def value_words(conn: Connection, bundle: Bundle) -> Mapping[str, str]:
    """Value -> label for every option of the bundle's forms that means one thing only, and for lines and units."""
    named = words(conn)
    found: dict[str, set[str]] = {}
    for ident in bundle.forms:
        for one in _of_form(bundle, ident):
            for value, label in {**named.options.get(one.listed, {}), **one.written}.items():
                found.setdefault(value, set()).add(label)
    clear = {value: min(labels) for value, labels in found.items() if len(labels) == 1}
    return {**clear, **named.options["lines_options"], **named.units}


def words(conn: Connection) -> Words:
    """Names for the values of lists that come from the tables; shared, not to be changed."""
    return people_kept.kept(conn, "words", _words)


def _words(conn: Connection) -> Words:
    directory = people.directory(conn)
    units = {unit.unit_id: unit.name for unit in people.all_units(conn)}
    options = {
        "units_options": units,
        "lines_options": {line.line_id: line.name for line in directory.lines},
        "people_options": {person.user_id: person.name for person in directory.persons},
    }
    return Words(units, options)


def _all_sections(
    bundle: Bundle, fields: Mapping[str, JSON], steps: list[tuple[str, str]], named: Words
) -> Iterator[Section]:
    """By step: the case's own fields and those of each unit that handled it, collected by multi-instance activities."""
    found = [*_sections(bundle, fields, steps, named, "")]
    collected = {
        node.properties.get("collectInto") for process in bundle.processes.values() for _, node in process.walk()
    }
    for name in sorted(one for one in collected if one):
        rows = fields.get(name)
        for row in rows if isinstance(rows, list) else ():
            if isinstance(row, Mapping):
                unit = row.get("unit")
                ident = str(unit.get("id") or "") if isinstance(unit, Mapping) else str(unit or "")
                found += _sections(bundle, row, steps, named, named.units.get(ident, ident))
    yield from (section for _, section in sorted(found, key=itemgetter(0)))


def _sections(
    bundle: Bundle, fields: Mapping[str, JSON], steps: list[tuple[str, str]], named: Words, whose: str
) -> Iterator[tuple[int, Section]]:
    """(place of the step, section)."""
    shown: set[str] = set()
    for place, (form_id, label) in enumerate(steps):
        described = [one for one in _of_form(bundle, form_id) if one.key not in shown]
        facts = tuple(fact for one in described if (fact := _fact(one, fields.get(one.key), named)) is not None)
        shown.update(fact.field for fact in facts)
        if facts:
            yield place, Section(f"{label}（{whose}）" if whose else label, facts)


def _steps(bundle: Bundle, tasks: tuple[dossier.TaskRow, ...]) -> list[tuple[str, str]]:
    """(form, name of its step), each form once: start forms, then in the order in which tasks were done, then the
    rest as drawn."""
    steps: dict[str, str] = {}
    for ident, process in bundle.processes.items():
        if bundle.start_form(ident):
            steps.setdefault(bundle.start_form(ident), process.start.label if process.start.name else process.name)
    for task in sorted((task for task in tasks if task.completed_seq), key=lambda task: task.completed_seq):
        steps.setdefault(task.form, task.label)
    for process in bundle.processes.values():
        for _, node in process.walk():
            steps.setdefault(node.form or node.properties.get("form", ""), node.label)
    return [(form, label) for form, label in steps.items() if form]


def _of_form(bundle: Bundle, form_id: str) -> tuple[_Field, ...]:
    """The fields of a form in its order; () for one that the bundle has not. Read once a version: a page of a case asks
    for every form."""
    key = (bundle.version, form_id)
    if key not in _FIELDS:
        form = bundle.forms.get(form_id)
        if len(_FIELDS) > MOST_FORMS:
            _FIELDS.clear()
        _FIELDS[key] = () if form is None else tuple(_fields(form.schema.get("components")))
    return _FIELDS[key]


def _fields(components: JSON) -> Iterator[_Field]:
    """The fields that people fill in; what a form only shows again is left to the form that asked for it."""
    for component in components if isinstance(components, list) else ():
        children = tuple(_fields(component.get("components")))
        key = str(component.get("path" if component.get("type") == "dynamiclist" else "key") or "")
        if component.get("type") == "dynamiclist" and key:
            yield _Field(key, str(component.get("label") or key), "dynamiclist", "", {}, children)
        elif children:
            yield from children
        elif key and not component.get("readonly") and not component.get("disabled"):
            label = component.get("label") or component.get("dateLabel") or component.get("timeLabel") or key
            listed = str(component.get("valuesKey") or component.get("valuesExpression") or "").lstrip("= ")
            yield _Field(key, str(label), str(component.get("type")), listed, _written(component))


def _written(component: Mapping[str, Any]) -> Mapping[str, str]:
    return {
        str(option["value"]): str(option.get("label") or option["value"])
        for option in component.get("values") or ()
        if isinstance(option, Mapping) and "value" in option
    }


def _fact(one: _Field, value: JSON, named: Words) -> Fact | None:
    """The field with its value in words; None when it holds nothing."""
    if value is None or value == "" or value == []:
        return None
    if isinstance(value, bool):
        return Fact(one.key, one.label, "flag", value)
    if one.children and isinstance(value, list):
        rows = [
            [fact for child in one.children if (fact := _fact(child, row.get(child.key), named))]
            for row in value
            if isinstance(row, Mapping)
        ]
        return Fact(one.key, one.label, "rows", rows)
    if isinstance(value, list):
        return Fact(one.key, one.label, "text", "、".join(_word(one, item, named) for item in value))
    if isinstance(value, Mapping):
        return None
    text = _word(one, value, named)
    if one.type == "textarea":
        return Fact(one.key, one.label, "long", text)
    if text.startswith(("http://", "https://")):
        return Fact(one.key, one.label, "link", text)
    return Fact(one.key, one.label, "instant" if _is_instant(text) else "text", text)


def _word(one: _Field, value: JSON, named: Words) -> str:
    text = str(value)
    return one.written.get(text) or named.options.get(one.listed, {}).get(text, text)


def _is_instant(text: str) -> bool:
    if len(text) < 16 or text[4:5] != "-":
        return False
    try:
        parse_instant(text)
    except ValueError:
        return False
    return True
