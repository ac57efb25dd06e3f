"""Events that wait: timers, messages, signals; boundary events; event-based gateways (BPMN 10.5, 13.5)."""

from __future__ import annotations

from typing import Any

from SpiffWorkflow.util.task import TaskState

from .specs import NodeSpec
from .timers import TimerPlan
from .tokens import Token


class CatchSpec(NodeSpec):
    """Intermediate catch events and receive tasks: the token waits for its trigger."""

    plan: TimerPlan | None = None

    def enter(self, token: Token) -> bool:
        super().enter(token)
        token._set_state(TaskState.WAITING)
        token.workflow.top_workflow.case.await_event(token, self, token)
        return False

    def triggered(self, token: Token) -> None:
        """The awaited event has come."""
        parent = token.parent
        if isinstance(parent.task_spec, EventGatewaySpec):
            parent.task_spec.decided(parent, token)
        token._set_state(TaskState.READY)

    def _on_cancel(self, my_task: Token) -> None:
        super()._on_cancel(my_task)

    def leave(self, token: Token) -> None:
        token.workflow.top_workflow.case.no_longer_waits(token)
        super().leave(token)


class EventGatewaySpec(NodeSpec):
    """The first of its events takes the token; the others no longer wait (BPMN 13.4.4)."""

    def act(self, token: Token) -> bool | None:
        for flow, _, spec in self.flows:
            child = token._add_child(spec, TaskState.FUTURE)
            child.via = flow
            spec._update(child)
        return None

    def decided(self, token: Token, winner: Token) -> None:
        """Moves the winner up to the scope's root and takes the gateway's token away with the losers."""
        scope = token.workflow
        case = scope.top_workflow.case
        for other in token.children:
            if other is not winner:
                other.cancel()
        token._children.remove(winner.id)
        winner._parent = scope.task_tree.id
        scope.task_tree._children.append(winner.id)
        case.trace(scope, self.bpmn_id, "left")
        case.trace(scope, winner.via, "taken")
        scope.remove(token)


class BoundarySpec(NodeSpec):
    """Boundary event. Waits as a child of its host's token; gone when the host is.

    Interrupting: the host is cancelled, the flow goes on here. Non-interrupting: a token of its own starts here, once
    for a date or duration, again and again for cycles, messages, signals and escalations.
    """

    plan: TimerPlan | None = None

    def arm(self, token: Token, host: Token) -> None:
        """Starts to wait. Errors and escalations are looked up when thrown; nothing to arm for them."""
        if self.node.event.kind in ("timer", "message", "signal"):
            token.workflow.top_workflow.case.await_event(token, self, host)

    def triggered(self, token: Token) -> None:
        """Lets the event take effect. `token` is the waiting one."""
        scope = token.workflow
        case = scope.top_workflow.case
        host = token.parent
        fresh = scope.task_tree._add_child(self, TaskState.FUTURE)
        fresh.name = token.name if self.node.interrupting else scope.visit(self.bpmn_id)
        fresh.scope = host.scope
        fresh.deadline = scope.deadline
        case.trace(scope, self.bpmn_id, "entered")
        if self.node.interrupting:
            host.cancel()
        fresh._set_state(TaskState.READY)

    def leave(self, token: Token) -> None:
        case = token.workflow.top_workflow.case
        case.trace(token.workflow, self.bpmn_id, "left")
        for flow, spec in self.chosen(token):
            case.trace(token.workflow, flow, "taken")
            token.workflow.spawn(spec, flow, token)
        token.workflow.remove(token)
        token.workflow.top_workflow.finished(token.workflow)


def find_boundary(token: Token, kind: str, code: str) -> tuple[Any, Token] | None:
    """The nearest enclosing boundary event that catches an error or escalation thrown at `token`: its spec and its
    waiting token. A named code is preferred over a catch-all on the same host (BPMN 10.5.1)."""
    scope: Any = token.workflow
    while scope is not scope.top_workflow:
        host = scope.parent_token
        if host.task_spec.instance_of is not None:
            host = host.parent  # boundary events hang on the multi-instance activity, not on one instance
        for wanted in (code, ""):
            for waiting in host.children:
                spec = waiting.task_spec
                if isinstance(spec, BoundarySpec) and spec.node.event.kind == kind and spec.node.event.name == wanted:
                    return spec, waiting
        scope = host.workflow
    return None
