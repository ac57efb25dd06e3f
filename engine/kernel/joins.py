"""Gateways that wait for several tokens: parallel and inclusive joins (BPMN 13.4.1, 13.4.3)."""

from __future__ import annotations

from typing import Any

from SpiffWorkflow.util.task import TaskState

from .specs import NodeSpec
from .tokens import Token


class ParallelSpec(NodeSpec):
    """Waits for one token on each incoming flow, then gives one to each outgoing flow (BPMN 13.4.1).

    Tokens wait at the gateway by flow; a second token on a flow stays for the next round, as the standard asks.
    """

    def enter(self, token: Token) -> bool:
        if len(self.node.incoming) < 2:
            return super().enter(token)
        waiting = token.workflow.joins.setdefault(self.name, [])
        waiting.append(token)
        first: dict[str, Token] = {}
        for other in waiting:
            first.setdefault(other.via, other)
        if len(first) < len(self.node.incoming):
            token.name = token.workflow.visit(self.bpmn_id)
            token._set_state(TaskState.WAITING)
            return False
        self.merge(token, list(first.values()))
        return super().enter(token)

    def merge(self, token: Token, consumed: list[Token]) -> None:
        """Removes the consumed tokens; `token` goes on for all of them."""
        scope = token.workflow
        scope.joins[self.name] = [t for t in scope.joins[self.name] if t not in consumed]
        if not scope.joins[self.name]:
            del scope.joins[self.name]
        for other in consumed:
            if other is not token:
                scope.remove(other)

    def _on_cancel(self, my_task: Token) -> None:
        waiting = my_task.workflow.joins.get(self.name, [])
        if my_task in waiting:
            waiting.remove(my_task)
        super()._on_cancel(my_task)


class InclusiveSpec(ParallelSpec):
    """Join: waits while a token elsewhere can still reach an empty incoming flow without passing the gateway, and
    can't reach one that already holds a token (BPMN 13.4.3). Split: every flow whose condition holds, else default.

    `upstream[flow]`: elements from which `flow` can be reached without passing the gateway (filled at compilation).
    """

    upstream: dict[str, frozenset[str]]

    def enter(self, token: Token) -> bool:
        if len(self.node.incoming) < 2:
            return NodeSpec.enter(self, token)
        token.workflow.joins.setdefault(self.name, []).append(token)
        token.name = token.workflow.visit(self.bpmn_id)
        token._set_state(TaskState.WAITING)
        return False

    def release(self, scope: Any) -> bool:
        """Fires the join if nothing more can arrive. Returns whether it fired."""
        waiting = scope.joins.get(self.name)
        if not waiting:
            return False
        filled = {t.via for t in waiting}
        empty = [f for f in self.node.incoming if f not in filled]
        for other in scope.live():
            at = other.task_spec.node.id
            if other in waiting or at == self.node.id:
                continue
            if any(at in self.upstream[f] for f in empty) and not any(at in self.upstream[f] for f in filled):
                return False
        first: dict[str, Token] = {}
        for other in waiting:
            first.setdefault(other.via, other)
        token = next(iter(first.values()))
        self.merge(token, list(first.values()))
        NodeSpec.enter(self, token)
        token._set_state(TaskState.READY)
        return True
