"""How each BPMN element behaves, as SpiffWorkflow task specs (BPMN 2.0 chapter 13).

Life of a token on an element: `enter` (named, boundary events armed) -> READY -> `act` -> `leave` (successors get
their tokens, the token goes). SpiffWorkflow drives it through TaskSpec._update, Task.run and TaskSpec._on_complete;
its predictions of future tasks are not needed and switched off. docs/spiffworkflow.md lists what is replaced and why.
"""

from __future__ import annotations

from typing import Any

from SpiffWorkflow.bpmn.specs.bpmn_task_spec import BpmnTaskSpec
from SpiffWorkflow.specs.StartTask import StartTask
from SpiffWorkflow.util.task import TaskState

from engine.definitions.bpmn_data import ALL
from engine.definitions.model import GATEWAYS, Node

from . import limits
from .compensation import handler_done, note
from .expressions import Condition
from .faults import KernelFault
from .tokens import Token


class RootSpec(StartTask):
    """Root of a scope's tree; live tokens are its children."""

    def test(self) -> None:
        pass


class NodeSpec(BpmnTaskSpec):
    """Common life of every element; passes straight through unless a subclass says otherwise."""

    def __init__(self, wf_spec: Any, node: Node, name: str = "") -> None:
        super().__init__(wf_spec, name or node.id, lane=node.lane)
        self.node = node
        # Gateways that the reader made are not in the drawing: their ids keep the mark that the trail leaves out.
        self.bpmn_id = node.id if node.kind in GATEWAYS else node.shown
        self.bpmn_name = node.name
        self.flows: list[tuple[str, Condition | None, Any]] = []
        self.default: tuple[str, Any] | None = None
        self.boundary: list[Any] = []
        self.instance_of: Any = None
        self.mapped_in: list[tuple[str, Any]] = []
        self.mapped_out: list[tuple[str, Any]] = []
        self.correlation: Any = None
        self.handler_spec: Any = None
        self.undoing: Any = None
        # Only those hear a signal who wait already: whoever throws one lets all others move first.
        self.broadcasts = node.event.kind == "signal" and node.kind in ("endEvent", "intermediateThrowEvent")

    catches = False
    """Whether waiting tokens of this spec are looked up when an error, escalation or cancellation is thrown."""

    # -- what SpiffWorkflow calls -------------------------------------------------------------------------------
    def _predict(self, my_task: Token, seen: Any = None, looked_ahead: int = 0, mask: int = 0) -> None:
        """No predicted tasks: the tree holds live tokens only."""

    def test(self) -> None:
        """Structure was checked by the reader, once per bundle and not once per token."""

    def _update_hook(self, my_task: Token) -> bool:
        return self.enter(my_task)

    def _on_ready(self, my_task: Token) -> None:
        pass

    def _run_hook(self, my_task: Token) -> bool | None:
        return self.act(my_task)

    def _on_complete(self, my_task: Token) -> None:
        self.leave(my_task)

    def _on_cancel(self, my_task: Token) -> None:
        case = my_task.workflow.top_workflow.case
        sub = my_task.workflow.top_workflow.subprocesses.pop(my_task.id, None)
        if sub is not None:
            sub.completed = True
            sub.clear()
        case.cancelled(my_task)

    # -- the life of a token ------------------------------------------------------------------------------------
    def enter(self, token: Token) -> bool:
        """Names the token and arms its boundary events. True: it may act at once."""
        case = token.workflow.top_workflow.case
        if not token.name:
            token.name = token.workflow.visit(self.bpmn_id)
        case.trace(token.workflow, self.bpmn_id, "entered", token.via)
        if self.mapped_in or self.node.isolated:
            self._map_in(token)
        for spec in () if "revived" in token.internal_data else self.boundary:
            waiting = token._add_child(spec, TaskState.WAITING)
            waiting.name = token.workflow.visit(spec.bpmn_id)
            spec.arm(waiting, token)
        return True

    def act(self, token: Token) -> bool | None:
        """Does the element's work. True: done; None: waits for something inside it."""
        return True

    def leave(self, token: Token) -> None:
        """Ends the visit: boundary events are disarmed, successors get tokens, the token goes."""
        case = token.workflow.top_workflow.case
        for waiting in token.children:
            limits.host_ended(case, waiting)
            waiting.cancel()
        case.trace(token.workflow, self.bpmn_id, "left")
        if "undoes" in token.internal_data:
            handler_done(token)
            return
        self.completed(token)
        if self.mapped_out:
            self._map_out(token)
        if self.instance_of is not None:
            self.instance_of.instance_ended(token)
            return
        if token.scope == token.name:
            outer = case.outer[token.scope]
            case.close_scope(token.scope)
            token.scope = outer
        for flow, spec in self.chosen(token):
            case.trace(token.workflow, flow, "taken")
            token.workflow.spawn(spec, flow, token)
        token.workflow.remove(token)
        token.workflow.top_workflow.finished(token.workflow)

    def completed(self, token: Token) -> None:
        """The activity has ended by itself: from now on it can be compensated."""
        note(token)

    def _map_in(self, token: Token) -> None:
        """Gives the activity a data scope of its own and fills it."""
        case = token.workflow.top_workflow.case
        engine = token.workflow.script_engine
        if token.scope != token.name:
            case.open_scope(token.name, token.scope, narrow=not self.node.isolated)
            token.scope = token.name
        for target, expression in self.mapped_in:
            found = dict(case.variables(token.scope)) if target == ALL else None
            values = {target: engine.value(token, expression, self.bpmn_id)} if found is None else found
            case.write(values, token.scope, self.bpmn_id, own=True)
        if self.node.isolated:
            case.isolate(token.scope)

    def _map_out(self, token: Token) -> None:
        """Writes the mapped results into the scope around the activity."""
        case = token.workflow.top_workflow.case
        engine = token.workflow.script_engine
        outer = case.outer[token.scope] if token.scope == token.name else token.scope
        for target, expression in self.mapped_out:
            found = dict(case.locals[token.scope]) if target == ALL and token.scope != outer else None
            values = {target: engine.value(token, expression, self.bpmn_id)} if found is None else found
            case.write(values, outer, self.bpmn_id)

    def chosen(self, token: Token) -> list[tuple[str, Any]]:
        """Flows that get a token: those without a condition, those whose condition holds, and the default when no
        condition does (BPMN 13.3.1)."""
        if not self.flows:
            return [] if self.default is None else [self.default]
        evaluate = token.workflow.script_engine.holds
        taken, held = [], False
        for flow, condition, spec in self.flows:
            if condition is None or evaluate(token, condition):
                taken.append((flow, spec))
                held = held or condition is not None
        if not held and self.default is not None:
            taken.append(self.default)
        if not taken:
            raise KernelFault(self.bpmn_id, "incident.no_flow", {"name": self.node.label})
        return taken


class ExclusiveSpec(NodeSpec):
    """The first flow whose condition holds, in drawn order; else the default (BPMN 13.4.2)."""

    def chosen(self, token: Token) -> list[tuple[str, Any]]:
        if not self.flows and self.default is None:
            return []
        evaluate = token.workflow.script_engine.holds
        for flow, condition, spec in self.flows:
            if condition is None or evaluate(token, condition):
                return [(flow, spec)]
        if self.default is None:
            raise KernelFault(self.bpmn_id, "incident.no_flow", {"name": self.node.label})
        return [self.default]
