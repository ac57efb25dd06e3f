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
from .compensation import compensate, handler_done, note
from .expressions import Condition
from .faults import KernelFault
from .throwing import catcher, throw
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
        """Flows that get a token: all whose condition holds; the default when no condition does."""
        if not self.flows:
            return [] if self.default is None else [self.default]
        evaluate = token.workflow.script_engine.holds
        taken = [
            (flow, spec) for flow, condition, spec in self.flows if condition is None or evaluate(token, condition)
        ]
        if not taken and self.default is not None:
            return [self.default]
        if not taken and not self.default:
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


class SubProcessSpec(NodeSpec):
    """Embedded sub-process or call activity: done when its last token is gone."""

    called: str

    def act(self, token: Token) -> bool | None:
        top = token.workflow.top_workflow
        if token.internal_data.get("begun"):
            return True
        token.internal_data["begun"] = True
        top.case.guards.nesting(token)
        top.case.enter_stage(self.node)
        spec = top.subprocess_specs[self.called]
        revived = token.internal_data.get("revived")
        if revived is None and not spec.entries:
            return True
        sub = top.nested(token, self.called)
        if revived is None:
            sub.begin()
        else:
            sub.open()
            sub.done = revived
            sub.spawn(self.undoing, "", sub.task_tree)
        return None


class ParticipantSpec(NodeSpec):
    """Another pool of the file that a message has started: runs beside the case's process, inside the same case."""

    called: str

    def act(self, token: Token) -> bool | None:
        if token.internal_data.get("begun"):
            return True
        token.internal_data["begun"] = True
        token.workflow.top_workflow.nested(token, self.called).begin(token.internal_data["start"])
        return None


class EndSpec(NodeSpec):
    """End events: none, terminate, error, escalation, signal, message, compensation, cancel."""

    def act(self, token: Token) -> bool | None:
        scope, event = token.workflow, self.node.event
        case = scope.top_workflow.case
        if "undo" not in token.internal_data:
            case.enter_stage(self.node)
            if "outcome" in self.node.properties:
                case.outcome = self.node.properties["outcome"]
            elif scope is scope.top_workflow:
                case.outcome = case.outcome or self.bpmn_id
        if event.kind == "terminate":
            self._clear(token)
        elif event.kind == "compensate":
            return compensate(token, event.activity) or None
        elif event.kind == "cancel":
            return self._cancel_transaction(token)
        else:
            throw(token, self)
        return True if token.alive else None

    def _clear(self, token: Token) -> None:
        """Ends everything else in the scope; other pools of the case are scopes of their own."""
        for other in token.workflow.live():
            if other is not token and other.task_spec.node.kind != "participant":
                other.cancel()

    def _cancel_transaction(self, token: Token) -> bool | None:
        """Ends everything else in the transaction, undoes what it completed, leaves by its cancel boundary event
        (BPMN 10.5.1, 13.3.3)."""
        scope = token.workflow
        if "undo" not in token.internal_data:
            scope.unwatch()
            self._clear(token)
        if not compensate(token, ""):
            return None
        found = catcher(token, "cancel", "")
        assert found is not None, "the reader asks for a cancel boundary event"
        found.task_spec.triggered(found)
        return None

    def leave(self, token: Token) -> None:
        if token.alive:
            super().leave(token)


class ThrowSpec(NodeSpec):
    """Intermediate throw events (none, link, signal, escalation, message, compensation) and send tasks with a message.

    A link is a flow to its catch event, made by the reader (BPMN 10.5.5).
    """

    def act(self, token: Token) -> bool | None:
        if self.node.event.kind == "compensate":
            return compensate(token, self.node.event.activity) or None
        throw(token, self)
        return True if token.alive else None
