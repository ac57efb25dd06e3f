"""A diagram played without an office: one case, a clock that stands still until told to move, every event told.

Nothing is stored and nothing asks the machine for time or chance: the same diagram and steps give the same bytes.
What the office would bring (people, forms and decision tables that are not given, services, called processes) is
played: such an element waits as a task that the script answers for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from engine.definitions.bundle import Bundle
from engine.definitions.model import Finding, Node, Process
from engine.domain.codec import JSON, instant_text, to_json
from engine.domain.commands import Command, FireTimer
from engine.domain.events import (
    Event,
    LimitBreached,
    LimitMet,
    MessageThrown,
    SignalThrown,
    TimerArmed,
    TimerCancelled,
    TokensMoved,
)
from engine.domain.rejection import Rejection
from engine.kernel.case import Case, OpenTask
from engine.kernel.decide import Turn, decide, incident, next_due
from engine.kernel.faults import KernelFault
from engine.kernel.program import Program

CASE: Final = "PLAY-1"
PLAYER: Final = "player"
CLOCK: Final = "system:timer"
BREAKING: Final = frozenset(("error", "escalation", "cancel"))
"""What a process throws at itself, and what then interrupts the scope it was thrown in."""
MAX_FIRINGS: Final = 10_000
"""Timers fired by one move of the clock: a cycle of a minute for a week."""
PLAYABLE: Final = frozenset(
    (
        "bpmn.nobody", "bpmn.form_unknown", "bpmn.topic_unknown", "bpmn.service_topic", "bpmn.decision_unknown",
        "bpmn.decision_empty", "bpmn.call_unknown", "bpmn.service_code", "bpmn.form_fields", "bpmn.not_executable",
        "bpmn.start_timer", "bundle.no_process",
    )
)  # fmt: skip
"""Findings that say what the office lacks: they change nothing of how the diagram runs and do not refuse a play."""

SCRIPTS: Final = frozenset(("bpmn.script_language", "bpmn.script_result", "bpmn.script_empty"))
"""Findings about script tasks that another engine would run; with `scripts` they wait as tasks too."""

Line = dict[str, JSON]
Kept = Callable[[Command, Turn, Sequence[Event]], None]
"""Told each turn that happened, with what it caused."""


def obstacles(findings: Iterable[Finding], scripts: bool) -> list[Finding]:
    """The errors that keep a diagram from being played as drawn. `scripts`: script tasks that can't be run are played
    as tasks, because whoever asks said so."""
    played = PLAYABLE | SCRIPTS if scripts else PLAYABLE
    return [f for f in findings if f.severity == "error" and f.key not in played]


def playable(bundle: Bundle, scripts: bool = False) -> Bundle:
    """The bundle with, if `scripts`, each script task that can't be run made a task. What else is not given (services,
    tables, called processes) the compiler of a played program lets wait by itself."""
    foreign = {(f.file, f.element) for f in bundle.findings if scripts and f.key in SCRIPTS}
    if not foreign:
        return bundle
    return replace(bundle, processes={name: _playable(p, foreign) for name, p in bundle.processes.items()})


def _playable(process: Process, foreign: Collection[tuple[str, str]]) -> Process:
    def played(node: Node) -> Node:
        if node.kind == "scriptTask" and (process.file, node.id) in foreign:
            return replace(node, kind="userTask", script="", result="")
        return node if node.body is None else replace(node, body=_playable(node.body, foreign))

    return replace(process, nodes={name: played(node) for name, node in process.nodes.items()})


class Play:
    """One case under play. `tell` is given each line of the record as it happens."""

    def __init__(
        self,
        program: Program,
        bundle: Bundle,
        process: str,
        at: datetime,
        tell: Callable[[Line], None],
        keep: Kept = lambda command, turn, events: None,
    ) -> None:
        self.program, self.bundle, self.process = program, bundle, process
        self.at = at
        self.tell = tell
        self.keep = keep
        self.seq = 0
        self.trace: list[str] = []
        """Elements that were carried out, in order; a repeated activity once for each instance or round."""
        self._repeated = {
            node.id for p in bundle.processes.values() for _, node in p.walk() if node.multi is not None or node.loop
        }
        self._inside: Counter[tuple[str, str]] = Counter()
        self._breaking = {
            node.id
            for p in bundle.processes.values()
            for _, node in p.walk()
            if node.kind in ("endEvent", "intermediateThrowEvent") and node.event.kind in BREAKING
        }
        self._turns: list[tuple[Command, Turn, KernelFault | None]] = []
        self.limits: dict[str, Line] = {}
        """Limits (时限) by their timer: `limit`, `unit`, `due`, and `state`: running, breached, met, late (met after
        it was breached), dropped (what it was about ended otherwise)."""
        self.case = Case(program, bundle, CASE, process)

    def do(self, command: Command, actor: str = PLAYER) -> Rejection | None:
        """Carries a command out at the present instant, after and before the timers that are due."""
        self.settle()
        refusal = self._turn(command, actor)
        self.settle()
        return refusal

    def advance(self, to: datetime) -> None:
        """Moves the clock; every timer on the way fires at its own instant. The clock never runs backward."""
        for _ in range(MAX_FIRINGS):
            timer = next_due(self.case, to) if self.case.status == "open" else None
            if timer is None:
                break
            self.at = max(self.at, self.case.timers[timer].due)
            self._turn(FireTimer(timer), CLOCK)
        self.at = max(self.at, to)

    def settle(self) -> None:
        """Fires what is due now."""
        self.advance(self.at)

    def say(self, kind: str, **facts: JSON) -> None:
        """A line of the record that is no event of the case."""
        self.seq += 1
        self.tell({"seq": self.seq, "at": instant_text(self.at), "kind": kind, **facts})

    # -- turns ----------------------------------------------------------------------------------------------------
    def _turn(self, command: Command, actor: str) -> Rejection | None:
        turn = Turn(self.at, actor)
        try:
            outcome = decide(self.case, command, turn)
        except KernelFault as fault:
            # The case is half-changed: it is built again, and only the incident is kept (see kernel.decide).
            self._rebuild()
            outcome = incident(self.case, fault, command, turn)
            self._turns.append((command, turn, fault))
        else:
            if isinstance(outcome, Rejection):
                return outcome
            self._turns.append((command, turn, None))
        self.keep(command, turn, outcome)
        thrown = {event.element for event in outcome if isinstance(event, SignalThrown | MessageThrown)}
        for event in outcome:
            if isinstance(event, TokensMoved):
                for scope, element, action in event.steps:
                    self._trace(scope, element, action, thrown)
            self._note_limit(event)
            line = to_json(event)
            self.say(line.pop("kind"), **line)
        return None

    def _trace(self, scope: str, element: str, action: str, thrown: Collection[str]) -> None:
        """A repeated activity is entered and left once as a whole, around its instances; the whole is not a step. An
        event that took its own scope away by what it threw was carried out, although its token is cancelled."""
        if element in self._repeated and action in ("entered", "left", "cancelled"):
            self._inside[scope, element] += 1 if action == "entered" else -1
            if not self._inside[scope, element]:
                return
        if action == "left" or (action == "cancelled" and (element in self._breaking or element in thrown)):
            self.trace.append(element)

    def _note_limit(self, event: Event) -> None:
        if isinstance(event, TimerArmed) and event.limit and not event.warns_of:
            facts: Line = {"limit": event.limit, "unit": event.unit, "due": event.due, "state": "running"}
            self.limits[event.timer] = facts
        elif isinstance(event, LimitBreached):
            self.limits[event.timer]["state"] = "breached"
        elif isinstance(event, LimitMet):
            self.limits[event.timer]["state"] = "late" if event.late_seconds else "met"
        elif isinstance(event, TimerCancelled) and self.limits.get(event.timer, {}).get("state") == "running":
            self.limits[event.timer]["state"] = "dropped"

    def _rebuild(self) -> None:
        self.case = Case(self.program, self.bundle, CASE, self.process)
        for command, turn, fault in self._turns:
            if fault is None:
                decide(self.case, command, turn)
            else:
                incident(self.case, fault, command, turn)

    # -- what stands ----------------------------------------------------------------------------------------------
    @property
    def status(self) -> str:
        """not_begun; completed; incident: something failed and waits for an operator; stuck: tokens are left, but
        nothing that could move them; else waiting."""
        if not self._turns:
            return "not_begun"
        if self.case.status != "open":
            return "completed"
        if self.case.incidents:
            return "incident"
        waits = (self.case.tasks, self.case.timers, self.case.messages, self.case.signals)
        return "waiting" if any(waits) or self.case.subscriptions.conditions else "stuck"

    def task(self, wanted: str, unit: str = "") -> OpenTask | None:
        """The open task of that task name, element id or label, of `unit` where several have one; of several the one
        that is open longest."""
        tasks = [t for t in self.case.tasks.values() if not unit or (t.created is not None and t.created.unit == unit)]
        for same in (
            [t for t in tasks if t.name == wanted],
            [t for t in tasks if t.node.id == wanted],
            [t for t in tasks if t.node.name == wanted],
        ):
            if same:
                return same[0]
        return None

    def standing(self) -> Line:
        """Where the case stands now, for the closing line and for expectations."""
        case = self.case
        tokens = Counter(t.task_spec.bpmn_id for s in case.workflow.scopes() for t in s.live() if t.task_spec.bpmn_id)
        return {
            "status": self.status,
            "outcome": case.outcome,
            "open": [
                {"task": t.name, "element": t.node.id, "name": t.node.name, "type": t.node.kind, "groups": [*t.groups]}
                for t in case.tasks.values()
            ],
            "messages": [
                {"task": w.token.name, "element": w.node.id, "message": w.node.event.name, "key": w.key}
                for w in case.messages.values()
            ],
            "signals": [
                {"task": t.name, "element": t.task_spec.bpmn_id, "signal": t.task_spec.node.event.name}
                for t in case.signals.values()
            ],
            "timers": [
                {"timer": t.id, "element": t.element, "due": instant_text(t.due)}
                for t in sorted(case.timers.values(), key=lambda t: (t.due, t.id))
            ],
            "incidents": [{"incident": number, "code": key} for number, key in sorted(case.incidents.items())],
            "tokens": dict(sorted(tokens.items())),
            "trace": list(self.trace),
            "data": _plain(case.data),
        }


def _plain(data: Mapping[str, Any]) -> dict[str, JSON]:
    return {name: data[name] for name in sorted(data)}
