"""A trial (试运行): a bundle, deployed or not, stepped through by one person who plays everybody, with a clock.

A trial is its steps, and nothing else is kept: each look carries them out again, so a changed draft shows at once what
it makes of the same steps. No case, no file and no message of the office is touched.

A step is a JSON object:

    {"open": {...}, "by": "wangfang"}                      the start form; first step only
    {"complete": "Task_a#1", "fields": {...}, "by": ...}   an open task, by its task name
    {"message": "name", "fields": {...}, "by": ...}        what the case waits for from outside
    {"until": "2026-01-05T09:00:00.000000Z"}               the clock moves on; what comes due on the way fires
    {"wait": "PT8H"}                                       the same, by a duration

The first three may have `files` and `options`, as the commands have (engine.domain.commands).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from engine import VERSION
from engine.definitions.bundle import Bundle
from engine.domain.codec import JSON, parse_instant, to_json
from engine.domain.commands import Command, OpenCase, SendMessage, SubmitTask
from engine.domain.events import Event
from engine.domain.rejection import Rejection
from engine.journal.entry import GENESIS, StoredEntry, make_entry
from engine.kernel.case import Case
from engine.kernel.decide import Turn
from engine.kernel.program import Program

from .play import CASE, Line, Play
from .play_script import BadScript, moment
from .replay_frames import frames
from .replays import Replay

VERBS: Final = ("open", "complete", "message", "until", "wait")
MAX_STEPS: Final = 500
"""Of one trial; a case of the shipped bundle takes 22 and its clocks as many again."""

Step = Mapping[str, JSON]


@dataclass(slots=True)
class Trial:
    """What the steps led to. `taken`: how many of them were carried out; `refusal`: why the next one was not.

    A step beyond MAX_STEPS is refused like one that can't be taken.
    """

    play: Play
    entries: list[StoredEntry] = field(default_factory=list)
    taken: int = 0
    refusal: Rejection | None = None

    def take(self, step: Step) -> Rejection | None:
        """Carries out one more step, or says why not. The same program and steps give the same entries."""
        if self.taken >= MAX_STEPS:
            return Rejection("conflict", "play.no_step", {"verb": f"> {MAX_STEPS}"})
        refusal = _take(self.play, step)
        self.taken += refusal is None
        return refusal

    @property
    def case(self) -> Case:
        return self.play.case

    @property
    def at(self) -> datetime:
        """Where the trial's clock stands, aware UTC."""
        return self.play.at

    @property
    def next_due(self) -> datetime | None:
        """When the next timer fires, None when none is armed or the case has ended."""
        case = self.play.case
        waiting = [timer.due for name, timer in case.timers.items() if name not in case.stuck]
        return min(waiting, default=None) if case.status == "open" else None

    def replay(self) -> Replay:
        """The entries as a replay, for the pages that show one. Requires at least one entry."""
        bundle, program = self.play.bundle, self.play.program
        made = tuple(frames(self.entries, lambda _version: (program, bundle)))
        return Replay(CASE, len(self.entries), made, {bundle.version: bundle})


def carry_out(program: Program, bundle: Bundle, process: str, at: datetime, steps: Sequence[Step]) -> Trial:
    """Takes the steps one by one from `at` (aware), up to the first that is refused."""
    trial = Trial(Play(program, bundle, process, at, _silent))

    def keep(command: Command, turn: Turn, events: Sequence[Event]) -> None:
        trial.entries.append(_entry(trial, command, turn, events))

    trial.play.keep = keep
    for step in steps:
        trial.refusal = trial.take(step)
        if trial.refusal is not None:
            break
    return trial


def _silent(_line: Line) -> None:
    """A trial is told by its entries."""


def _take(play: Play, step: Step) -> Rejection | None:
    verb = next((name for name in VERBS if name in step), "")
    if verb in ("until", "wait"):
        try:
            play.advance(parse_instant(str(step["until"])) if verb == "until" else moment(str(step["wait"]), play.at))
        except (ValueError, BadScript):
            return Rejection("invalid", "play.no_time", {"text": str(step[verb])})
        return None
    command = _command(play, verb, step)
    if command is None:
        return Rejection("conflict", "play.no_step", {"verb": verb or "?"})
    if isinstance(command, SubmitTask) and command.task not in play.case.tasks:
        return Rejection("conflict", "task.gone", {"task": command.task})
    return play.do(command, str(step.get("by") or "player"))


def _command(play: Play, verb: str, step: Step) -> Command | None:
    """The command of a step; None for a step that is none, or that asks of a case that is not open yet."""
    more: dict[str, Any] = {"files": step.get("files") or {}, "options": step.get("options") or {}}
    subject: Any = step.get(verb)
    if verb == "open":
        return OpenCase(play.process, subject, **more)
    if play.status == "not_begun" or not isinstance(subject, str):
        return None
    fields: Any = step.get("fields") or {}
    return SubmitTask(subject, fields, **more) if verb == "complete" else SendMessage(subject, fields, **more)


def _entry(trial: Trial, command: Command, turn: Turn, events: Sequence[Event]) -> StoredEntry:
    before = trial.entries[-1].hash if trial.entries else GENESIS
    return make_entry(
        case_id=CASE,
        seq=len(trial.entries) + 1,
        at=turn.at,
        actor=turn.actor,
        on_behalf_of="",
        command_id=f"step-{len(trial.entries) + 1}",
        command=to_json(command),
        bundle=trial.play.bundle.version,
        engine_version=VERSION,
        events=[to_json(event) for event in events],
        state_digest=trial.play.case.digest(),
        prev_hash=before,
    )
