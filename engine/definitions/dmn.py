"""Decision models: `parse_dmn(bytes)` reads and compiles once, `DecisionModel.evaluate` runs.

All hit policies and aggregations, requirement graphs, literal and boxed expressions, business knowledge models and
decision services as functions, FEEL (and Camunda 7's `${...}` where it means the same). Imports and functions of other
languages are refused by element, not skipped.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from engine.definitions import dmn_evaluation
from engine.definitions.dmn_gaps import GapFinding, gaps_and_overlaps
from engine.definitions.dmn_model import (
    Decision,
    DecisionResult,
    DmnError,
    DmnProblem,
    FiredRule,
    InputValue,
    Knowledge,
    Service,
    Table,
)
from engine.definitions.dmn_reader import Reader, known_namespace
from engine.definitions.dmn_reading import children
from engine.definitions.xml import XmlRefused, line_of, local, parse
from engine.feel import Environment

__all__ = [
    "Decision",
    "DecisionModel",
    "DecisionResult",
    "DmnError",
    "DmnProblem",
    "FiredRule",
    "GapFinding",
    "InputValue",
    "Knowledge",
    "Service",
    "Table",
    "gaps_and_overlaps",
    "parse_dmn",
]


@dataclass(frozen=True, slots=True)
class DecisionModel:
    """One DMN file. `decisions`: by id, in the order of the file. Immutable; safe to share between threads."""

    id: str
    name: str
    decisions: Mapping[str, Decision]
    knowledge: Mapping[str, Knowledge] = field(default_factory=dict)
    services: Mapping[str, Service] = field(default_factory=dict)

    def evaluate(self, decision_id: str, variables: Mapping[str, object], env: Environment) -> DecisionResult:
        """The decision's result with `variables` as JSON or FEEL values; required decisions are evaluated first.

        Raises KeyError for an unknown id; FeelEvaluationError `dmn.not_unique` (two rules of a UNIQUE table fit, both
        named), `dmn.any_differs`, `dmn.input_type`, `dmn.output_type`, `dmn.aggregation_numbers` or `feel.*`.
        """
        return dmn_evaluation.evaluate(self.decisions, decision_id, variables, env, self.knowledge, self.services)

    def names(self, decision_id: str) -> frozenset[str]:
        """The variables that a decision and all it requires read: what the case data must know."""
        found: set[str] = set()
        waiting, seen = [decision_id], {decision_id}
        while waiting:
            decision = self.decisions[waiting.pop()]
            found |= decision.names
            waiting += [required for required in decision.requires if required not in seen]
            seen.update(decision.requires)
        return frozenset(found)


def parse_dmn(data: bytes) -> DecisionModel:
    """The model in a `.dmn` file, compiled. Raises DmnError with every problem found."""
    try:
        root = parse(data)
    except XmlRefused as refused:
        raise DmnError((DmnProblem("", refused.line, refused.key, refused.details),)) from None
    namespace, name = local(root)
    if not known_namespace(namespace) or name != "definitions":
        problem = DmnProblem(root.get("id") or "", line_of(root), "dmn.namespace", {"found": namespace})
        raise DmnError((problem,))
    reader = Reader(root)
    for element in children(root, "import"):
        reader.problem(element, "dmn.import")
    decisions, knowledge, services = reader.decisions(), reader.knowledge(), reader.services()
    if reader.problems:
        raise DmnError(tuple(reader.problems))
    return DecisionModel(root.get("id") or "", root.get("name") or "", decisions, knowledge, services)
