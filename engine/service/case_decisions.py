"""Why a decision table gave what it gave: the rules that fired, with their conditions and what they were asked of."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from engine.definitions.bundle import Bundle
from engine.definitions.checks.tables import tables_of
from engine.definitions.dmn import DecisionModel, Table
from engine.domain.codec import JSON
from engine.journal.entry import StoredEntry

from . import case_snapshot

_CLAUSES: Final = re.compile(r"^(R[0-9]+[\s,、]*)+")
_LITERAL: Final = re.compile(r'"([A-Za-z][A-Za-z0-9_]*)"')
"""Output values that are ids and no words."""


@dataclass(frozen=True, slots=True)
class FiredRule:
    """`number`: row of the table, from 1. `conditions`: (column, cell as written) of cells that test something.
    `results`: (column, cell as written). `annotation`: the rule's own remark, "" if none."""

    decision: str
    number: int
    conditions: tuple[tuple[str, str], ...]
    results: tuple[tuple[str, str], ...]
    annotation: str


@dataclass(frozen=True, slots=True)
class Made:
    """One decision of a case. `step`: name of the element; `inputs`: (column, value given)."""

    seq: int
    at: datetime
    step: str
    decision: str
    rules: tuple[FiredRule, ...]
    inputs: tuple[tuple[str, JSON], ...]
    result: JSON


def decisions(services: Any, case_id: str) -> tuple[Made, ...]:
    """Every decision of the case in order. Requires that the caller asked who may read the case."""
    entries = case_snapshot.entries(services, case_id)
    bundles = {version: services.deployments.bundle(version) for version in {entry.bundle for entry in entries}}
    return tuple(made for entry in entries for made in made_in(bundles[entry.bundle], entry))


def names(bundle: Bundle) -> Mapping[str, str]:
    """What people call decisions, and the columns that tables give: id or name -> label."""
    tables = [decision.logic for model in bundle.decisions.values() for decision in model.decisions.values()]
    columns = {
        output.name: output.label
        for table in tables
        if isinstance(table, Table)
        for output in table.outputs
        if output.name and output.label
    }
    return {**columns, **{ident: _name(bundle, ident) for ident in bundle.decisions}}


def value_notes(bundle: Bundle) -> Mapping[str, str]:
    """What tables say of a value they give: the remark of the one rule that gives it, without its clause numbers."""
    found: dict[str, set[str]] = {}
    for model in {id(one): one for one in bundle.decisions.values()}.values():
        for decision in tables_of(model):
            for rule in decision.logic.rules if isinstance(decision.logic, Table) else ():
                remark = _CLAUSES.sub("", rule.annotation).strip()
                for cell in rule.outputs:
                    literal = _LITERAL.fullmatch(cell.text.strip()) if cell is not None else None
                    if literal is not None and remark:
                        found.setdefault(literal[1], set()).add(remark)
    return {value: min(remarks) for value, remarks in found.items() if len(remarks) == 1}


def made_in(bundle: Bundle, entry: StoredEntry) -> Iterator[Made]:
    """The decisions that one entry of the journal tells of, in the words of the bundle it ran on."""
    labels = _input_labels(bundle)
    for event in entry.events:
        if event["kind"] != "DecisionMade":
            continue
        fired = tuple(_fired(bundle, rule) for rule in event.get("rules", ()))
        inputs: Mapping[str, JSON] = event.get("inputs") or {}
        yield Made(
            entry.seq,
            entry.at,
            _step(bundle, event["element"]),
            _name(bundle, event["decision"]),
            fired,
            tuple((labels.get(name, name), value) for name, value in inputs.items()),
            event.get("result"),
        )


def _fired(bundle: Bundle, rule: Mapping[str, JSON]) -> FiredRule:
    number, table = int(rule["rule"]), _table(bundle, str(rule["decision"]), str(rule.get("rule_id") or ""))
    name = _name(bundle, str(rule["decision"]))
    annotation = str(rule.get("annotation") or "")
    if table is None or not 1 <= number <= len(table.rules):
        return FiredRule(name, number, (), (), annotation)
    row = table.rules[number - 1]
    conditions = tuple(
        (table.inputs[column].label or table.inputs[column].expression.text, test.text) for column, test in row.tests
    )
    results = tuple(
        (output.label or output.name, cell.text)
        for output, cell in zip(table.outputs, row.outputs, strict=True)
        if cell is not None
    )
    return FiredRule(name, number, conditions, results, annotation or row.annotation)


def _table(bundle: Bundle, owner: str, rule_id: str) -> Table | None:
    """The table of a decision, of a box in it or of a business knowledge model, that has the rule."""
    model = _model(bundle, owner)
    found = [one.logic for one in tables_of(model) if one.id == owner] if model is not None else []
    tables = [table for table in found if isinstance(table, Table)]
    having = [table for table in tables if any(rule.id == rule_id for rule in table.rules)]
    return next(iter(having or tables), None)


def _model(bundle: Bundle, owner: str) -> DecisionModel | None:
    """The file that has a decision or a business knowledge model of that id."""
    known = bundle.decisions.get(owner)
    return known or next((one for one in bundle.decisions.values() if owner in one.knowledge), None)


def _input_labels(bundle: Bundle) -> dict[str, str]:
    return {
        column.id: column.label or column.expression.text
        for model in bundle.decisions.values()
        for decision in tables_of(model)
        if isinstance(decision.logic, Table)
        for column in decision.logic.inputs
    }


def _name(bundle: Bundle, ident: str) -> str:
    model = _model(bundle, ident)
    found = None if model is None else model.decisions.get(ident) or model.knowledge.get(ident)
    return ident if found is None else found.name or ident


def _step(bundle: Bundle, element: str) -> str:
    for process in bundle.processes.values():
        for _, node in process.walk():
            if node.id == element:
                return node.label
    return element
