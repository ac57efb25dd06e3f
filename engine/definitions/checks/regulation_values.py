"""Sample case data: what forms, scripts and decisions can write, and what expressions make of it.

The walk needs no arithmetic of its own: it asks FEEL, with one sample for each kind of answer that matters. A value
that another thread may change meanwhile is `STAR`; an expression over it has every outcome that its domain gives.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from engine import feel
from engine.definitions.bundle import Bundle
from engine.definitions.dmn import Table
from engine.definitions.form_model import MANY, ONE, Component
from engine.domain.calendar import ZONE

DISCOVERED: Final = datetime(2026, 3, 2, 10, 0, tzinfo=ZONE)
NOW: Final = datetime(2026, 3, 2, 14, 0, tzinfo=ZONE)
"""Samples: a Monday morning and the same afternoon. `now()` is NOW wherever a script runs."""
LATER: Final = NOW + timedelta(days=400)
"""A condition that asks the clock is asked at NOW and at LATER: time is free."""
OTHER_MOMENT: Final = datetime(2026, 3, 3, 15, 0, tzinfo=ZONE).isoformat()
NULL: Final = 0
STAR: Final = 1
MAX_OUTCOMES: Final = 48
MAX_OPTIONS: Final = 8


def instant(moment: datetime) -> str:
    return moment.isoformat()


class Store:
    """Values as small whole numbers, so that states compare fast. 0 is null, 1 is STAR."""

    def __init__(self) -> None:
        self.values: list[Any] = [None, None]
        self._ids: dict[str, int] = {"null": NULL}

    def id(self, value: Any) -> int:
        key = json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)
        found = self._ids.get(key)
        if found is None:
            found = self._ids[key] = len(self.values)
            self.values.append(value)
        return found


def names_in(text: str, written: Iterable[str] = ()) -> frozenset[str]:
    """Case fields that an expression reads, those inside filters where they are known fields; none if unreadable."""
    expression = compiled(text)
    if expression is None:
        return frozenset()
    return expression.names | (expression.inner_names & frozenset(written))


def compiled(text: str) -> feel.Expression | None:
    try:
        return feel.compile_expression(text)
    except feel.FeelSyntaxError:
        return None


def evaluated(text: str, data: Mapping[str, Any], now: datetime, bundle: Bundle | None = None) -> Any:
    """The FEEL value, null for what can't be evaluated: at run time that is an incident, never a passed condition."""
    expression = compiled(text)
    if expression is None:
        return None
    calendar = bundle.calendar if bundle is not None else None
    try:
        return expression.evaluate(data, feel.Environment(now=now, calendar=calendar))
    except feel.FeelEvaluationError:
        return None


def spoken_in(texts: Iterable[str]) -> frozenset[str]:
    """Text literals in expressions."""
    return frozenset(found for text in texts for found in re.findall(r'"([^"]*)"', text))


def json_of(value: Any) -> Any:
    """A FEEL value as case data keeps it."""
    try:
        return feel.to_json(value)
    except feel.FeelEvaluationError:
        return None


class Field:
    """What a form may write to one top-level field. `hide`: FEEL; while it holds nothing is written."""

    __slots__ = ("hide", "name", "options")

    def __init__(self, name: str, options: list[Any], hide: tuple[str, ...]) -> None:
        self.name, self.options, self.hide = name, options, hide


def form_fields(bundle: Bundle, form: str, spoken: frozenset[str]) -> list[Field]:
    """The fields that a submission of a form writes, in document order; disabled and computed ones are not its own.

    `spoken`: texts that some expression compares with; options that none does are all alike, so one stands for them.
    """
    known = bundle.forms.get(form)
    return list(_fields(known.components, (), spoken)) if known is not None else []


def _fields(components: tuple[Component, ...], hide: tuple[str, ...], spoken: frozenset[str]) -> Iterator[Field]:
    for component in components:
        own = hide
        if component.hide:
            own = (*hide, component.hide.strip().removeprefix("="))
        if component.disabled or component.attributes.get("readonly") is True or component.type == "expression":
            continue
        if component.repeated and component.segments:
            row = {one.name: one.options[0] for one in _fields(component.children, (), spoken)}
            yield Field(component.segments[0], [[row]], own)
        elif component.children and component.segments:
            part = {one.name: one.options[0] for one in _fields(component.children, (), spoken)}
            yield Field(component.segments[0], [part], own)
        elif component.children:
            yield from _fields(component.children, own, spoken)
        elif component.keyed:
            yield Field(component.segments[0], _options(component, spoken), own)


def _options(component: Component, spoken: frozenset[str]) -> list[Any]:
    """Sample answers. A field that may stay empty has the empty answer among them."""
    name = component.segments[-1]
    required = component.validate.get("required") is True
    if component.type == "checkbox":
        return [True] if required else [True, False]
    listed = component.attributes.get("values")
    values = [one.get("value") for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    if component.type in MANY:
        chosen = [*values[:2]] or [f"{name}.1", f"{name}.2"]
        return [chosen] if required else [chosen, []]
    if component.type in ONE:
        alike = [value for value in values if value not in spoken]
        found: list[Any] = [v for v in values if v in spoken][:MAX_OPTIONS] + alike[:1] or [f"{name}.1"]
    elif component.type == "number":
        found = [0, 1_000_000]
    elif component.type == "datetime":
        found = [instant(DISCOVERED) if name == "discovered_at" else OTHER_MOMENT]
    elif component.type == "filepicker":
        found = [[f"{name}.1"]]
    else:
        found = [f"{name}.1"]
    return found if required else [*found, None]


def decision_options(bundle: Bundle, decision: str, shape: str) -> list[Any]:
    """Results that a decision can have, shaped as `mapDecisionResult` says; `[{}]` for what is no table."""
    model = bundle.decisions.get(decision)
    logic = model.decisions[decision].logic if model is not None and decision in model.decisions else None
    if not isinstance(logic, Table):
        return [{}]
    rows: list[dict[str, Any]] = []
    for rule in logic.rules:
        row = {}
        for output, cell in zip(logic.outputs, rule.outputs, strict=True):
            row[output.name] = json_of(evaluated(cell.text, {}, NOW)) if cell is not None else None
        if row not in rows:
            rows.append(row)
    if shape == "collectEntries":
        first = logic.outputs[0].name
        return [[row[first] for row in rows[:2]]]
    if shape == "singleEntry":
        first = logic.outputs[0].name
        return [row[first] for row in rows[:MAX_OPTIONS]]
    if shape == "resultList":
        return [rows[:2]]
    return [dict(row) for row in rows[:MAX_OPTIONS]] or [{}]


class Domains:
    """For each field the values that anything in the bundle can give it: what a STAR may stand for."""

    def __init__(self) -> None:
        self.values: dict[str, list[Any]] = {}

    def add(self, name: str, values: Iterable[Any]) -> bool:
        known = self.values.setdefault(name, [None])
        before = len(known)
        for value in values:
            if value not in known and len(known) < MAX_OPTIONS + 1:
                known.append(value)
        return len(known) > before

    def sample(self) -> dict[str, Any]:
        """One value for each field, the first that is not null."""
        return {name: next((v for v in values if v is not None), None) for name, values in self.values.items()}

    def choices(self, names: list[str]) -> Iterator[dict[str, Any]]:
        """Every combination for the named fields, at most MAX_OUTCOMES."""
        options = [self.values.get(name, [None]) for name in names]
        for values in itertools.islice(itertools.product(*options), MAX_OUTCOMES):
            yield dict(zip(names, values, strict=True))
