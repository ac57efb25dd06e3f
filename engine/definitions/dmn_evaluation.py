"""Evaluating decisions: hit policies (DMN 1.5, 8.2.10) and the requirement graph.

Result shapes: one output with UNIQUE, FIRST, ANY or PRIORITY is that value, several are a context; COLLECT, RULE ORDER
and OUTPUT ORDER give lists of these; an aggregation a number. No rule: the default outputs, else null or `[]`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from engine.definitions.dmn_boxed_evaluation import Boxes, Owner
from engine.definitions.dmn_model import (
    Decision,
    DecisionResult,
    FiredRule,
    Input,
    InputValue,
    Knowledge,
    Rule,
    Service,
    Table,
)
from engine.definitions.dmn_types import typed
from engine.feel import Environment, FeelEvaluationError, to_json
from engine.feel.errors import budget_exceeded
from engine.feel.operators import equal, order
from engine.feel.run import Frame, Run
from engine.feel.values import Function, kind_of


@dataclass(slots=True)
class _Evaluation:
    """One evaluation of a graph: each decision at most once."""

    decisions: Mapping[str, Decision]
    variables: Mapping[str, object]
    run: Run
    models: Mapping[str, Knowledge]
    services: Mapping[str, Service]
    boxes: Boxes = field(init=False)
    values: dict[str, object] = field(default_factory=dict)
    fired: list[FiredRule] = field(default_factory=list)
    inputs: list[InputValue] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.boxes = Boxes(self.run, self._table, self.models, self._service)

    def _service(self, ident: str) -> tuple[str, Function] | None:
        """A decision service as a function: its decisions see what it is called with and nothing else."""
        if ident not in self.services:
            return None
        service = self.services[ident]

        def call(run: object, arguments: Sequence[object]) -> object:
            given = list(zip(service.parameters, arguments, strict=True))
            variables = {name: value for (name, decision), value in given if not decision}
            inner = _Evaluation(self.decisions, variables, self.run, self.models, self.services)
            inner.fired, inner.inputs = self.fired, self.inputs
            inner.values = {decision: value for (_, decision), value in given if decision}
            self.run.charge(1)
            self.run.enter()
            values = {self.decisions[one].variable: inner.value_of(one) for one in service.outputs}
            self.run.leave()
            return values if len(values) != 1 else next(iter(values.values()))

        return service.variable, Function(tuple(name for name, _ in service.parameters), call)

    def value_of(self, decision_id: str) -> object:
        if decision_id in self.values:
            return self.values[decision_id]
        decision = self.decisions[decision_id]
        frame = Frame(self.variables, None, self.run)
        if decision.requires or decision.knowledge:
            names = self._required(decision) | self.boxes.knowledge(decision.knowledge)
            frame = Frame(names, frame, self.run)
        logic = decision.logic
        # The fixed cost is known and bounded by the file; only loops and calls are left to the budget.
        self.run.left += logic.size
        value = self.boxes.value(decision, logic, frame)
        fits, value = typed(value, "" if isinstance(logic, Table) else decision.type)
        if not fits:
            raise FeelEvaluationError("dmn.result_type", {"decision": decision.id, "expected": decision.type})
        self.values[decision_id] = value
        if not isinstance(logic, Table):
            # No rule tells how it came about: its value is part of the evidence.
            self.inputs.append(InputValue(decision.id, decision.id, decision.name, _shown(value)))
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

    def _table(self, decision: Owner, table: Table, frame: Frame) -> object:
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

    def _column_names(self, decision: Owner, column: Input, frame: Frame) -> dict[str, object]:
        found = column.expression.value_in(frame)
        fits, value = typed(found, column.type)
        if not fits:
            details = {"decision": decision.id, "input": column.label, "expected": column.type, "got": kind_of(found)}
            raise FeelEvaluationError("dmn.input_type", details)
        if column.strict and value is not None and column.allowed is not None:
            allowed = column.allowed.value_in(Frame({"?": value}, frame, self.run))
            if allowed is not True:
                details = {"decision": decision.id, "input": column.label, "allowed": column.allowed.text}
                raise FeelEvaluationError("dmn.input_not_allowed", details)
        self.inputs.append(InputValue(decision.id, column.id, column.label, to_json(value)))
        return {"?": value, column.variable: value}

    def _outputs(self, decision: Owner, table: Table, rule: Rule, frame: Frame) -> list[object]:
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

    def _no_rule(self, decision: Owner, table: Table, frame: Frame) -> object:
        single = table.hit_policy in ("UNIQUE", "ANY", "FIRST", "PRIORITY")
        if not any(output.default for output in table.outputs):
            return None if single else _aggregated(decision, table, [])
        default = [None if output.default is None else output.default.value_in(frame) for output in table.outputs]
        shaped = _shaped(
            table, [typed(value, output.type)[1] for value, output in zip(default, table.outputs, strict=True)]
        )
        return shaped if single else _aggregated(decision, table, [shaped])


def _shown(value: object) -> object:
    """A value as the journal keeps it; null for a function, which cannot be written down."""
    try:
        return to_json(value)
    except FeelEvaluationError:
        return None


def _column(run: Run, value: object, name: str, outputs: int) -> object:
    if outputs == 1:
        return value
    if isinstance(value, list):
        return [_column(run, item, name, outputs) for item in value]
    return run.entry(value, name) if isinstance(value, dict) else None


def _naming(decision: Owner, rules: Sequence[Rule]) -> dict[str, object]:
    numbers = ", ".join(str(rule.number) for rule in rules)
    return {"decision": decision.id, "name": decision.name, "rules": numbers, "rule_ids": [rule.id for rule in rules]}


def _shaped(table: Table, result: Sequence[object]) -> object:
    if len(table.outputs) == 1:
        return result[0]
    return {output.name: value for output, value in zip(table.outputs, result, strict=True)}


def _aggregated(decision: Owner, table: Table, values: list[object]) -> object:
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
    decisions: Mapping[str, Decision],
    decision_id: str,
    variables: Mapping[str, object],
    env: Environment,
    models: Mapping[str, Knowledge],
    services: Mapping[str, Service],
) -> DecisionResult:
    """The result of a decision and of all it requires. Raises FeelEvaluationError (`dmn.*`, `feel.*`), KeyError."""
    evaluation = _Evaluation(decisions, variables, Run(env), models, services)
    try:
        value = evaluation.value_of(decision_id)
    except RecursionError:
        raise budget_exceeded("depth", env.max_depth) from None
    return DecisionResult(value, tuple(evaluation.fired), tuple(evaluation.inputs))
