"""Events that wait: catch events, boundary events, event sub-processes, event-based gateways (BPMN 10.5, 13.5)."""

from __future__ import annotations

from typing import Any

from SpiffWorkflow.util.task import TaskState

from engine.definitions.model import EventText
from engine.domain import events as ev
from engine.feel import Expression

from . import limits
from .specs import NodeSpec
from .timers import TimerPlan
from .tokens import Token

AWAITED = frozenset(["timer", "message", "signal", "conditional"])
"""Events that the case waits for; errors, escalations and cancellations find their catcher when they are thrown."""


class CatchSpec(NodeSpec):
    """Intermediate catch events and receive tasks: the token waits for its trigger."""

    plan: TimerPlan | None = None
    condition: Expression | None = None

    def enter(self, token: Token) -> bool:
        super().enter(token)
        if self.node.event.kind == "link":
            return True
        token._set_state(TaskState.WAITING)
        token.workflow.top_workflow.case.await_event(token, self, token)
        return False

    def triggered(self, token: Token) -> None:
        """The awaited event has come."""
        parent = token.parent
        case = token.workflow.top_workflow.case
        case.heard(token)
        for waiting in token.children:
            # A receive task is done with its message: nothing may interrupt it any more.
            limits.host_ended(case, waiting)
            waiting.cancel()
        if isinstance(parent.task_spec, EventGatewaySpec):
            parent.task_spec.decided(parent, token)
        token._set_state(TaskState.READY)

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
    for a date or duration, again and again for cycles, messages, signals, conditions and escalations.
    """

    plan: TimerPlan | None = None
    condition: Expression | None = None
    catches = True

    def arm(self, token: Token, host: Token) -> None:
        """Starts to wait. Errors, escalations and cancellations are looked up when thrown; nothing to arm for them."""
        if self.node.event.kind in AWAITED:
            token.workflow.top_workflow.case.await_event(token, self, host)

    def triggered(self, token: Token) -> None:
        """Lets the event take effect. `token` is the waiting one."""
        scope = token.workflow
        case = scope.top_workflow.case
        host = token.parent
        outer = case.outer[host.scope] if host.scope == host.name else host.scope
        fresh = scope.task_tree._add_child(self, TaskState.FUTURE)
        fresh.name = token.name if self.node.interrupting else scope.visit(self.bpmn_id)
        fresh.scope = outer
        fresh.deadline = scope.deadline
        case.trace(scope, self.bpmn_id, "entered")
        if self.node.interrupting:
            host.cancel()
        note_code(case, token, self.node.event, outer)
        fresh._set_state(TaskState.READY)

    def leave(self, token: Token) -> None:
        case = token.workflow.top_workflow.case
        case.trace(token.workflow, self.bpmn_id, "left")
        for flow, spec in self.chosen(token):
            case.trace(token.workflow, flow, "taken")
            token.workflow.spawn(spec, flow, token)
        token.workflow.remove(token)
        token.workflow.top_workflow.finished(token.workflow)


class WatcherSpec(NodeSpec):
    """Start event of an event sub-process: waits while the scope around it is alive and does not keep it alive.

    Interrupting: everything else in the scope is cancelled, its other event sub-processes no longer wait, and the
    scope ends with the handler. Non-interrupting: the handler runs beside the scope's tokens, again for each
    occurrence (BPMN 10.3.5, 13.5.4).
    """

    plan: TimerPlan | None = None
    condition: Expression | None = None
    roles: tuple[Any, ...] = ()
    catches = True
    handler: Any = None
    """Spec of the event sub-process."""

    def watch(self, scope: Any) -> None:
        """Begins to wait in a scope that has just begun."""
        token = scope.task_tree._add_child(self, TaskState.WAITING)
        token.name = scope.visit(self.bpmn_id)
        token.deadline = scope.deadline
        scope.watchers.append(token)
        if self.node.event.kind in AWAITED:
            host = scope.task_tree if scope is scope.top_workflow else scope.parent_token
            scope.top_workflow.case.await_event(token, self, host)
            scope.deadline = host.deadline or scope.deadline

    def triggered(self, token: Token) -> None:
        """Starts the handler. `token` is the waiting one."""
        scope = token.workflow
        case = scope.top_workflow.case
        event = self.node.event
        if self.node.interrupting:
            for other in scope.live():
                if other.task_spec.node.kind != "participant":
                    other.cancel()
            if token.id in case.limits:
                # It has fired and is no longer among the timers, so that nothing else says that it runs no more.
                case.emit(ev.TimerCancelled(token.name, self.bpmn_id))
            scope.unwatch()
        note_code(case, token, event, token.scope)
        scope.spawn(self.handler, "", token)


def note_code(case: Any, token: Token, event: EventText, scope: str) -> None:
    """Writes the code of a caught error or escalation into the field that the diagram names for it."""
    code = token.internal_data.get("caught", "")
    if event.code_variable:
        case.write({event.code_variable: code}, scope, token.task_spec.bpmn_id)
    if event.text_variable:
        case.write({event.text_variable: None}, scope, token.task_spec.bpmn_id)
