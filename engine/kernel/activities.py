"""Activities that do something: user tasks, scripts, decisions, services, multi-instance (BPMN 10.2, 13.2)."""

from __future__ import annotations

from typing import Any

from SpiffWorkflow.util.task import TaskState

from engine.definitions.model import Node
from engine.feel import Expression

from .faults import KernelFault
from .specs import NodeSpec
from .tokens import Token


class UserTaskSpec(NodeSpec):
    """Waits for a person: the token is READY and manual, as SpiffWorkflow's own user tasks are."""

    def __init__(self, wf_spec: Any, node: Node, name: str = "") -> None:
        super().__init__(wf_spec, node, name)
        self.manual = True

    def enter(self, token: Token) -> bool:
        super().enter(token)
        token.workflow.top_workflow.case.offer(token)
        return True


class ScriptSpec(NodeSpec):
    """FEEL script: its value is written to the field `camunda:resultVariable`."""

    script: Expression

    def act(self, token: Token) -> bool | None:
        top = token.workflow.top_workflow
        value = top.script_engine.value(token, self.script, self.bpmn_id)
        top.case.write({self.node.result: value}, token.scope, self.bpmn_id)
        return True


class DecisionSpec(NodeSpec):
    """Business rule task: a DMN decision; which rules fired is recorded."""

    def act(self, token: Token) -> bool | None:
        token.workflow.top_workflow.case.decide_table(token, self.node)
        return True


class ServiceSpec(NodeSpec):
    """Service task: one of the built-in topics, carried out inside the turn (see topics)."""

    def act(self, token: Token) -> bool | None:
        token.workflow.top_workflow.case.serve(token, self.node)
        return True


class MultiInstanceSpec(NodeSpec):
    """Container of a multi-instance activity; boundary events attach here, instances hang below.

    Each instance has a data scope of its own, named like the instance (`X#1[0]`). With property `collectInto` the
    case field of that name is the list of these scopes in input order, whatever happens to the container later.
    """

    inner: NodeSpec
    collection: Expression | None
    cardinality: Expression | None
    completion: Expression | None

    def act(self, token: Token) -> bool | None:
        memo = token.internal_data
        if memo.get("done"):
            return True
        top = token.workflow.top_workflow
        items = self._items(token)
        top.case.guards.instances(self.bpmn_id, len(items))
        memo["items"], memo["next"], memo["completed"] = items, 0, 0
        into = self.node.properties.get("collectInto", "")
        if into:
            top.case.collect(token, into)
        multi = self.node.multi
        assert multi is not None
        for _ in items[: 1 if multi.sequential else None]:
            self._start_next(token)
        return None if items else True

    def _items(self, token: Token) -> list[Any]:
        engine = token.workflow.script_engine
        if self.collection is not None:
            value = engine.value(token, self.collection, self.bpmn_id)
            if value is None:
                return []
            if not isinstance(value, list):
                raise KernelFault(
                    self.bpmn_id, "incident.collection", {"name": self.node.label, "got": type(value).__name__}
                )
            return value
        count = engine.value(token, self.cardinality, self.bpmn_id)
        if not isinstance(count, int) or isinstance(count, bool) or count < 0:
            raise KernelFault(self.bpmn_id, "incident.cardinality", {"name": self.node.label, "got": str(count)})
        return list(range(count))

    def _start_next(self, token: Token) -> None:
        memo, multi = token.internal_data, self.node.multi
        assert multi is not None
        index = memo["next"]
        memo["next"] = index + 1
        child = token._add_child(self.inner, TaskState.FUTURE)
        child.name = child.scope = f"{token.name}[{index}]"
        case = token.workflow.top_workflow.case
        case.open_scope(child.scope, token.scope)
        own = {"loopCounter": index}
        if multi.variable and self.collection is not None:
            own[multi.variable] = memo["items"][index]
        into = self.node.properties.get("collectInto", "")
        if into:
            case.collect_scope(token, into, child.scope)
        case.write(own, child.scope, self.bpmn_id)
        self.inner._update(child)

    def instance_ended(self, child: Token) -> None:
        """Called when an instance left: starts the next one, or ends the container (BPMN 13.2.7)."""
        token = child.parent
        scope, memo = child.scope, token.internal_data
        memo["completed"] += 1
        stop = self.completion is not None and token.workflow.script_engine.holds(
            child, self.completion, self._counts(token)
        )
        token.workflow.remove(child)
        token.workflow.top_workflow.case.close_scope(scope)
        multi = self.node.multi
        assert multi is not None
        running = [t for t in token.children if t.task_spec is self.inner]
        if not stop and multi.sequential and memo["next"] < len(memo["items"]):
            self._start_next(token)
            return
        if stop:
            for other in running:
                other.cancel()
                token.workflow.top_workflow.case.close_scope(other.scope)
            running = []
        if not running:
            memo["done"] = True
            token._set_state(TaskState.READY)

    def _counts(self, token: Token) -> dict[str, int]:
        memo = token.internal_data
        total, done = len(memo["items"]), memo["completed"]
        return {
            "nrOfInstances": total,
            "nrOfCompletedInstances": done,
            "nrOfActiveInstances": len([t for t in token.children if t.task_spec is self.inner]) - 1,
        }
