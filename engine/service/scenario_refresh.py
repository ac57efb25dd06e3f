"""A scenario with what the bundle does now as what is expected: for changes that are meant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from engine.definitions.bundle import Bundle
from engine.domain.codec import JSON, parse_instant
from engine.kernel.program import Program

from .play import Play
from .play_script import FOUND, BadScript, Step, StepFailed, difference, standing_of, take
from .scenario_reader import Scenario
from .scenario_text import Written, instant, text
from .scenarios import at_its_time, opened


@dataclass(frozen=True, slots=True)
class Change:
    """An expectation that is another one now. `step`: number of the step, `what`: name of the expectation, see
    play_script.expect."""

    step: int
    what: str
    expected: JSON
    got: JSON


@dataclass(frozen=True, slots=True)
class Refreshed:
    """The file anew; the comments at its top stay, others go. `changes`: what it expects otherwise than before."""

    content: bytes
    changes: tuple[Change, ...]


def refreshed(scenario: Scenario, content: bytes, program: Program, bundle: Bundle) -> Refreshed | None:
    """The scenario by what happens now. None where a step can't be taken any more: such a scenario must be mended by
    hand. `content`: the file as it is."""
    if scenario.process not in bundle.processes:
        return None
    play = Play(program, bundle, scenario.process, scenario.at, lambda line: None)
    steps: list[Written] = []
    changes: list[Change] = []
    try:
        opened(play, scenario)
        for number, stage in enumerate(scenario.stages, 1):
            written = Written()
            for step in stage.moves:
                if step.verb == "expect":
                    changes += _changes(play, step, number)
                _note(play, step, written)
            steps.append(written)
    except (StepFailed, BadScript):
        return None
    notes = "\n".join(_comments(content))
    made = text(
        scenario.title, scenario.process, scenario.at, scenario.by, scenario.data, steps, notes, start=scenario.start
    )
    return Refreshed(made.encode(), tuple(changes))


def _changes(play: Play, step: Step, number: int) -> list[Change]:
    standing = standing_of(play)
    found = [(name, difference(standing, name, value)) for name, value in step.subject.items()]
    return [Change(number, name, *differs) for name, differs in found if differs]


def _note(play: Play, step: Step, written: Written) -> None:
    if step.verb == "expect":
        standing = standing_of(play)
        written.expect = {name: _now(name, standing, value) for name, value in step.subject.items()}
        return
    if step.verb == "advance_to":
        written.at = parse_instant(step.subject)
    elif step.verb == "advance":
        written.after = step.subject
    else:
        task = play.task(step.subject, str(step.more.get("unit", ""))) if step.verb == "complete" else None
        written.verb, written.subject, written.more = step.verb, step.subject, step.more
        written.note = task.node.name if task is not None and task.node.name != step.subject else ""
    take(play, at_its_time(step, play))


def _now(name: str, standing: Mapping[str, Any], value: Any) -> JSON:
    """What stands for an expectation now; of limits all those of the ids that it named."""
    if name == "limits":
        named = {one.get("limit") for one in value}
        rows = sorted(standing["limits"], key=lambda row: (row["due"], row["limit"]))
        return [{**row, "due": _at(row["due"])} for row in rows if row["limit"] in named]
    return FOUND[name](standing, value)


def _comments(content: bytes) -> list[str]:
    found = []
    for line in content.decode().splitlines():
        if not line.startswith("#"):
            break
        found.append(line[1:].strip())
    return found


def _at(due: str) -> str:
    return instant(datetime.fromisoformat(due))
