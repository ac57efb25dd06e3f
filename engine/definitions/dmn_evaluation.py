"""Evaluating decisions: hit policies (DMN 1.5, 8.2.10) and the requirement graph.

Result shapes: one output with UNIQUE, FIRST, ANY or PRIORITY is that value, several are a context; COLLECT, RULE ORDER
and OUTPUT ORDER give lists of these; an aggregation a number. No rule: the default outputs, else null or `[]`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from engine.definitions.dmn_model import Decision, DecisionResult, FiredRule, Input, InputValue, Rule, Table
from engine.feel import Environment, FeelEvaluationError, to_json
from engine.feel.operators import equal, order
from engine.feel.run import Frame, Run
from engine.feel.temporal import parse_date_time, parse_duration, parse_time
from engine.feel.values import YearsDuration, kind_of

KINDS: Mapping[str, str] = {
    "string": "string",
    "boolean": "boolean",
    "number": "number",
    "integer": "number",
    "long": "number",
    "double": "number",
    "date": "date",
    "time": "time",
    "dateTime": "date and time",
    "date and time": "date and time",
    "dayTimeDuration": "days and time duration",
    "days and time duration": "days and time duration",
    "yearMonthDuration": "years and months duration",
    "years and months duration": "years and months duration",
}
"""Type names modelers write, and the FEEL kinds they ask for; any other name is not checked."""


def typed(value: object, type_name: str) -> tuple[bool, object]:
    """Whether `value` is of the type, and the value: ISO text is read where a date, time or duration is asked for.

    Null is of every type; a list of one item serves as that item (DMN 1.5, 10.3.2.9.4). A date serves as a date and
    time at its midnight, as form fields of either kind write it.
    """
    kind = KINDS.get(type_name)
    if kind is None or value is None:
        return True, value
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if isinstance(value, str) and kind != "string":
        value = _read(value, kind)
    if kind == "date" and isinstance(value, datetime):
        value = value.date()
    elif kind == "date and time" and isinstance(value, date) and not isinstance(value, datetime):
        value = datetime.combine(value, datetime.min.time())
    return kind_of(value) == kind, value


def _read(text: str, kind: str) -> object:
    if kind in ("date", "date and time"):
        return parse_date_time(text) if len(text) <= 100 else None
    if kind == "time":
        return parse_time(text)
    duration = parse_duration(text)
    if kind == "days and time duration":
        return None if isinstance(duration, YearsDuration) else duration
    return duration if isinstance(duration, YearsDuration) and kind == "years and months duration" else None


@dataclass(slots=True)
class _Evaluation:
    """One evaluation of a graph: each decision at most once."""

    decisions: Mapping[str, Decision]
    variables: Mapping[str, object]
    run: Run
    values: dict[str, object] = field(default_factory=dict)
    fired: list[FiredRule] = field(default_factory=list)
    inputs: list[InputValue] = field(default_factory=list)

    def value_of(self, decision_id: str) -> object:
        if decision_id in self.values:
            return self.values[decision_id]
        decision = self.decisions[decision_id]
        frame = Frame(self.variables, None, self.run)
        if decision.requires:
            frame = Frame(self._required(decision), frame, self.run)
        logic = decision.logic
        # The fixed cost is known and bounded by the file; only loops and calls are left to the budget.
        self.run.left += logic.size
        value = self._table(decision, logic, frame) if isinstance(logic, Table) else logic.value_in(frame)
        fits, value = typed(value, "" if isinstance(logic, Table) else decision.type)
        if not fits:
            raise FeelEvaluationError("dmn.result_type", {"decision": decision.id, "expected": decision.type})
        self.values[decision_id] = value
        return value

    def _required(self, decision: Decision) -> dict[str, object]:
        """Values of required decisions by output name (as Camunda 7), then by variable name and id (DMN, Camunda 8)."""
        names: dict[str, object] = {}
        for required in decision.requires:
            value, logic = self.value_of(required), self.decisions[required].logic
            for output in logic.outputs if isinstance(logic, Table) else ():
                if output.name:
                    names[output.name] = _column(
                        self.run, value, output.name, len(logic.outputs) if isinstance(logic, Table) else 1
                    )
        for required in decision.requires:
            names[self.decisions[required].variable] = names[required] = self.value_of(required)
        return names

    def _table(self, decision: Decision, table: Table, frame: Frame) -> object:
        columns = [Frame(self._column_names(decision, column, frame), frame, self.run) for column in table.inputs]
        matched = [
            rule for rule in table.rules if all(test.value_in(columns[place]) is True for place, test in rule.tests)
        ]
        if not matched:
            return self._no_rule(decision, table, frame)
        policy = table.hit_policy
        if policy == "UNIQUE" and len(matched) > 1:
            raise FeelEvaluationError("dmn.not_unique", _naming(decision, matched))
        if policy == "FIRST":
            matched = matched[:1]
        results = [self._outputs(decision, table, rule, frame) for rule in matched]
        if policy == "ANY" and not all(equal(results[0], other, self.run) is True for other in results[1:]):
            raise FeelEvaluationError("dmn.any_differs", _naming(decision, matched))
        if policy in ("PRIORITY", "OUTPUT ORDER"):
            ranked = sorted(zip(results, matched, strict=True), key=lambda one: self._rank(table, one[0]))
            results, matched = [one[0] for one in ranked], [one[1] for one in ranked]
        if policy == "PRIORITY":
            matched = matched[:1]
        self.fired += [FiredRule(decision.id, rule.id, rule.number, rule.annotation) for rule in matched]
        if policy in ("UNIQUE", "ANY", "FIRST", "PRIORITY"):
            return _shaped(table, results[0])
        return _aggregated(decision, table, [_shaped(table, result) for result in results])

    def _column_names(self, decision: Decision, column: Input, frame: Frame) -> dict[str, object]:
        found = column.expression.value_in(frame)
        fits, value = typed(found, column.type)
        if not fits:
            details = {"decision": decision.id, "input": column.label, "expected": column.type, "got": kind_of(found)}
            raise FeelEvaluationError("dmn.input_type", details)
        self.inputs.append(InputValue(decision.id, column.id, column.label, to_json(value)))
        return {"?": value, column.variable: value}

    def _outputs(self, decision: Decision, table: Table, rule: Rule, frame: Frame) -> list[object]:
        values: list[object] = []
        for output, expression in zip(table.outputs, rule.outputs, strict=True):
            fits, value = typed(None if expression is None else expression.value_in(frame), output.type)
            if not fits:
                details = {"output": output.label, "expected": output.type}
                raise FeelEvaluationError("dmn.output_type", {**details, **_naming(decision, [rule])})
            values.append(value)
        return values

    def _rank(self, table: Table, result: list[object]) -> tuple[int, ...]:
        """Places in the lists of output values, first column first; a value outside its list comes last."""
        return tuple(
            next(
                (place for place, known in enumerate(output.values) if equal(value, known, self.run)),
                len(output.values),
            )
            for output, value in zip(table.outputs, result, strict=True)
        )

    def _no_rule(self, decision: Decision, table: Table, frame: Frame) -> object:
        single = table.hit_policy in ("UNIQUE", "ANY", "FIRST", "PRIORITY")
        if not any(output.default for output in table.outputs):
            return None if single else _aggregated(decision, table, [])
        default = [None if output.default is None else output.default.value_in(frame) for output in table.outputs]
        shaped = _shaped(
            table, [typed(value, output.type)[1] for value, output in zip(default, table.outputs, strict=True)]
        )
        return shaped if single else _aggregated(decision, table, [shaped])


def _column(run: Run, value: object, name: str, outputs: int) -> object:
    if outputs == 1:
        return value
    if isinstance(value, list):
        return [_column(run, item, name, outputs) for item in value]
    return run.entry(value, name) if isinstance(value, dict) else None


def _naming(decision: Decision, rules: Sequence[Rule]) -> dict[str, object]:
    numbers = ", ".join(str(rule.number) for rule in rules)
    return {"decision": decision.id, "name": decision.name, "rules": numbers, "rule_ids": [rule.id for rule in rules]}


def _shaped(table: Table, result: Sequence[object]) -> object:
    if len(table.outputs) == 1:
        return result[0]
    return {output.name: value for output, value in zip(table.outputs, result, strict=True)}


def _aggregated(decision: Decision, table: Table, values: list[object]) -> object:
    """The list, or its aggregation; SUM, MIN and MAX of nothing are null. COUNT counts rules, also equal outputs."""
    if table.aggregation is None:
        return values
    if table.aggregation == "COUNT":
        return Decimal(len(values))
    numbers = [value for value in values if isinstance(value, Decimal)]
    if len(numbers) != len(values):
        raise FeelEvaluationError("dmn.aggregation_numbers", {"decision": decision.id, "name": decision.name})
    if not numbers:
        return None
    if table.aggregation == "SUM":
        return sum(numbers, Decimal(0))
    best = numbers[0]
    for number in numbers[1:]:
        if order(number, best) == (-1 if table.aggregation == "MIN" else 1):
            best = number
    return best


def evaluate(
    decisions: Mapping[str, Decision], decision_id: str, variables: Mapping[str, object], env: Environment
) -> DecisionResult:
    """The result of a decision and of all it requires. Raises FeelEvaluationError (`dmn.*`, `feel.*`), KeyError."""
    evaluation = _Evaluation(decisions, variables, Run(env))
    value = evaluation.value_of(decision_id)
    return DecisionResult(value, tuple(evaluation.fired), tuple(evaluation.inputs))
