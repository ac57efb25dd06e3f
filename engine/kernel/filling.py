"""What belongs to one kind of element: its expressions compiled, its references looked up, or refused by element."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from engine import feel
from engine.definitions.bpmn_text import split_list
from engine.definitions.bundle import Bundle
from engine.definitions.model import Assignment, Finding, Flow, Node, Process

from .activities import DecisionSpec, PlayedSpec, ScriptSpec, ServiceSpec, UserTaskSpec
from .complex import ComplexSpec
from .program import Program
from .scopes import SubProcessSpec
from .specs import NodeSpec
from .timers import (
    ISO_DURATION,
    ISO_INSTANT,
    SHORTEST_PERIOD,
    SHORTEST_PLAYED,
    compile_timer,
    constant_fault,
    timer_source,
)
from .topics import TOPICS
from .waiting import BoundarySpec, CatchSpec, WatcherSpec


class Filling:
    """Fills specs in. Findings go to the program."""

    def __init__(self, bundle: Bundle, program: Program) -> None:
        self.bundle = bundle
        self.program = program
        self.kinds: tuple[tuple[tuple[type[NodeSpec], ...], Callable[..., None]], ...] = (
            ((SubProcessSpec,), self._scope),
            ((PlayedSpec,), self._people),
            ((UserTaskSpec,), self._user),
            ((ScriptSpec,), self._script),
            ((DecisionSpec,), self._decision),
            ((ServiceSpec,), self._service),
            ((ComplexSpec,), self._complex),
            ((CatchSpec, BoundarySpec, WatcherSpec), self._event),
        )

    def fill(self, process: Process, node: Node, made: NodeSpec, name: str) -> None:
        """Compiles what every element may have, then what its kind has. `name`: of the scope's ProcessSpec."""
        made.mapped_in = self._assignments(process, node, node.inputs)
        made.mapped_out = self._assignments(process, node, node.outputs)
        made.correlation = self.expression(process, node, node.event.correlation)
        for types, fill in self.kinds:
            if isinstance(made, types):
                fill(process, node, made, name)
                return

    def refuse(self, process: Process, node: Node, key: str, **details: object) -> None:
        self.program.findings.append(Finding("error", process.file, node.shown, node.name, node.line, key, details))

    # -- by kind ------------------------------------------------------------------------------------------------
    def _people(self, process: Process, node: Node, made: Any, name: str) -> None:
        users = (f"user:{u}" if not u.startswith("=") else u for u in node.users)
        made.groups = self._list(process, node, (*node.groups, *users))
        made.assignee = self._item(process, node, node.assignee)
        made.due = self._due(process, node, node.due)
        made.priority = self.expression(process, node, node.priority.removeprefix("="))
        made.unit = self.expression(process, node, node.properties.get("unit", "").removeprefix("="))
        made.recuse = self._list(process, node, tuple(split_list(node.properties.get("recuse", ""))))

    def _user(self, process: Process, node: Node, made: Any, name: str) -> None:
        self._people(process, node, made, name)
        if self.program.played:
            return
        if node.form and node.form not in self.bundle.forms:
            self.refuse(process, node, "bpmn.form_unknown", form=node.form)
        if not (node.groups or node.users or node.assignee):
            self.refuse(process, node, "bpmn.nobody")

    def _script(self, process: Process, node: Node, made: Any, name: str) -> None:
        made.script = self.expression(process, node, node.script) or feel.compile_expression("null")

    def _decision(self, process: Process, node: Node, made: Any, name: str) -> None:
        if node.implementation or node.topic:
            self.refuse(process, node, "bpmn.service_code", code=node.implementation or node.topic)
        elif not (node.decision and node.result):
            self.refuse(process, node, "bpmn.decision_empty")
        elif not self.bundle.has_decision(node.decision):
            self.refuse(process, node, "bpmn.decision_unknown", decision=node.decision)

    def _service(self, process: Process, node: Node, made: Any, name: str) -> None:
        if node.implementation:
            self.refuse(process, node, "bpmn.service_code", code=node.implementation)
        elif not node.topic:
            self.refuse(process, node, "bpmn.service_topic")
        elif node.topic not in TOPICS:
            self.refuse(process, node, "bpmn.topic_unknown", topic=node.topic, known=", ".join(sorted(TOPICS)))
        made.to = self._list(process, node, tuple(split_list(node.properties.get("to", ""))))
        made.requires = self.expression(process, node, node.properties.get("requires", "").removeprefix("="))

    def _complex(self, process: Process, node: Node, made: Any, name: str) -> None:
        made.activation = self.expression(process, node, node.activation) or feel.compile_expression("true")

    def _event(self, process: Process, node: Node, made: Any, name: str) -> None:
        made.condition = self.expression(process, node, node.event.condition)
        made.roles = self._list(process, node, tuple(split_list(node.properties.get("role", ""))))
        if node.event.timer is not None:
            self._timer(process, node, made)
        form = node.properties.get("form", "")
        if form and form not in self.bundle.forms and not self.program.played:
            self.refuse(process, node, "bpmn.form_unknown", form=form)

    def _timer(self, process: Process, node: Node, made: Any) -> None:
        timer = node.event.timer
        assert timer is not None
        groups = self._list(process, node, tuple(split_list(node.properties.get("responsible", ""))))
        try:
            made.plan = compile_timer(timer.kind, timer.text, node.properties, groups)
            shortest = SHORTEST_PLAYED if self.program.played else SHORTEST_PERIOD
            if fault := constant_fault(made.plan, shortest):
                self.refuse(process, node, "bpmn.timer_value", text=fault)
        except feel.FeelSyntaxError as error:
            details = {"text": timer.text[:200], "reason": error.message_key, "column": error.column}
            self.refuse(process, node, "bpmn.expression", **details)
        except ValueError as error:
            self.refuse(process, node, "bpmn.warning_mark", mark=str(error))

    def _scope(self, process: Process, node: Node, made: Any, name: str) -> None:
        made.called = node.called or f"{name}/{node.id}"
        called = self.bundle.processes.get(node.called)
        if node.called and called is None:
            self.refuse(process, node, "bpmn.call_unknown", called=node.called)
        elif called is not None and called.nodes and not called.entries:
            self.refuse(process, node, "bpmn.call_start", called=node.called)
        if called is not None and node.version_tag and node.version_tag != called.version_tag:
            self.refuse(process, node, "bpmn.call_tag", tag=node.version_tag, found=called.version_tag or "-")
        for inner in () if node.body is None else node.body.event_subprocesses:
            trigger = None if inner.body is None else inner.body.trigger
            if trigger is not None and trigger.event.kind == "compensate":
                made.undoing = self.program.specs[made.called].nodes[inner.id]

    # -- texts --------------------------------------------------------------------------------------------------
    def expression(self, process: Process, at: Node | Flow, text: str, line: int = 0) -> feel.Expression | None:
        """The compiled text, None for none or one that does not compile, which is a finding at `at`."""
        if not text:
            return None
        try:
            return feel.compile_expression(text)
        except feel.FeelSyntaxError as error:
            ident = at.shown if isinstance(at, Node) else at.id
            details = {"text": text[:200], "reason": error.message_key, "column": error.column}
            self.program.findings.append(
                Finding("error", process.file, ident, at.name, line or at.line, "bpmn.expression", details)
            )
            return None

    def _assignments(
        self, process: Process, node: Node, rows: tuple[Assignment, ...]
    ) -> list[tuple[str, feel.Expression]]:
        found = [(row.target, self.expression(process, node, row.value, row.line)) for row in rows]
        return [(target, expression) for target, expression in found if expression is not None]

    def _item(self, process: Process, node: Node, text: str) -> Any:
        return self.expression(process, node, text[1:].strip()) if text.startswith("=") else text

    def _list(self, process: Process, node: Node, items: tuple[str, ...]) -> tuple[Any, ...]:
        return tuple(item for item in (self._item(process, node, text) for text in items) if item)

    def _due(self, process: Process, node: Node, text: str) -> feel.Expression | None:
        text = text.removeprefix("=").strip()
        kind = "duration" if ISO_DURATION.fullmatch(text) else "date" if ISO_INSTANT.fullmatch(text) else ""
        return self.expression(process, node, timer_source(kind, text)) if text else None
