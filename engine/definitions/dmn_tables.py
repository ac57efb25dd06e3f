"""Decision tables of a DMN file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import cast

from lxml import etree

from engine.definitions.dmn_model import (
    AGGREGATIONS,
    HIT_POLICIES,
    Aggregation,
    HitPolicy,
    Input,
    Output,
    Rule,
    Table,
)
from engine.definitions.dmn_reading import Reading, child, children, plain_type, text_of
from engine.definitions.xml import line_of
from engine.feel import Expression, UnaryTests

CAMUNDA = "http://camunda.org/schema/1.0/dmn"
MAX_RULES = 2_000
MAX_COLUMNS = 100
"""Inputs, and outputs, of one table."""


class Tables(Reading):
    """Reads decision tables."""

    def table(self, element: etree._Element) -> Table | None:
        before = len(self.problems)
        policy = (element.get("hitPolicy") or "UNIQUE").upper()
        aggregation = (element.get("aggregation") or "").upper() or None
        if policy not in HIT_POLICIES:
            self.problem(element, "dmn.hit_policy", found=policy)
        if aggregation is not None and (aggregation not in AGGREGATIONS or policy != "COLLECT"):
            self.problem(element, "dmn.aggregation", found=aggregation, policy=policy)
        rows = children(element, "rule")
        columns = children(element, "input"), children(element, "output")
        if len(rows) > MAX_RULES or max(map(len, columns)) > MAX_COLUMNS:
            self.problem(element, "dmn.table_too_large", rules=MAX_RULES, columns=MAX_COLUMNS)
            return None
        inputs = [self._input(one) for one in columns[0]]
        outputs = [self._output(one) for one in columns[1]]
        self._check_outputs(element, policy, aggregation, outputs)
        rules = [self._rule(row, number, len(inputs), len(outputs)) for number, row in enumerate(rows, 1)]
        if len(self.problems) > before:
            return None
        read = tuple(one for one in inputs if one is not None), tuple(one for one in rules if one is not None)
        size = len(rows) + sum(part.size for part in _parts(read[0], outputs, read[1]))
        return Table(
            cast(HitPolicy, policy),
            cast("Aggregation | None", aggregation),
            read[0],
            tuple(outputs),
            read[1],
            size,
            element.get("id") or "",
            line_of(element),
        )

    def _input(self, element: etree._Element) -> Input | None:
        inside = child(element, "inputExpression")
        if inside is None:
            self.problem(element, "dmn.input_without_expression")
            return None
        expression = self.expression(inside, element, "dmn.input_without_expression")
        allowed_element = child(element, "inputValues")
        allowed = None
        if allowed_element is not None and text_of(allowed_element):
            allowed = self.tests(allowed_element, element)
        if expression is None:
            return None
        label = element.get("label") or text_of(inside)
        variable = element.get(f"{{{CAMUNDA}}}inputVariable") or "cellInput"
        type_ref = plain_type(inside.get("typeRef") or "")
        strict = allowed is None and type_ref in self.types and self.types[type_ref].allowed is not None
        if strict:
            allowed = self.types[type_ref].allowed
        kind = self.type_of(type_ref)
        return Input(element.get("id") or "", label, expression, kind, allowed, variable, strict)

    def _output(self, element: etree._Element) -> Output:
        name = element.get("name") or ""
        default_element = child(element, "defaultOutputEntry")
        default = None if default_element is None else self.expression(default_element, element)
        values_element = child(element, "outputValues")
        values: tuple[object, ...] = ()
        if values_element is not None and text_of(values_element):
            values = self._values(values_element, element)
        type_ref = element.get("typeRef") or ""
        if not values and plain_type(type_ref) in self.types:
            values = self.types[plain_type(type_ref)].values
        return Output(
            element.get("id") or "", name, element.get("label") or name, self.type_of(type_ref), values, default
        )

    def _values(self, element: etree._Element, owner: etree._Element) -> tuple[object, ...]:
        """Allowed output values: literals, in order of priority."""
        text = text_of(element)
        values = self.literals(text)
        if values is None:
            self.problem(owner, "dmn.output_values", text=text[:80])
        return values or ()

    def _check_outputs(
        self, element: etree._Element, policy: str, aggregation: str | None, outputs: list[Output]
    ) -> None:
        if not outputs:
            self.problem(element, "dmn.no_output")
        names = [output.name for output in outputs]
        if len(outputs) > 1 and (len(set(names)) < len(names) or not all(names)):
            self.problem(element, "dmn.output_names")
        if aggregation is not None and len(outputs) > 1:
            self.problem(element, "dmn.aggregation_outputs")
        if policy in ("PRIORITY", "OUTPUT ORDER") and not any(output.values for output in outputs):
            self.problem(element, "dmn.priority_without_values")

    def _rule(self, element: etree._Element, number: int, inputs: int, outputs: int) -> Rule | None:
        cells = children(element, "inputEntry"), children(element, "outputEntry")
        if (len(cells[0]), len(cells[1])) != (inputs, outputs):
            self.problem(element, "dmn.cells", rule=number, inputs=inputs, outputs=outputs)
            return None
        tests: list[tuple[int, UnaryTests]] = []
        for place, cell in enumerate(cells[0]):
            test = self.tests(cell, cell) if text_of(cell) not in ("", "-") else None
            if test is not None:
                tests.append((place, test))
        results = tuple(self.expression(cell, cell) for cell in cells[1])
        notes = [text_of(note) for note in children(element, "annotationEntry")]
        description = child(element, "description")
        if description is not None and description.text:
            notes.append(description.text.strip())
        annotation = "; ".join(note for note in notes if note)
        return Rule(element.get("id") or "", number, line_of(element), tuple(tests), results, annotation)


def _parts(
    inputs: Iterable[Input], outputs: Iterable[Output], rules: Iterable[Rule]
) -> Iterator[Expression | UnaryTests]:
    yield from (column.expression for column in inputs)
    yield from (output.default for output in outputs if output.default is not None)
    for rule in rules:
        yield from (test for _, test in rule.tests)
        yield from (result for result in rule.outputs if result is not None)
