"""The live state of one case: data, tokens, open tasks, armed timers; and the events of the turn under way.

A `Case` changes in place. It is only ever driven by `decide`; when a turn is not committed (fault, lost race), the
`Case` is thrown away and rebuilt from the journal.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from engine.definitions.bundle import Bundle
from engine.definitions.model import Node
from engine.domain import events as ev
from engine.domain.codec import JSON, canonical, instant_text
from engine.feel import to_json

from . import limits, topics
from .case_data import CaseData
from .expressions import FeelEngine
from .guards import Guards
from .program import Program
from .subscriptions import Subscriptions
from .throwing import correlation
from .timers import ArmedTimer, as_instant
from .tokens import Completed, KernelWorkflow, Token
from .waiting import BoundarySpec, CatchSpec, WatcherSpec


@dataclass(slots=True)
class OpenTask:
    """A user task that waits. `owner`: who gets it back from a delegate, "" if not delegated. `came_from`: who
    transferred it. `cosigns`: user -> "", "yes" or "no"."""

    name: str
    node: Node
    token: Token
    groups: tuple[str, ...]
    assignee: str = ""
    owner: str = ""
    came_from: str = ""
    cosigns: dict[str, str] = field(default_factory=dict)
    proposed: Mapping[str, JSON] | None = None
    created: ev.TaskCreated | None = None


@dataclass(slots=True)
class Waiting:
    """A message event that waits, and who may send it from the case page."""

    token: Token
    node: Node
    groups: tuple[str, ...]
    key: str = ""

    def accepts(self, name: str, key: str = "") -> bool:
        """Whether a message of that name and correlation is meant for this event; no key on a side fits any."""
        return self.node.event.name == name and (not key or not self.key or self.key == key)


class Case(CaseData):
    """State of a case; see the module. `seq` is that of the last entry applied."""

    def __init__(
        self, program: Program, bundle: Bundle, case_id: str, process: str, guards: Guards | None = None
    ) -> None:
        self.program = program
        self.bundle = bundle
        self.case_id = case_id
        self.process = process
        super().__init__(guards or Guards())
        self.seq = 0
        self.last_at: datetime | None = None
        self.at: datetime
        self.actor = ""
        self.status = "open"
        self.outcome = ""
        self.stage = ""
        self.stage_label = ""
        self.tasks: dict[str, OpenTask] = {}
        self.timers: dict[str, ArmedTimer] = {}
        self.messages: dict[str, Waiting] = {}
        self.signals: dict[str, Token] = {}
        self.limits: dict[int, limits.LimitRecord] = {}
        self.breaches: list[limits.LimitRecord] = []
        self.incidents: dict[int, str] = {}
        self.incident_count = 0
        self.stuck: dict[str, int] = {}
        self.copies: set[str] = set()
        self.steps: list[tuple[str, str, str]] = []
        self.engine = FeelEngine(self)
        self.subscriptions = Subscriptions(self)
        self.workflow = KernelWorkflow(program.specs[process], program.specs, self.engine, self)

    # -- a turn ---------------------------------------------------------------------------------------------------
    def trace(self, scope: Any, element: str, action: str, via: str = "") -> None:
        """One step of the trail (TokensMoved); flows that the reader made are not in the drawing."""
        if "~" in element:
            return
        self.steps.append((scope.prefix[:-1], element, action))

    def run(self) -> None:
        """Lets the tokens run to their next waiting points; closes the case when none is left."""
        self.workflow.do_engine_steps()
        if self.steps:
            self.events.insert(self._trail_position(), ev.TokensMoved(tuple(self.steps)))
            self.steps = []
        if self.workflow.completed and self.status == "open":
            self.status = "closed"
            self.emit(ev.CaseClosed(self.outcome))

    def _trail_position(self) -> int:
        return 1 if self.events and isinstance(self.events[0], (ev.CaseOpened, ev.TimerFired)) else 0

    # -- user tasks -----------------------------------------------------------------------------------------------
    def offer(self, token: Token) -> None:
        """Makes a user task of a token that has reached one."""
        node: Node = token.task_spec.node
        spec = token.task_spec
        groups = self.groups(token, spec.groups)
        assignee = self._text(token, spec.assignee) if spec.assignee else ""
        own_due = ""
        if spec.due is not None:
            own_due = instant_text(as_instant(_plus(self.engine.raw(token, spec.due, node.id), self.at), node.id))
        due = min((d for d in (own_due, token.deadline) if d), default="")
        priority = self.engine.value(token, spec.priority, node.id) if spec.priority is not None else 50
        task = OpenTask(token.name, node, token, groups, assignee)
        self.tasks[token.name] = task
        self.enter_stage(node)
        task.created = ev.TaskCreated(
            task=token.name,
            element=node.id,
            label=node.label,
            process=token.workflow.spec.name.split("/")[0],
            scope=token.workflow.prefix[:-1],
            form=node.form,
            groups=groups,
            assignee=assignee,
            unit=self.unit(token, spec.unit),
            due=due,
            priority=int(priority or 50),
            clauses=node.clauses,
            properties=dict(node.properties),
        )
        self.emit(task.created)
        if groups or assignee:
            self.emit(
                ev.NotificationQueued(
                    (f"user:{assignee}",) if assignee else groups, "notice.task", token.name, {"label": node.label}
                )
            )

    def groups(self, token: Token, items: tuple[Any, ...]) -> tuple[str, ...]:
        """GroupIds of a compiled list: literals and expressions that give a text or a list of texts."""
        found: list[str] = []
        for item in items:
            value = item if isinstance(item, str) else self.engine.value(token, item, token.task_spec.bpmn_id)
            for group in value if isinstance(value, list) else [value]:
                if isinstance(group, str) and group and group not in found:
                    found.append(group)
        return tuple(found)

    def unit(self, token: Token, expression: Any) -> str:
        """The unit whose work it is: the property's value, else the field `unit` of the instance."""
        value = self.variables(token.scope).get("unit") if expression is None and token.scope else None
        if expression is not None:
            value = self.engine.value(token, expression, token.task_spec.bpmn_id)
        if isinstance(value, Mapping):
            value = value.get("id") or value.get("unit")
        return value if isinstance(value, str) else ""

    def _text(self, token: Token, item: Any) -> str:
        value = item if isinstance(item, str) else self.engine.value(token, item, token.task_spec.bpmn_id)
        return value if isinstance(value, str) else ""

    def enter_stage(self, node: Node) -> None:
        stage = node.properties.get("stage", "")
        if stage and stage != self.stage:
            self.stage, self.stage_label = stage, node.label
            self.emit(ev.CaseStageChanged(stage, node.label))

    # -- decisions and services -----------------------------------------------------------------------------------
    def decide_table(self, token: Token, node: Node) -> None:
        """Evaluates a DMN decision, writes its result and records the rules that fired."""
        self.enter_stage(node)
        result = self.engine.decision(token, node)
        value = to_json(result.value)
        rules = tuple(
            {"decision": r.decision_id, "rule": r.rule_number, "rule_id": r.rule_id, "annotation": r.annotation or ""}
            for r in result.fired
        )
        inputs: dict[str, JSON] = {}
        for one in result.inputs:
            label = one.label or one.input_id
            # Columns of different tables of one graph may bear the same label and hold different things.
            other = inputs.get(label, one.value) != one.value
            inputs[f"{label} ({one.input_id})" if other else label] = one.value
        self.emit(ev.DecisionMade(node.id, node.decision, rules, inputs, value))
        self.write({node.result: value}, token.scope, node.id)

    def serve(self, token: Token, node: Node) -> None:
        self.enter_stage(node)
        topics.TOPICS[node.topic](self, token, node)

    # -- events that wait -----------------------------------------------------------------------------------------
    def await_event(self, token: Token, spec: Any, host: Token) -> None:
        """Arms a timer or subscribes to a message or signal for a waiting token."""
        event = spec.node.event
        if event.kind == "timer":
            limits.arm(self, token, spec, host)
        elif event.kind == "message":
            groups = self.groups(host, spec.roles)
            key = correlation(self, host, spec)
            if self.subscriptions.take(event.name, key):
                self.subscriptions.wake(token)
            self.messages[token.name] = Waiting(token, spec.node, groups, key)
            node: Node = spec.node
            self.emit(
                ev.MessageAwaited(
                    token.name,
                    event.name,
                    node.shown,
                    node.properties.get("action", ""),
                    node.properties.get("form", ""),
                    groups,
                    key,
                )
            )
        elif event.kind == "signal":
            self.signals[token.name] = token
        elif event.kind == "conditional":
            self.subscriptions.watch(token, host.scope, spec.condition)

    def heard(self, token: Token) -> None:
        """A token has what it waited for: nothing else that is thrown before it goes on may be taken for it too."""
        token.internal_data["heard"] = self.messages.pop(token.name, None)
        self.signals.pop(token.name, None)
        self.subscriptions.forget(token.name)

    def no_longer_waits(self, token: Token) -> None:
        """Forgets what a token waited for."""
        waiting = self.messages.pop(token.name, None) or token.internal_data.pop("heard", None)
        if waiting is not None:
            self.emit(ev.MessageNoLongerAwaited(token.name, waiting.node.event.name))
        self.signals.pop(token.name, None)
        self.subscriptions.forget(token.name)
        for name in [t.id for t in self.timers.values() if t.token is token or t.extra.get("owner") == token.id]:
            timer = self.timers.pop(name)
            self.emit(ev.TimerCancelled(name, timer.element))

    def trigger(self, token: Token) -> None:
        """Lets the event of a waiting token take effect."""
        spec: CatchSpec | BoundarySpec | WatcherSpec = token.task_spec
        spec.triggered(token)

    def cancelled(self, token: Token) -> None:
        """A token is being removed before its time, or a boundary event with its host."""
        spec = token.task_spec
        fired = isinstance(spec, BoundarySpec) and token.parent is token.workflow.task_tree
        if isinstance(spec, BoundarySpec | WatcherSpec) and not fired:
            self.limits.pop(token.id, None)
        else:
            self.trace(token.workflow, spec.bpmn_id, "cancelled")
        self.no_longer_waits(token)
        task = self.tasks.pop(token.name, None)
        if task is not None:
            self.emit(ev.TaskCancelled(task.name))
        for scope in (token.scope if token.scope == token.name else "", *token.internal_data.get("scopes", ())):
            self.close_scope(scope)

    # -- proof ----------------------------------------------------------------------------------------------------
    def digest(self) -> str:
        """sha256 over everything a later turn depends on; equal for live and replayed states (hex)."""
        workflow = self.workflow
        state = {
            "status": self.status,
            "outcome": self.outcome,
            "stage": self.stage,
            "data": self.hashes,
            "locals": self.locals,
            "scopes": [
                [s.prefix, s.visits, [[t.name, t.via, t.task_spec.name, t._state, t.scope] for t in s.live()]]
                for s in workflow.scopes()
            ],
            "tasks": [[t.name, t.assignee, t.owner, t.came_from, t.cosigns, t.groups] for t in self.tasks.values()],
            "timers": [[t.id, instant_text(t.due), t.remaining] for t in self.timers.values()],
            "messages": list(self.messages),
            "signals": list(self.signals),
            "limits": [[r.timer, r.breached] for r in self.limits.values()],
            "incidents": self.incidents,
            **self.subscriptions.state(),
            **_memory(workflow),
        }
        return hashlib.sha256(canonical(state)).hexdigest()


def _memory(workflow: KernelWorkflow) -> dict[str, Any]:
    """What scopes remember of tokens that are gone, for the digest; {} when nothing."""

    def told(done: list[Completed]) -> list[Any]:
        return [[c.element, c.data, told(c.inner)] for c in done]

    found: dict[str, Any] = {}
    if undoable := [[s.prefix, told(s.done)] for s in workflow.scopes() if s.done]:
        found["undoable"] = undoable
    if activated := [
        [s.prefix, {n: sorted(f) for n, f in s.activated.items()}] for s in workflow.scopes() if s.activated
    ]:
        found["activated"] = activated
    return found


def _plus(value: Any, now: datetime) -> Any:
    return now + value if isinstance(value, timedelta) else value
