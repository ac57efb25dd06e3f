"""Decisions as read from DMN: tables and literal expressions, compiled; and what evaluating one gives."""

from __future__ import annotations

from collections.abc import Mapping
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
    """A decision table; `size`: parts of all its expressions, its fixed cost."""

    hit_policy: HitPolicy
    aggregation: Aggregation | None
    inputs: tuple[Input, ...]
    outputs: tuple[Output, ...]
    rules: tuple[Rule, ...]
    size: int


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision. `requires`: ids of the decisions it uses. `names`: variables it reads that these do not supply.

    `variable`: the name under which other decisions read its value, besides its id. `type`: of its value, "" for any.
    """

    id: str
    name: str
    line: int
    variable: str
    type: str
    logic: Table | Expression
    requires: tuple[str, ...]
    names: frozenset[str]


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
