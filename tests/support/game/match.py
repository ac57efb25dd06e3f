"""The kernel and the game side by side: the same commands to both, everything that shows compared after each."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from engine.definitions.bundle import Bundle, read_bundle
from engine.domain.codec import instant_text
from engine.domain.commands import Command, FailTask, FireTimer, OpenCase, SendMessage, SendSignal, SubmitTask
from engine.domain.events import TokensMoved
from engine.domain.rejection import Rejection
from engine.kernel.case import Case
from engine.kernel.compile import compile_bundle
from engine.kernel.decide import next_due
from engine.kernel.faults import KernelFault
from engine.kernel.guards import Guards, Limits
from engine.kernel.program import Program
from engine.kernel.replay import rebuild, replay
from tests.support.diagrams import T0, Run

from . import constructs
from .diagram import Diagram
from .play import Game
from .state import Incident
from .writing import xml

MOST_STEPS = 600
"""Of a turn; no random diagram needs as many unless it runs round and round."""
MOST_FIRINGS = 100
"""At one instant; a loop over a date that has passed fires for ever."""
CASE_FIELDS = ("case_id", "opened_at", "opened_by")


class Difference(AssertionError):
    """The two sides do not agree."""


class Endless(Exception):
    """The diagram runs round and round: the kernel's guard ends the turn. Nothing to compare."""


class Refused(Exception):
    """The reader does not take the diagram."""


def compiled(diagram: Diagram) -> tuple[Program, Bundle]:
    """The kernel's program. Raises Refused on any error finding."""
    bundle = read_bundle({"bpmn/test.bpmn": xml(diagram)})
    program = compile_bundle(bundle, played=True)
    errors = [f for f in (*bundle.findings, *program.findings) if f.severity == "error"]
    if errors:
        raise Refused(str([(f.key, f.element, dict(f.details)) for f in errors]))
    bundle.regulation = {**bundle.regulation, "parameters": dict(diagram.data)}
    return program, bundle


class Side(Run):
    """The kernel's side: a case not yet opened, whose journal is kept for the replay."""

    def __init__(self, program: Program, bundle: Bundle) -> None:
        self.program, self.bundle = program, bundle
        self.known = {bundle.version: (program, bundle)}
        self.entries = []
        self.at = T0
        self.case = self.new_case()

    def new_case(self) -> Case:
        return Case(self.program, self.bundle, "T-1", "p", Guards(Limits(steps=MOST_STEPS)))


class Match:
    """A case of `diagram` on both sides, not yet opened. `history`: the commands so far, for the message."""

    def __init__(self, diagram: Diagram) -> None:
        self.diagram = diagram
        self.program, self.bundle = compiled(diagram)
        self.at = T0
        self.history: list[tuple[datetime, Command]] = []
        self.constructs = constructs.of_diagram(diagram)
        self.executed: Counter[str] = Counter()
        self.stuck = False
        self.incidents = 0
        self.command: Command | None = None
        self.side = Side(self.program, self.bundle)
        self.game = self.new_game()

    @property
    def over(self) -> bool:
        """Closed, or a turn failed that no person can take back."""
        return self.stuck or self.case.status != "open"

    @property
    def case(self) -> Case:
        return self.side.case

    def new_game(self) -> Game:
        return Game(self.diagram, T0)

    def do(self, command: Command) -> None:
        """Carries a command out on both sides and compares. Raises Difference."""
        self.command = command
        kernel, trail = self.kernel(command)
        game = self.play(self.game, command)
        self.same("outcome", kernel, game)
        if kernel not in ("done", "refused"):
            self.incidents += 1
            self.build_again()
            self.stuck = self.stuck or isinstance(command, FireTimer | OpenCase)
            trail = []
            self.game.trail = []
        elif kernel == "done":
            moved = {element for _, element, action in trail if action == "entered"}
            self.executed.update({c for element in moved for c in self.constructs.get(element, ())})
            self.history.append((self.at, command))
        if self.case.status != "open" or self.history:
            self.compare(trail)

    def kernel(self, command: Command) -> tuple[str, list[tuple[str, str, str]]]:
        try:
            self.side.at = self.at
            outcome = self.side.try_(command)
        except KernelFault as fault:
            if fault.key in ("incident.steps", "incident.tokens", "incident.nesting"):
                raise Endless from fault
            return f"incident at {fault.element}", []
        if isinstance(outcome, Rejection):
            return "refused", []
        return "done", [step for event in outcome if isinstance(event, TokensMoved) for step in event.steps]

    def play(self, game: Game, command: Command) -> str:
        game.at = self.at
        try:
            if isinstance(command, OpenCase):
                game.open()
            elif isinstance(command, SubmitTask):
                game.submit(command.task, dict(command.values))
            elif isinstance(command, FailTask):
                game.fail(command.task, command.code, command.escalation)
            elif isinstance(command, SendMessage):
                return "done" if game.send(command.name, dict(command.values)) else "refused"
            elif isinstance(command, SendSignal):
                game.signal(command.name)
            elif isinstance(command, FireTimer):
                watch = game.due()
                self.same("timer that fires", command.timer, watch.name if watch else None)
                assert watch is not None
                game.tick(watch)
            else:
                raise NotImplementedError(command)
        except Incident as incident:
            return f"incident at {incident.element}"
        return "done"

    def build_again(self) -> None:
        """Both sides as before the turn that failed."""
        now = self.at
        if self.history:
            self.side.case = rebuild(self.side.entries, self.side.load)
        self.game = self.new_game()
        for at, command in self.history:
            self.at = at
            self.play(self.game, command)
        self.at = now

    def settle(self) -> None:
        """Fires every timer that is due, each a turn of its own."""
        for _ in range(MOST_FIRINGS):
            if self.over:
                return
            name = next_due(self.case, self.at)
            mine = self.game.due()
            self.game.at = self.at
            self.same("next timer", name, mine.name if (mine := self.game.due()) else None)
            if name is None:
                return
            self.do(FireTimer(name))
        raise Endless

    def replay(self) -> None:
        """The journal replayed gives the same events and digests. Raises Difference."""
        if self.side.entries:
            found = [step.divergence for step in replay(self.side.entries, self.side.load) if step.divergence]
            self.same("replay", found, [])

    # -- what is compared -----------------------------------------------------------------------------------------
    def compare(self, trail: list[tuple[str, str, str]]) -> None:
        case, game = self.case, self.game
        self.same("closed", case.status == "closed", game.closed)
        self.same("open tasks", sorted(case.tasks), sorted(game.tasks))
        waits = {
            kind: sorted(w.name for w in game.watches if w.node.event.kind == kind)
            for kind in ("message", "signal", "conditional")
        }
        self.same("messages awaited", sorted(case.messages), waits["message"])
        self.same("signals awaited", sorted(case.signals), waits["signal"])
        self.same("conditions awaited", sorted(case.subscriptions.conditions), waits["conditional"])
        self.same("messages kept", sorted(k.name for k in case.subscriptions.kept), sorted(game.kept))
        self.same(
            "armed timers",
            sorted((t.id, t.element, instant_text(t.due)) for t in case.timers.values()),
            sorted((w.name, w.node.id, instant_text(w.due)) for w in game.watches if w.due is not None),
        )
        self.same(
            "data",
            {n: v for n, v in case.data.items() if n not in CASE_FIELDS},
            dict(game.data.own),
        )
        if Counter(trail) != Counter(game.trail):
            kernel, mine = Counter(trail), Counter(game.trail)
            self.fail("trail", f"only kernel {dict(kernel - mine)}", f"only game {dict(mine - kernel)}", trail)
        if in_order(trail) != in_order(game.trail):
            self.fail("order of the trail", show(trail), show(game.trail))

    def same(self, what: str, kernel: Any, game: Any) -> None:
        if kernel != game:
            self.fail(what, kernel, game)

    def fail(self, what: str, kernel: Any, game: Any, *more: Any) -> None:
        commands = "\n  ".join(f"{at:%d %H:%M} {command}" for at, command in self.history)
        told = f"{what}:\n kernel {kernel}\n game   {game}\n{more or ''}"
        raise Difference(f"{told}\n  {commands}\nthen at {self.at:%d %H:%M} {self.command}")


def in_order(trail: list[tuple[str, str, str]]) -> list[tuple[str, str, str]]:
    """The trail with tokens cancelled in one go in a fixed order: which of them went first means nothing."""
    found: list[tuple[str, str, str]] = []
    for cancelled, group in groupby(trail, key=lambda step: step[2] == "cancelled"):
        steps = list(group)
        found += sorted(steps) if cancelled else steps
    return found


def show(trail: Any) -> str:
    return " ".join(f"{scope}{'/' if scope else ''}{element}:{action[:2]}" for scope, element, action in trail)


def next_instant(match: Match) -> datetime | None:
    return min((t.due for t in match.case.timers.values()), default=None)


LATER = timedelta(minutes=90)
