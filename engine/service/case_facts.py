"""What is written in a case, in the words of its forms: for the case page."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Connection

from engine.definitions.bundle import Bundle
from engine.domain.codec import JSON, parse_instant
from engine.domain.organisation import Actor
from engine.kernel.case import Case

from . import case_snapshot, people

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
    key: str
    label: str
    type: str
    options: Mapping[str, str]
    children: tuple[_Field, ...] = ()


def case_data(services: Any, case_id: str, actor: Actor) -> CaseData | None:
    """Everything written in the case so far; None when there is no such case or the actor may not see it."""

    def read(conn: Connection, case: Case) -> CaseData | None:
        if not case_snapshot.sees(conn, case_id, actor):
            return None
        fields: dict[str, JSON] = copy.deepcopy(case.data)
        return CaseData(fields, tuple(_sections(case.bundle, fields, _named(conn))))

    return case_snapshot.of_case(services, case_id, read)


def _named(conn: Connection) -> Mapping[str, Mapping[str, str]]:
    """Names for the values of lists that come from the tables."""
    directory = people.directory(conn)
    return {
        "units_options": {unit.unit_id: unit.name for unit in people.all_units(conn)},
        "lines_options": {line.line_id: line.name for line in directory.lines},
        "people_options": {person.user_id: person.name for person in directory.persons},
    }


def _sections(bundle: Bundle, fields: Mapping[str, JSON], named: Mapping[str, Mapping[str, str]]) -> Iterator[Section]:
    shown: set[str] = set()
    for form_id, label in _steps(bundle):
        form = bundle.forms.get(form_id)
        if form is None:
            continue
        described = [one for one in _fields(form.schema.get("components"), named) if one.key not in shown]
        facts = tuple(fact for one in described if (fact := _fact(one, fields.get(one.key))) is not None)
        shown.update(fact.field for fact in facts)
        if facts:
            yield Section(label, facts)


def _steps(bundle: Bundle) -> Iterator[tuple[str, str]]:
    """(form, name of its step) of every process: start forms first, then in document order."""
    for ident, process in bundle.processes.items():
        if bundle.start_form(ident):
            yield bundle.start_form(ident), process.start.label if process.start.name else process.name
    for process in bundle.processes.values():
        for _, node in process.walk():
            form = node.form or node.properties.get("form", "")
            if form:
                yield form, node.label


def _fields(components: JSON, named: Mapping[str, Mapping[str, str]]) -> Iterator[_Field]:
    """The fields that people fill in; what a form only shows again is left to the form that asked for it."""
    for component in components if isinstance(components, list) else ():
        children = tuple(_fields(component.get("components"), named))
        key = str(component.get("path") or "") if component.get("type") == "dynamiclist" else str(component.get("key") or "")
        if component.get("type") == "dynamiclist" and key:
            yield _Field(key, str(component.get("label") or key), "dynamiclist", {}, children)
        elif children:
            yield from children
        elif key and not component.get("readonly") and not component.get("disabled"):
            label = component.get("label") or component.get("dateLabel") or component.get("timeLabel") or key
            yield _Field(key, str(label), str(component.get("type")), _options(component, named))


def _options(component: Mapping[str, Any], named: Mapping[str, Mapping[str, str]]) -> Mapping[str, str]:
    known = named.get(str(component.get("valuesKey") or component.get("valuesExpression") or "").lstrip("= "), {})
    written = {
        str(option["value"]): str(option.get("label") or option["value"])
        for option in component.get("values") or ()
        if isinstance(option, Mapping) and "value" in option
    }
    return {**known, **written}


def _fact(one: _Field, value: JSON) -> Fact | None:
    """The field with its value in words; None when it holds nothing."""
    if value is None or value == "" or value == []:
        return None
    if isinstance(value, bool):
        return Fact(one.key, one.label, "flag", value)
    if one.children and isinstance(value, list):
        rows = [[fact for child in one.children if (fact := _fact(child, row.get(child.key)))] for row in value if isinstance(row, Mapping)]
        return Fact(one.key, one.label, "rows", rows)
    if isinstance(value, list):
        return Fact(one.key, one.label, "text", "、".join(_word(one, item) for item in value))
    if isinstance(value, Mapping):
        return None
    text = _word(one, value)
    if one.type == "textarea":
        return Fact(one.key, one.label, "long", text)
    if text.startswith(("http://", "https://")):
        return Fact(one.key, one.label, "link", text)
    return Fact(one.key, one.label, "instant" if _is_instant(text) else "text", text)


def _word(one: _Field, value: JSON) -> str:
    return one.options.get(str(value), str(value))


def _is_instant(text: str) -> bool:
    if len(text) < 16 or text[4:5] != "-":
        return False
    try:
        parse_instant(text)
    except ValueError:
        return False
    return True
