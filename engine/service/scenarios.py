"""Runs the scenarios of a bundle on the kernel, with a clock of their own; nothing is stored."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass, field, replace
from typing import Any, Final

from engine.definitions.bundle import Bundle
from engine.definitions.model import Finding
from engine.domain.calendar import ZONE
from engine.domain.codec import JSON, parse_instant
from engine.domain.commands import OpenCase
from engine.domain.rejection import Rejection
from engine.kernel.program import Program

from .bundle_check import Checked
from .catalogue import said
from .play import PLAYER, Line, Play
from .play_script import BadScript, Step, StepFailed, attached, offered, refused, take
from .scenario_reader import Scenario, Unreadable, files_of, filled, read

FAILING: Final = "bundle.scenarios"
"""Key of the refusal of a bundle whose scenarios fail."""
REMEMBERED: Final = 8
"""Bundles whose results are kept: they depend on the files alone."""
MAX_SHOWN: Final = 400
"""Characters of a value in a sentence."""
_INSTANT: Final = re.compile(r"\d{4}-\d{2}-\d{2}T[\d:.]+(Z|[+-]\d{2}:\d{2})")


@dataclass(frozen=True, slots=True)
class Result:
    """How a scenario went. `step`: number of the one that failed, 0 for opening the case; `fault`: what differs, None
    when all went as it should. `steps`: how many there are."""

    file: str
    title: str
    steps: int
    step: int = 0
    fault: Finding | None = None
    record: tuple[Line, ...] = field(default=(), repr=False)


def run(scenario: Scenario, program: Program, bundle: Bundle) -> Result:
    """Plays one scenario to its end or to the first step that did not go as it should."""
    passed = Result(scenario.file, scenario.title, len(scenario.stages))
    if scenario.process not in bundle.processes:
        known = ", ".join(sorted(bundle.processes))
        return _failed(passed, 0, 0, "scenario.no_process", process=scenario.process, known=known)
    record: list[Line] = []
    play = Play(program, bundle, scenario.process, scenario.at, record.append)
    number, line = 0, 0
    try:
        opened(play, scenario)
        for number, stage in enumerate(scenario.stages, 1):
            line = stage.line
            for step in stage.moves:
                take(play, at_its_time(step, play))
                _no_incident(play, scenario, number)
    except StepFailed as failed:
        return replace(_differs(passed, number, line, failed), record=tuple(record))
    except BadScript as bad:
        return _failed(passed, number, line, "scenario.bad", message=str(bad))
    return replace(passed, record=tuple(record))


def at_its_time(step: Step, play: Play) -> Step:
    """The step with the present instant where it says NOW."""
    now = play.at.astimezone(ZONE)
    return replace(step, subject=filled(step.subject, now), more=filled(dict(step.more), now))


def opened(play: Play, scenario: Scenario) -> None:
    """Opens the case of a scenario. Raises StepFailed."""
    values: dict[str, JSON] = filled(dict(scenario.data), scenario.at.astimezone(ZONE))
    options = offered(play.bundle, play.bundle.start_form(scenario.process), values)
    command = OpenCase(scenario.process, values, attached(values), options, scenario.start)
    refusal = play.do(command, scenario.by or PLAYER)
    if refusal is not None:
        raise StepFailed(said(refusal.key, refusal.details), **refused(refusal))


def _no_incident(play: Play, scenario: Scenario, number: int) -> None:
    """A fault of the process itself fails the scenario, unless the next thing it says is that it expects one."""
    if play.case.incidents and not _foreseen(scenario, number):
        raise StepFailed("incident", incident=next(iter(play.case.incidents.values())))


def _foreseen(scenario: Scenario, number: int) -> bool:
    stages = scenario.stages[number - 1 : number + 1]
    steps = [step for stage in stages for step in stage.moves if step.verb == "expect"]
    return any(step.subject.get("status") == "incident" for step in steps)


def _differs(passed: Result, number: int, line: int, failed: StepFailed) -> Result:
    facts = failed.facts
    if "what" in facts:
        both = {name: shown(facts[name]) for name in ("expected", "got")}
        return _failed(passed, number, line, "scenario.differs", what=f"scenario.what.{facts['what']}", **both)
    if "incident" in facts:
        return _failed(passed, number, line, "scenario.incident", reason=str(facts["incident"]))
    if "open" in facts:
        return _failed(passed, number, line, "scenario.no_task", message=str(failed), open=shown(facts["open"]))
    fields: Any = facts.get("fields", [])
    named = "; ".join(f"{one['path']}: {one['message']}" for one in fields)
    return _failed(passed, number, line, "scenario.refused", reason=str(failed), fields=named or "-")


def _failed(passed: Result, number: int, line: int, key: str, **details: object) -> Result:
    facts = {"title": passed.title, "step": number, **details}
    fault = Finding("error", passed.file, "", passed.title, line, key, facts)
    return replace(passed, step=number, fault=fault)


def shown(value: JSON) -> str:
    """A value in a sentence, cut where it is long."""
    text = _said(value)
    return text if len(text) <= MAX_SHOWN else text[:MAX_SHOWN] + "…"


def _said(value: JSON) -> str:
    """A value in plain words: lists with commas, of a table its values, instants as the office reads them."""
    if isinstance(value, bool) or value is None:
        return "-" if value is None else str(value).lower()
    if isinstance(value, dict):
        return " ".join(_said(one) for one in value.values() if one not in ("", None)) or "-"
    if isinstance(value, list):
        return "、".join(_said(one) for one in value) or "-"
    return _INSTANT.sub(_local, str(value))


def _local(found: re.Match[str]) -> str:
    return parse_instant(found[0]).astimezone(ZONE).strftime("%Y-%m-%d %H:%M")


_known: dict[str, tuple[Result, ...]] = {}
_guard = threading.Lock()


def results(checked: Checked) -> tuple[Result, ...]:
    """The results of all scenarios of a bundle by file; none when it can't be run at all. The last few bundles' are
    remembered."""
    if checked.blocked:
        return ()
    version = checked.bundle.version
    with _guard:
        found = _known.get(version)
    if found is None:
        found = tuple(_results(checked))
        with _guard:
            while len(_known) >= REMEMBERED:
                _known.pop(next(iter(_known)))
            _known[version] = found
    return found


def _results(checked: Checked) -> list[Result]:
    found = []
    for path in files_of(checked.bundle.files):
        try:
            scenario = read(path, checked.bundle.files[path])
        except Unreadable as unreadable:
            found.append(Result(path, path, 0, 0, unreadable.finding))
            continue
        found.append(run(scenario, checked.program, checked.bundle))
    return found


def known(version: str) -> tuple[Result, ...] | None:
    """The results of a version that was run lately; None when it was not, or could not be run."""
    with _guard:
        return _known.get(version)


def failures(checked: Checked) -> list[Finding]:
    """What keeps a bundle that passed the checks from being deployed: the scenarios that did not go as they say."""
    return [one.fault for one in results(checked) if one.fault is not None]


def refusal(checked: Checked) -> Rejection | None:
    """Why the bundle can't be deployed because of its scenarios; None when all pass."""
    found = failures(checked)
    if not found:
        return None
    first = found[0]
    return Rejection("unsound", FAILING, {**first.details, "count": len(found), "file": first.file, "why": first.key})
