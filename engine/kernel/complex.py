"""Complex gateways that join: as many tokens as their activation condition asks for (BPMN 10.6.5, 13.4.5)."""

from __future__ import annotations

from typing import Any

from SpiffWorkflow.util.task import TaskState

from engine.feel import Expression

from .joins import InclusiveSpec
from .specs import NodeSpec
from .tokens import Token


class ComplexSpec(InclusiveSpec):
    """Waits for its start until the activation condition holds, then lets one token on; then waits for its reset until
    no more token can arrive on the flows that had none, takes those that came, and waits for its start again.

    The condition and those of the outgoing flows see `activationCount`, the number of waiting tokens, and
    `waitingForStart`. At the reset a flow gets a token only if its condition says so: one without a condition was
    served at the start, as the usual reading of "the first two of three" is.
    """

    activation: Expression

    def enter(self, token: Token) -> bool:
        scope = token.workflow
        scope.joins.setdefault(self.name, []).append(token)
        token.name = scope.visit(self.bpmn_id)
        token._set_state(TaskState.WAITING)
        self._start(scope)
        return False

    def _start(self, scope: Any) -> None:
        """Activates when the condition holds; the flows that had tokens are remembered until the reset."""
        waiting = scope.joins.get(self.name, [])
        if self.name in scope.activated or not waiting:
            return
        counts = {"activationCount": len(waiting), "waitingForStart": True}
        if not waiting[0].workflow.script_engine.holds(waiting[0], self.activation, counts):
            return
        first: dict[str, Token] = {}
        for other in waiting:
            first.setdefault(other.via, other)
        scope.activated[self.name] = set(first)
        self._go(list(first.values()), counts)

    def _go(self, consumed: list[Token], counts: dict[str, Any]) -> None:
        token = consumed[0]
        self.merge(token, consumed)
        token.internal_data["counts"] = counts
        NodeSpec.enter(self, token)
        token._set_state(TaskState.READY)

    def release(self, scope: Any) -> bool:
        """The reset, when nothing else can move and no token can arrive any more on a flow that had none."""
        had = scope.activated.get(self.name)
        if had is None:
            return False
        waiting = scope.joins.get(self.name, [])
        missing = [f for f in self.node.incoming if f not in had and f not in {t.via for t in waiting}]
        for other in scope.live():
            at = other.task_spec.node.id
            if other not in waiting and at != self.node.id and any(at in self.upstream[f] for f in missing):
                return False
        first: dict[str, Token] = {}
        for one in waiting:
            if one.via not in had:
                first.setdefault(one.via, one)
        late = list(first.values())
        del scope.activated[self.name]
        if not late:
            self._start(scope)
            return bool(waiting) and self.name in scope.activated
        self._go(late, {"activationCount": len(late), "waitingForStart": False})
        self._start(scope)
        return True

    def chosen(self, token: Token) -> list[tuple[str, Any]]:
        counts = token.internal_data["counts"]
        evaluate = token.workflow.script_engine.holds
        resetting = not counts["waitingForStart"]
        return [
            (flow, spec)
            for flow, condition, spec in self.flows
            if (not resetting if condition is None else evaluate(token, condition, counts))
        ]
