"""Decision tables that the regulation relies on: no hole, and the outcomes that its words ask for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from engine import feel
from engine.definitions.bundle import Bundle
from engine.definitions.dmn import Decision, Table, gaps_and_overlaps
from engine.definitions.model import Node, Process

from .regulation_profile import Rule
from .regulation_values import NOW, json_of

Broken = tuple[str, dict[str, object]]
"""(finding key, details)."""


def uses(bundle: Bundle, decision: str) -> list[tuple[Process, Node]]:
    """Business rule tasks that ask a decision."""
    found = []
    for process in bundle.processes.values():
        found += [(scope, node) for scope, node in process.walk() if node.decision == decision]
    return found


def broken(bundle: Bundle, rule: Rule) -> Iterator[Broken]:
    """What is wrong with the decision of a rule."""
    model = bundle.decisions.get(rule.decision)
    decision = model.decisions.get(rule.decision) if model is not None else None
    if decision is None:
        yield "regulation.table_gone", {"decision": rule.decision}
        return
    tasks = uses(bundle, rule.decision)
    if not tasks:
        yield "regulation.table_unused", {"decision": rule.decision}
    shapes = {node.map_result for _, node in tasks} or {"singleResult"}
    for gap in gaps_and_overlaps(decision):
        if gap.kind == "gap":
            shown = ", ".join(f"{name} = {value}" for name, value in gap.example)
            yield "regulation.table_gap", {"decision": rule.decision, "example": shown}
            break
    for expected in rule.expect:
        for shape in sorted(shapes):
            yield from _wrong(bundle, decision, rule, expected, shape)


def _wrong(bundle: Bundle, decision: Decision, rule: Rule, expected: Mapping[str, Any], shape: str) -> Iterator[Broken]:
    """The table must give `give` for `when`, whatever its other inputs are: all empty, one set, all set."""
    when, give = dict(expected.get("when", {})), dict(expected.get("give", {}))
    for others in _others(decision, set(when) | set(expected.get("but", ()))):
        data = {**bundle.parameters, **others, **when}
        value = _result(bundle, rule.decision, data)
        if not _gives(value, give, shape):
            shown = ", ".join(f"{name} = {item}" for name, item in {**others, **when}.items()) or "-"
            wanted = ", ".join(f"{name} = {item}" for name, item in give.items())
            yield (
                "regulation.table_wrong",
                {"decision": rule.decision, "example": shown, "wanted": wanted, "got": str(value)[:200]},
            )
            return


def _others(decision: Decision, fixed: set[str]) -> Iterator[dict[str, Any]]:
    logic = decision.logic
    if not isinstance(logic, Table):
        yield {}
        return
    values: dict[str, Any] = {}
    for column in logic.inputs:
        name = column.expression.text.strip()
        if name.isidentifier() and name not in fixed:
            values[name] = 1_000_000 if column.type in ("number", "integer", "long", "double") else True
    yield {}
    for name, value in values.items():
        yield {name: value}
    yield values


def _result(bundle: Bundle, decision: str, data: Mapping[str, Any]) -> Any:
    try:
        return json_of(bundle.decide(decision, data, feel.Environment(now=NOW, calendar=bundle.calendar)).value)
    except feel.FeelEvaluationError as error:
        return error.message_key


def _gives(value: Any, give: Mapping[str, Any], shape: str) -> bool:
    """Whether a result, as the task that asks takes it, has the wanted outputs."""
    if isinstance(value, list) and shape == "singleResult":
        value = value[0] if len(value) == 1 else None
    if not isinstance(value, Mapping):
        return len(give) == 1 and value == next(iter(give.values()))
    return all(value.get(name) == wanted for name, wanted in give.items())
