"""Activities that run several times: multi-instance and standard loops (BPMN 10.3.8, 13.3.6, 13.3.7).

The activity's own token is a container; boundary events attach to it. Each instance or round is a token below it, with
a data scope of its own.
"""

from __future__ import annotations

from typing import Any

from SpiffWorkflow.util.task import TaskState

from engine.feel import Expression

from .faults import KernelFault
from .specs import NodeSpec
from .tokens import Token


class Repeated(NodeSpec):
    """What both kinds of container share."""

    inner: NodeSpec

    def begin(self, token: Token, index: int) -> Token:
        """A token for one instance or round; its scope is named like it (`X#1[0]`)."""
        child: Token = token._add_child(self.inner, TaskState.FUTURE)
        child.name = child.scope = f"{token.name}[{index}]"
        return child

    def ended(self, child: Token) -> None:
        """Takes an instance away that has ended."""
        scope = child.scope
        child.workflow.remove(child)
        child.workflow.top_workflow.case.close_scope(scope)

    def completed(self, token: Token) -> None:
        """Each instance was noted by itself."""

    def instance_ended(self, child: Token) -> None:
        """Called when an instance or round left."""
        raise NotImplementedError


class LoopSpec(Repeated):
    """Standard loop: one round after another while the condition holds. Fields written in a round are those of the
    scope around it; `loopCounter` is the number of rounds done."""

    condition: Expression | None

    def act(self, token: Token) -> bool | None:
        loop = self.node.loop
        assert loop is not None
        done = token.internal_data.setdefault("done_rounds", 0)
        if loop.maximum and done >= loop.maximum:
            return True
        if (done or loop.test_before) and not self._again(token, done):
            return True
        child = self.begin(token, done)
        case = token.workflow.top_workflow.case
        case.open_scope(child.scope, token.scope, narrow=True)
        case.write({"loopCounter": done}, child.scope, self.bpmn_id, own=True)
        self.inner._update(child)
        return None

    def _again(self, token: Token, done: int) -> bool:
        if self.condition is None:
            return True
        return bool(token.workflow.script_engine.holds(token, self.condition, {"loopCounter": done}))

    def instance_ended(self, child: Token) -> None:
        token = child.parent
        self.ended(child)
        token.internal_data["done_rounds"] += 1
        token._set_state(TaskState.READY)


class MultiInstanceSpec(Repeated):
    """Multi-instance: one instance for each item, at once or one after another.

    With property `collectInto` the case field of that name is the list of the instances' scopes in input order,
    whatever happens to the container later; `output` collects one value of each that has ended, in input order too.
    """

    collection: Expression | None
    cardinality: Expression | None
    completion: Expression | None
    output_item: Expression | None = None

    def act(self, token: Token) -> bool | None:
        memo = token.internal_data
        if memo.get("done"):
            return True
        top = token.workflow.top_workflow
        items = self._items(token)
        top.case.guards.instances(self.bpmn_id, len(items))
        memo["items"], memo["next"], memo["ended"] = items, 0, 0
        into = self.node.properties.get("collectInto", "")
        if into:
            top.case.collect(token, into)
        multi = self.node.multi
        assert multi is not None
        if multi.output:
            memo["results"] = {}
            top.case.write({multi.output: []}, token.scope, self.bpmn_id)
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
        child = self.begin(token, index)
        child.internal_data["index"] = index
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
        """Starts the next instance, or ends the container (BPMN 13.3.7)."""
        token = child.parent
        memo = token.internal_data
        memo["ended"] += 1
        self._collect(token, child)
        stop = self.completion is not None and token.workflow.script_engine.holds(
            child, self.completion, self._counts(token)
        )
        self.ended(child)
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

    def _collect(self, token: Token, child: Token) -> None:
        """Adds the value of an instance that has ended to the output list."""
        multi = self.node.multi
        assert multi is not None
        if not multi.output or self.output_item is None:
            return
        results = token.internal_data["results"]
        index = child.internal_data["index"]
        results[index] = token.workflow.script_engine.value(child, self.output_item, self.bpmn_id)
        case = token.workflow.top_workflow.case
        case.write({multi.output: [results[i] for i in sorted(results)]}, token.scope, self.bpmn_id)

    def _counts(self, token: Token) -> dict[str, int]:
        memo = token.internal_data
        total, done = len(memo["items"]), memo["ended"]
        return {
            "nrOfInstances": total,
            "nrOfCompletedInstances": done,
            "nrOfActiveInstances": len([t for t in token.children if t.task_spec is self.inner]) - 1,
        }
