"""Decision tables examined before they run: holes, rules that fit together, rules that never fire, outputs not allowed.

Only what can be decided is said: tables whose cells are literals, lists, ranges and comparisons (see `dmn_gaps`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Literal

from engine.definitions.bundle import Bundle
from engine.definitions.dmn import DecisionModel
from engine.definitions.dmn_gaps import NOWHEN, GapFinding, gaps_and_overlaps
from engine.definitions.dmn_model import Boxed, Decision, Logic, Output, Rule, Table
from engine.definitions.model import Finding
from engine.feel import FeelEvaluationError, to_json
from engine.feel.operators import equal
from engine.feel.run import Run

COLLECTING = ("COLLECT", "RULE ORDER", "OUTPUT ORDER")
MAX_HOLES = 3
"""Examples of holes told of one table: who mends it looks again."""
Severity = Literal["error", "warning", "info"]


def check_tables(bundle: Bundle) -> list[Finding]:
    """Findings about every decision table of a bundle, each with an example input where there is one.

    A hole is a warning. Rules that fit together where one alone may are an error when the columns are different fields
    of a case, because people will then enter such a case; else a warning, because the columns may depend on each other.
    """
    found: list[Finding] = []
    for model in {id(model): model for model in bundle.decisions.values()}.values():
        for decision in tables_of(model):
            path = bundle.decision_files.get(next(iter(model.decisions), ""), "")
            gaps = gaps_and_overlaps(decision, bundle.parameters)
            holes = [one for one in gaps if one.kind == "gap"][:MAX_HOLES]
            others = [one for one in gaps if one.kind != "gap" and _told(decision, one)]
            found += (_finding(path, decision, one) for one in [*holes, *others])
            found += _outputs(path, decision)
    return found


def tables_of(model: DecisionModel) -> Iterator[Decision]:
    """Every decision table of a file, those in boxes and business knowledge models too, as a decision of its own."""
    for decision in model.decisions.values():
        yield from (replace(decision, logic=table) for table in _tables_in(decision.logic))
    for known in model.knowledge.values():
        for table in _tables_in(known.function):
            yield Decision(known.id, known.name, known.line, known.variable, "", table, (), frozenset())


def _tables_in(logic: Logic) -> Iterator[Table]:
    if isinstance(logic, Table):
        yield logic
    elif isinstance(logic, Boxed):
        for part in logic.parts:
            yield from _tables_in(part.logic)


def _told(decision: Decision, gap: GapFinding) -> bool:
    """A table that collects has no holes and no rules too many: nothing is lost when it cannot be analysed."""
    table = decision.logic
    return gap.kind != "not_analysed" or (isinstance(table, Table) and table.hit_policy not in COLLECTING)


def _finding(path: str, decision: Decision, gap: GapFinding) -> Finding:
    table = decision.logic
    assert isinstance(table, Table)
    rules = {rule.number: rule for rule in table.rules}
    first = rules.get(gap.rules[0]) if gap.rules else None
    line = first.line if first is not None else table.line or decision.line
    details: dict[str, object] = {"rules": ", ".join(map(str, gap.rules)), "example": worded(gap.example)}
    if gap.kind == "not_analysed":
        return _made("info", path, decision, line, gap.reason, {"column": gap.column})
    if gap.kind == "gap":
        return _made("warning", path, decision, line, "dmn.gap", details)
    if gap.kind == "never":
        return _made("warning", path, decision, line, "dmn.rule_never", details)
    names = [column.expression.text.strip() for column in table.inputs]
    apart = len(set(names)) == len(names) and all(column.plain for column in table.inputs)
    return _made("error" if apart else "warning", path, decision, line, "dmn.overlap", details)


def _made(
    severity: Severity, path: str, decision: Decision, line: int, key: str, details: dict[str, object]
) -> Finding:
    return Finding(severity, path, decision.id, decision.name, line, key, details)


def worded(example: tuple[tuple[str, object], ...]) -> str:
    """An example input as people read it: `媒体数 = 6, 中央媒体 = true`."""
    return ", ".join(f"{label} = {_word(value)}" for label, value in example)


def _word(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "-" if value is None else str(value)


def _outputs(path: str, decision: Decision) -> Iterator[Finding]:
    """Output cells with a literal that the column does not allow."""
    table = decision.logic
    assert isinstance(table, Table)
    for rule in table.rules:
        for output, value in _literal_outputs(table, rule):
            if output.values and not any(equal(value, one, Run(NOWHEN)) for one in output.values):
                details: dict[str, object] = {"rule": rule.number, "output": output.label, "value": to_json(value)}
                element = rule.id or decision.id
                yield Finding("warning", path, element, decision.name, rule.line, "dmn.output_not_allowed", details)


def _literal_outputs(table: Table, rule: Rule) -> Iterator[tuple[Output, object]]:
    for output, cell in zip(table.outputs, rule.outputs, strict=True):
        if cell is None or cell.names or cell.inner_names:
            continue
        try:
            value = cell.evaluate({}, NOWHEN)
        except FeelEvaluationError:
            continue
        if value is not None and not isinstance(value, list):
            yield output, value
