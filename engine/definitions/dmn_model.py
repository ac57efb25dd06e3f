"""Decisions as read from DMN: tables and literal expressions, compiled; and what evaluating one gives."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from engine.feel import Expression, UnaryTests

HitPolicy = Literal["UNIQUE", "ANY", "PRIORITY", "FIRST", "RULE ORDER", "OUTPUT ORDER", "COLLECT"]
Aggregation = Literal["SUM", "COUNT", "MIN", "MAX"]
HIT_POLICIES: tuple[HitPolicy, ...] = ("UNIQUE", "ANY", "PRIORITY", "FIRST", "RULE ORDER", "OUTPUT ORDER", "COLLECT")
AGGREGATIONS: tuple[Aggregation, ...] = ("SUM", "COUNT", "MIN", "MAX")


@dataclass(frozen=True, slots=True)
class DmnProblem:
    """Why a DMN file is refused: the element (its id, else its tag), its line, a catalogue key and its blanks."""

    element_id: str
    line: int
    key: str
    details: Mapping[str, object] = field(default_factory=dict)
    name: str = ""
    """Of the decision it is in, or of the element itself."""


class DmnError(Exception):
    """A DMN file that is not run: `problems`, all of them, in the order of the file."""

    def __init__(self, problems: tuple[DmnProblem, ...]) -> None:
        super().__init__("; ".join(f"{one.key} at {one.element_id}:{one.line} {dict(one.details)}" for one in problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Input:
    """A column tested. `variable`: the name by which cells may also call the value, besides `?`."""

    id: str
    label: str
    expression: Expression
    type: str
    allowed: UnaryTests | None
    variable: str
    strict: bool = False
    """Whether a value that `allowed` does not hold is an error: where the file's own item type says so."""

    @property
    def plain(self) -> bool:
        """Whether the column asks for one field of the case, as it is."""
        return self.expression.names == {" ".join(self.expression.text.split())}


@dataclass(frozen=True, slots=True)
class Output:
    """A column given. `values`: allowed, in order of priority, highest first. `default`: when no rule fits."""

    id: str
    name: str
    label: str
    type: str
    values: tuple[object, ...]
    default: Expression | None


@dataclass(frozen=True, slots=True)
class Rule:
    """One row. `tests`: (column, test) of cells that are not `-`. `outputs`: one a column, None for an empty cell."""

    id: str
    number: int
    line: int
    tests: tuple[tuple[int, UnaryTests], ...]
    outputs: tuple[Expression | None, ...]
    annotation: str


@dataclass(frozen=True, slots=True)
class Table:
    """A decision table; `size`: parts of all its expressions, its fixed cost. `id`, `line`: of its element."""

    hit_policy: HitPolicy
    aggregation: Aggregation | None
    inputs: tuple[Input, ...]
    outputs: tuple[Output, ...]
    rules: tuple[Rule, ...]
    size: int
    id: str = ""
    line: int = 0

    def parts(self) -> Iterator[Expression | UnaryTests]:
        """All the FEEL in it."""
        yield from (column.expression for column in self.inputs)
        yield from (output.default for output in self.outputs if output.default is not None)
        for rule in self.rules:
            yield from (test for _, test in rule.tests)
            yield from (result for result in rule.outputs if result is not None)


BoxedKind = Literal["context", "invocation", "list", "row", "function", "conditional", "filter", "for", "some", "every"]


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a box: `name` of a context entry, a binding or a column of a relation, else "" or its role."""

    name: str
    logic: Logic
    type: str = ""


@dataclass(frozen=True, slots=True)
class Boxed:
    """A boxed expression (DMN 1.5, 10.2.2). `names`: free ones; `size`: fixed cost.

    `binds`: parameters of a function, or the variable of a loop; `types`: of the parameters, "" for any.
    A relation is a list of rows.
    """

    kind: BoxedKind
    id: str
    line: int
    parts: tuple[Part, ...]
    names: frozenset[str]
    size: int
    binds: tuple[str, ...] = ()
    types: tuple[str, ...] = ()


Logic = Table | Expression | Boxed


@dataclass(frozen=True, slots=True)
class Knowledge:
    """A business knowledge model: a function that decisions call. `requires`: ids of others that it calls."""

    id: str
    name: str
    line: int
    variable: str
    function: Boxed
    requires: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Service:
    """A decision service called as a function. `parameters`: (name, id of the decision it stands for, "" for an input),
    inputs first; `outputs`: ids of the decisions it gives, a context of them when there are several."""

    id: str
    name: str
    variable: str
    parameters: tuple[tuple[str, str], ...]
    outputs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision. `requires`: ids of the decisions it uses. `names`: variables it reads that these do not supply.

    `variable`: the name under which other decisions read its value, besides its id. `type`: of its value, "" for any.
    `knowledge`: ids of the business knowledge models and decision services it calls.
    """

    id: str
    name: str
    line: int
    variable: str
    type: str
    logic: Logic
    requires: tuple[str, ...]
    names: frozenset[str]
    knowledge: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FiredRule:
    """A rule whose output is in the result. `rule_number` counts from 1, as modelers show it."""

    decision_id: str
    rule_id: str
    rule_number: int
    annotation: str


@dataclass(frozen=True, slots=True)
class InputValue:
    """What a column was given: the evidence of a decision. `value` is JSON."""

    decision_id: str
    input_id: str
    label: str
    value: object


@dataclass(frozen=True, slots=True)
class DecisionResult:
    """`value`: the FEEL value, shaped as Camunda's mapDecisionResult gives it. `fired` and `inputs`: also of the
    decisions required, those first, in the order evaluated."""

    value: object
    fired: tuple[FiredRule, ...]
    inputs: tuple[InputValue, ...]
