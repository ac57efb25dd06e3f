"""单位评分: points of each unit and month by the bundle's own decision table, with the rules that gave them.

The table `unit_points` (bpmn/unit_scoring.dmn) says what counts for how much; whoever may edit the bundle changes it.
Nothing is stored: the same figures and the same version of the table give the same points.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from engine.definitions.bundle import Bundle
from engine.domain.rejection import Rejection
from engine.feel import Environment, FeelEvaluationError
from engine.readmodels import unit_work

from . import people
from .statistics import STEPS

SCORE: Final = "unit_score"
POINTS: Final = "unit_points"
COUNTS: Final = unit_work.COUNTS


@dataclass(frozen=True, slots=True)
class Gave:
    """A rule that matched. `rule`: its number in the table, from 1; `words`: its annotation; `points`: what it gave."""

    rule: int
    words: str
    points: float


@dataclass(frozen=True, slots=True)
class Score:
    """A unit in a month (`2026-03`). `counts`: what the table was asked with."""

    unit: str
    month: str
    score: float
    counts: Mapping[str, int]
    gave: tuple[Gave, ...]


@dataclass(frozen=True, slots=True)
class Scores:
    """`version`: of the bundle whose table was used; `rows` by month, then most points first."""

    version: str
    rows: tuple[Score, ...]


def scores(services: Any, since: datetime, until: datetime) -> Scores | Rejection:
    """Of all units with anything to count in the period. Rejected when nothing is deployed, the live bundle has no such
    table, or the table cannot be evaluated or gives no numbers."""
    try:
        bundle = services.deployments.bundle()
    except KeyError:
        return Rejection("invalid", "score.nothing_deployed", {})
    if not bundle.has_decision(SCORE) or not bundle.has_decision(POINTS):
        return Rejection("invalid", "score.no_table", {"decision": SCORE})
    with services.engine.connect() as conn:
        unit_of = {one.user_id: one.unit_id for one in people.directory(conn).persons}
        found = unit_work.work(conn, since, until, STEPS["handled"], unit_of)
    env = Environment(services.clock.now())
    try:
        rows = [_scored(bundle, env, unit, month, counts) for (unit, month), counts in found.items()]
    except (FeelEvaluationError, KeyError, TypeError) as error:
        return Rejection("invalid", "score.table_fails", {"decision": SCORE, "message": str(error)[:200]})
    return Scores(bundle.version, tuple(sorted(rows, key=lambda one: (one.month, -one.score, one.unit))))


def _scored(bundle: Bundle, env: Environment, unit: str, month: str, some: Mapping[str, int]) -> Score:
    counts = {name: some.get(name, 0) for name in COUNTS}
    variables = {**bundle.parameters, **counts}
    points = bundle.decide(POINTS, variables, env)
    values = points.value if isinstance(points.value, Sequence) else (points.value,)
    fired = [rule for rule in points.fired if rule.decision_id == POINTS]
    # A table that sums up by itself names its rules without what each gave.
    each = [_number(value) for value in values] if len(values) == len(fired) else [0.0] * len(fired)
    gave = tuple(Gave(rule.rule_number, rule.annotation, given) for rule, given in zip(fired, each, strict=True))
    return Score(unit, month, _number(bundle.decide(SCORE, variables, env).value), counts, gave)


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise TypeError(f"expected a number, got {value!r}"[:200])
    return round(float(value), 2)
