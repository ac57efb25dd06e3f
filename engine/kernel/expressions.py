"""FEEL for tokens: conditions, scripts, timers and decisions, evaluated over the case data and the turn's instant."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from engine import feel
from engine.definitions.dmn import DecisionResult
from engine.definitions.model import Node

from .faults import KernelFault

if TYPE_CHECKING:
    from .case import Case
    from .tokens import Token

Condition = feel.Expression


class FeelEngine:
    """The script engine given to SpiffWorkflow in place of its Python eval/exec."""

    def __init__(self, case: Case) -> None:
        self.case = case

    def environment(self) -> feel.Environment:
        return feel.Environment(now=self.case.at, calendar=self.case.bundle.calendar)

    def raw(
        self, token: Token, expression: feel.Expression, element: str, extra: Mapping[str, Any] | None = None
    ) -> Any:
        """The FEEL value. Faults with the element named when evaluation fails or its budget is used up."""
        variables: Mapping[str, Any] = self.case.variables(token.scope)
        if extra:
            variables = ChainMap(dict(extra), dict(variables))
        return self._evaluate(variables, expression, element)

    def _evaluate(self, variables: Mapping[str, Any], expression: feel.Expression, element: str) -> Any:
        try:
            return expression.evaluate(variables, self.environment())
        except feel.FeelEvaluationError as error:
            details = {"expression": expression.text[:200], "reason": error.message_key, **_plain(error.details)}
            raise KernelFault(element, "incident.expression", details) from error

    def value(self, token: Token, expression: Any, element: str) -> Any:
        """The value as JSON, as it goes into case data. Faults for what has no JSON, such as a function."""
        value = self.raw(token, expression, element)
        try:
            return feel.to_json(value)
        except feel.FeelEvaluationError as error:
            details = {"expression": expression.text[:200], "reason": error.message_key, **_plain(error.details)}
            raise KernelFault(element, "incident.expression", details) from error

    def holds_in(self, scope: str, expression: feel.Expression, element: str) -> bool:
        """Whether a condition is true in a data scope."""
        return feel.is_true(self._evaluate(self.case.variables(scope), expression, element))

    def holds(self, token: Token, expression: feel.Expression, extra: Mapping[str, Any] | None = None) -> bool:
        """Whether a condition is true; null and anything else count as not true (DMN 1.5, 10.3.2.9)."""
        return feel.is_true(self.raw(token, expression, token.task_spec.bpmn_id, extra))

    def decision(self, token: Token, node: Node) -> DecisionResult:
        try:
            return self.case.bundle.decide(node.decision, self.case.variables(token.scope), self.environment())
        except feel.FeelEvaluationError as error:
            details = {"decision": node.decision, "reason": error.message_key, **_plain(error.details)}
            raise KernelFault(node.id, "incident.decision", details) from error

    def evaluate(self, token: Token, expression: Any, external_context: Any = None) -> Any:
        """SpiffWorkflow's own entry point; everything of ours calls `raw`, `value` or `holds`."""
        return self.value(token, expression, token.task_spec.bpmn_id)


def _plain(details: Mapping[str, Any]) -> dict[str, Any]:
    return {k: v if isinstance(v, str | int | bool) else str(v)[:200] for k, v in details.items()}
