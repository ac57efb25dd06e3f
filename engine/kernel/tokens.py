"""SpiffWorkflow's task tree, kept as small as the live tokens, with our own names, order and no clock.

SpiffWorkflow keeps every finished task in the tree and walks the whole tree at each step (measured: 10 ms a step at
5,000 tasks; blind and falsely "completed" beyond depth 1,000). Here a finished token leaves the tree at once and its
successors hang directly below the root, so a step costs the same after ten steps and after ten thousand. What was is
in the journal. `Token` replaces uuid4 and time.time of `SpiffWorkflow.task.Task` by a running number.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from SpiffWorkflow.bpmn.util.subworkflow import BpmnSubWorkflow
from SpiffWorkflow.bpmn.workflow import BpmnWorkflow
from SpiffWorkflow.task import Task
from SpiffWorkflow.util.task import TaskState

from . import limits

if TYPE_CHECKING:
    from .case import Case
    from .program import ProcessSpec


@dataclass(slots=True)
class Completed:
    """An activity that has completed and can be compensated (BPMN 10.7): its own handler undoes it, or `inner`, what
    was completed inside it. `data`: its own fields as they were."""

    element: str
    spec: Any
    data: dict[str, Any] | None
    inner: list[Completed]


class Token(Task):
    """One token: a visit of the flow to one element. `name` is the stable TaskId of the visit."""

    def __init__(
        self, workflow: Any, task_spec: Any, parent: Token | None = None, state: int = TaskState.MAYBE, id: Any = None
    ) -> None:
        # Task.__init__ asks uuid4 and time.time; both would differ between live run and replay.
        self.id = workflow.top_workflow.next_number()
        workflow.tasks[self.id] = self
        self.workflow = workflow
        self._parent = None if parent is None else parent.id
        self._children: list[int] = []
        self._state = state
        self.triggered = False
        self.task_spec = task_spec
        self.thread_id = 0
        self.data: dict[str, Any] = {}
        self.internal_data: dict[str, Any] = {}
        self.last_state_change = self.id
        self.name = ""
        self.via = ""
        self.scope: str = workflow.scope if parent is None else parent.scope
        self.deadline: str = workflow.deadline if parent is None else parent.deadline
        if parent is not None:
            parent._child_added_notify(self)

    def _add_child(self, task_spec: Any, state: int = TaskState.MAYBE) -> Token:
        return Token(self.workflow, task_spec, self, state)

    def _set_state(self, value: int) -> None:
        self._state = value
        if value == TaskState.READY and not self.task_spec.manual:
            top = self.workflow.top_workflow
            (top.last if self.task_spec.broadcasts else top.ready).append(self)

    def _inherit_data(self) -> None:
        """Case data lives beside the tree (Case.data): Spiff's merge at joins loses list items."""

    @property
    def alive(self) -> bool:
        return self.id in self.workflow.tasks

    def cancel(self) -> None:
        """Removes the token with all that hangs on it: instances, boundary events, called processes."""
        if not self.alive:
            return
        for child in self.children:
            child.cancel()
        self._state = TaskState.CANCELLED
        self.task_spec._on_cancel(self)
        self.workflow.remove(self)


class _Scope:
    """What top-level and nested workflows share. `prefix` starts the names of its tokens."""

    tasks: dict[int, Token]
    task_tree: Token
    top_workflow: KernelWorkflow
    spec: ProcessSpec
    completed: bool
    prefix: str
    scope: str
    deadline: str
    visits: dict[str, int]
    joins: dict[str, list[Token]]
    activated: dict[str, set[str]]
    """Complex gateways that wait for their reset: the flows whose tokens activated them."""
    watchers: list[Token]
    """Tokens that wait for the start events of the scope's event sub-processes; they don't keep it alive."""
    done: list[Completed]
    """Activities that may still be compensated, in order of completion."""

    def open(self) -> None:
        """Makes the root of the scope; no token runs yet."""
        self.visits = {}
        self.joins = {}
        self.activated = {}
        self.watchers = []
        self.done = []
        self.task_tree = Token(self, self.spec.start, None, TaskState.COMPLETED)

    def begin(self, start: str = "") -> None:
        """Arms the event sub-processes and puts a token on each entry (BPMN 10.5.2, 13.2.1), or on start event
        `start` only."""
        self.open()
        for spec in self.spec.watching:
            spec.watch(self)
        chosen = [s for s in self.spec.starts if s.bpmn_id == start] if start else self.spec.entries
        for spec in chosen:
            self.spawn(spec, "", self.task_tree)
        if not chosen:
            self.top_workflow.finished(self)

    def spawn(self, spec: Any, via: str, like: Token) -> Token:
        """A new token on `spec`, arrived over flow `via`, in the data scope of `like`."""
        token = self.task_tree._add_child(spec, TaskState.FUTURE)
        token.via = via
        token.scope = like.scope
        token.deadline = self.deadline
        spec._update(token)
        return token

    def visit(self, element: str) -> str:
        """The next free name for a token on `element` in this scope."""
        number = self.visits.get(element, 0) + 1
        self.visits[element] = number
        return f"{self.prefix}{element}#{number}"

    def remove(self, token: Token) -> None:
        """Takes a finished or cancelled token out of the tree."""
        self.tasks.pop(token.id, None)
        parent = self.tasks.get(token._parent or 0)
        if parent is not None:
            parent._children.remove(token.id)

    def live(self) -> list[Token]:
        """Tokens other than the root and the watchers, in the order in which they came to be."""
        return [t for t in self.tasks.values() if t is not self.task_tree and t not in self.watchers]

    def unwatch(self, met: bool = False) -> None:
        """Disarms the event sub-processes: the scope has ended by itself, which meets their limits, or an interrupting
        one has begun, which does not."""
        watchers, self.watchers = self.watchers, []
        for token in watchers:
            if met:
                limits.host_ended(self.top_workflow.case, token)
            token.cancel()

    def clear(self) -> None:
        """Cancels every token of this scope (terminate, error, interruption)."""
        for token in list(self.task_tree.children):
            token.cancel()
        self.joins.clear()
        self.watchers = []


class KernelWorkflow(_Scope, BpmnWorkflow):
    """The top-level workflow of one case."""

    def __init__(self, spec: ProcessSpec, specs: dict[str, ProcessSpec], script_engine: Any, case: Case) -> None:
        self.case = case
        self.ready: deque[Token] = deque()
        self.last: deque[Token] = deque()
        """Tokens that throw a signal: they act when no other can move, so that whoever can wait for it waits."""
        self.numbers = 0
        self.prefix = ""
        self.scope = ""
        self.deadline = ""
        # deserializing: BpmnWorkflow would otherwise build and predict its own tree
        super().__init__(spec, specs, script_engine, deserializing=True)

    def next_number(self) -> int:
        self.numbers += 1
        return self.numbers

    def nested(self, token: Token, spec_name: str) -> KernelSubWorkflow:
        """The scope of the sub-process or called process of `token`; the caller begins it."""
        sub = KernelSubWorkflow(self.subprocess_specs[spec_name], token)
        self.subprocesses[token.id] = sub
        return sub

    def scopes(self) -> list[Any]:
        """This workflow and every live nested one, outermost first."""
        return [self, *self.subprocesses.values()]

    def do_engine_steps(self, will_complete_task: Any = None, did_complete_task: Any = None) -> None:
        """Runs until only people, clocks and messages can move a token.

        1. Let events take effect whose condition has become true or whose message was kept for them.
        2. Run the token that became ready first, those that throw signals after all others; go to 1.
        3. When none is left, let an inclusive join fire that no other token can reach any more; go to 1.
        """
        while True:
            while self.case.subscriptions.settle() or self.ready or self.last:
                if not self.ready and not self.last:
                    continue
                token = (self.ready or self.last).popleft()
                if token._state == TaskState.READY and token.alive:
                    self.case.guards.step(token)
                    token.run()
            if not any(
                spec.release(scope)
                for scope in self.scopes()
                if scope.joins or scope.activated
                for spec in scope.spec.inclusive_joins
            ):
                return

    def finished(self, scope: Any) -> None:
        """Called when a token left `scope`: ends the scope when it was the last."""
        if scope is self and scope.watchers and all(t.task_spec.node.kind == "participant" for t in scope.live()):
            # Other pools may run on; the process itself is over, and with it what waited for its sake.
            scope.unwatch(met=True)
        if len(scope.tasks) > 1 + len(scope.watchers) or scope.completed:
            return
        scope.completed = True
        scope.unwatch(met=True)
        if scope is self:
            return
        self.subprocesses.pop(scope.parent_token.id, None)
        if scope.done and scope.parent_token.task_spec.node.kind != "participant":
            scope.parent_token.internal_data["completed"] = scope.done
        scope.parent_token._set_state(TaskState.READY)

    def participant(self, process: str, start: str) -> None:
        """Starts another pool of the case's file with its start event `start`."""
        spec = self.spec.participants[process]
        token = self.task_tree._add_child(spec, TaskState.FUTURE)
        token.internal_data["start"] = start
        spec._update(token)


class KernelSubWorkflow(_Scope, BpmnSubWorkflow):
    """A running embedded sub-process or called process."""

    def __init__(self, spec: ProcessSpec, token: Token) -> None:
        self.parent_token = token
        self.prefix = f"{token.name}/"
        self.scope = token.scope
        self.deadline = token.deadline
        super().__init__(spec, token.id, token.workflow.top_workflow, deserializing=True)

    @property
    def parent_workflow(self) -> Any:
        return self.parent_token.workflow
