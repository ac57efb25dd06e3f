"""The steps of a trial run: what may be written, read and checked before anything runs, then taken one by one.

A step is an object with one verb:

    {"start": "Start_message"}                    begin at this start event, by id or by its message; first step only
    {"complete": "Task_a", "fields": {...}}       an open task, by task name, element id or label
    {"error": "code", "at": "Service_b"}          an open task ends with a BPMN error ("escalation" likewise)
    {"message": "name", "fields": {...}, "key": "7"}
    {"signal": "name"}
    {"advance": "PT8H"}  {"advance_to": "2026-01-05T09:00:00Z"}
    {"auto": true}                                completes every open task in order until nothing moves
    {"expect": {...}}                             see `Expectation`
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from engine import feel
from engine.domain.codec import JSON, instant_text, parse_instant
from engine.domain.commands import Command, FailTask, SendMessage, SendSignal, SubmitTask
from engine.domain.rejection import Rejection

from .catalogue import said
from .play import PLAYER, Play

MAX_ROUNDS: Final = 1_000
"""Tasks that `auto` completes: a loop without an end stops here."""
ALLOWED: Final[Mapping[str, frozenset[str]]] = {
    "start": frozenset(),
    "complete": frozenset({"fields"}),
    "error": frozenset({"at"}),
    "escalation": frozenset({"at"}),
    "message": frozenset({"fields", "key"}),
    "signal": frozenset(),
    "advance": frozenset(),
    "advance_to": frozenset(),
    "auto": frozenset(),
    "expect": frozenset(),
}
EXPECTED: Final = frozenset(
    {"status", "outcome", "open", "messages", "signals", "next_due", "trace", "passed", "not_passed", "data"}
)


class BadScript(Exception):
    """The script is not one; nothing has run."""


class StepFailed(Exception):
    """A step could not be taken, or an expectation does not hold. `facts`: for the record."""

    def __init__(self, message: str, **facts: JSON) -> None:
        super().__init__(message)
        self.facts = facts


@dataclass(frozen=True, slots=True)
class Step:
    """`verb`: a key of ALLOWED; `subject`: its value; `more`: the other keys."""

    verb: str
    subject: JSON
    more: Mapping[str, JSON] = field(default_factory=dict)


def read_script(steps: JSON) -> list[Step]:
    """The steps of a parsed script. Raises BadScript that says which step is wrong."""
    if not isinstance(steps, list):
        raise BadScript("script: expected a list of steps")
    return [_step(number, step) for number, step in enumerate(steps, 1)]


def _step(number: int, step: JSON) -> Step:
    verbs = [name for name in step if name in ALLOWED] if isinstance(step, dict) else []
    if len(verbs) != 1:
        raise BadScript(f"script step {number}: expected an object with one of {', '.join(ALLOWED)}")
    verb = verbs[0]
    subject, more = step[verb], {name: value for name, value in step.items() if name != verb}
    if unknown := sorted(set(more) - ALLOWED[verb]):
        raise BadScript(f"script step {number} ({verb}): unknown {', '.join(unknown)}")
    if verb == "start" and number > 1:
        raise BadScript(f"script step {number}: start must be the first step")
    if verb == "expect":
        if not isinstance(subject, dict) or (set(subject) - EXPECTED):
            raise BadScript(f"script step {number} (expect): expected an object with some of {', '.join(EXPECTED)}")
    elif verb != "auto" and not isinstance(subject, str):
        raise BadScript(f"script step {number} ({verb}): expected a text")
    if not isinstance(more.get("fields", {}), dict):
        raise BadScript(f"script step {number} ({verb}): expected fields to be an object")
    if verb in ("error", "escalation") and not isinstance(more.get("at"), str):
        raise BadScript(f"script step {number} ({verb}): expected the element as `at`")
    return Step(verb, subject, more)


def moment(text: str, now: datetime) -> datetime:
    """The instant of an ISO 8601 text with offset, or `now` plus an ISO 8601 duration. Raises BadScript."""
    try:
        return parse_instant(text)
    except ValueError:
        pass
    try:
        sum_ = feel.compile_expression("now() + duration(text)")
        later = sum_.evaluate({"text": text}, feel.Environment(now=now))
    except feel.FeelEvaluationError:
        later = None
    if not isinstance(later, datetime) or later < now:
        raise BadScript(f"expected an ISO 8601 duration or instant with offset, got {text!r}")
    return later


def take(play: Play, step: Step) -> None:
    """Takes one step. Raises StepFailed; BadScript for a duration that is none."""
    if step.verb == "expect":
        expect(play, step.subject)
    elif step.verb == "auto":
        complete_all(play)
    elif step.verb in ("advance", "advance_to"):
        play.advance(moment(step.subject, play.at))
    elif step.verb != "start":
        _do(play, *_command(play, step))


def _command(play: Play, step: Step) -> tuple[Command, str]:
    fields: Mapping[str, JSON] = step.more.get("fields", {})
    if step.verb == "message":
        return SendMessage(step.subject, fields, key=str(step.more.get("key", ""))), PLAYER
    if step.verb == "signal":
        return SendSignal(step.subject), PLAYER
    wanted = step.subject if step.verb == "complete" else step.more["at"]
    task = play.task(wanted)
    if task is None:
        raise StepFailed(f"no open task {wanted!r}", open=[t.node.id for t in play.case.tasks.values()])
    if step.verb == "complete":
        return SubmitTask(task.name, fields), task.assignee or PLAYER
    return FailTask(task.name, step.subject, step.verb == "escalation"), PLAYER


def _do(play: Play, command: Command, actor: str) -> None:
    refusal = play.do(command, actor)
    if refusal is not None:
        raise StepFailed(said(refusal.key, refusal.details), **refused(refusal))


def refused(refusal: Rejection) -> dict[str, JSON]:
    """A rejection for the record."""
    fields = [{"path": f.path, "code": f.key, "message": said(f.key, f.params)} for f in refusal.fields]
    return {"code": refusal.key, **({"fields": fields} if fields else {})}


def complete_all(play: Play, until: datetime | None = None) -> None:
    """Completes open tasks in order, without fields; then lets time pass to the next timer up to `until`; and so on
    until nothing moves. A task whose form asks for more stays open."""
    stuck: set[str] = set()
    for _ in range(MAX_ROUNDS):
        task = next((t for t in play.case.tasks.values() if t.name not in stuck), None)
        if task is not None:
            refusal = play.do(SubmitTask(task.name, {}), task.assignee or PLAYER)
            if refusal is not None:
                stuck.add(task.name)
                play.say("TaskLeftOpen", task=task.name, element=task.node.id, **refused(refusal))
            elif play.case.incidents:
                return
            continue
        due = min((t.due for t in play.case.timers.values() if t.id not in play.case.stuck), default=None)
        if until is None or due is None or due > until or play.case.status != "open":
            return
        play.advance(max(due, play.at))
    play.say("AutoStopped", rounds=MAX_ROUNDS)


def expect(play: Play, wanted: Mapping[str, JSON]) -> None:
    """Compares where the case stands. `open`: element ids of open tasks, in any order; `messages`, `signals`: names
    waited for, likewise; `next_due`: instant or null; `trace`: elements left, exactly; `passed`, `not_passed`: elements
    among them; `data`: fields and values, others are not looked at. Raises StepFailed with what was found."""
    standing = play.standing()
    for name, value in wanted.items():
        got = FOUND[name](standing, value)
        if got != (sorted(value, key=str) if name in UNORDERED and isinstance(value, list) else value):
            raise StepFailed(f"expected {name}", expected=value, got=got)


def _next_due(standing: Mapping[str, Any], value: JSON) -> JSON:
    due = standing["timers"][0]["due"] if standing["timers"] else None
    same = isinstance(value, str) and due is not None and _instant(value) == due
    return value if same else due


def _instant(text: str) -> str:
    try:
        return instant_text(parse_instant(text))
    except ValueError:
        return text


def _named(rows: Sequence[Mapping[str, Any]], name: str) -> list[str]:
    return sorted(row[name] for row in rows)


UNORDERED: Final = frozenset({"open", "messages", "signals"})
FOUND: Final[Mapping[str, Callable[[Mapping[str, Any], Any], JSON]]] = {
    "status": lambda standing, _: standing["status"],
    "outcome": lambda standing, _: standing["outcome"],
    "open": lambda standing, _: _named(standing["open"], "element"),
    "messages": lambda standing, _: _named(standing["messages"], "message"),
    "signals": lambda standing, _: _named(standing["signals"], "signal"),
    "next_due": _next_due,
    "trace": lambda standing, _: standing["trace"],
    "passed": lambda standing, value: [one for one in value if one in standing["trace"]],
    "not_passed": lambda standing, value: [one for one in value if one not in standing["trace"]],
    "data": lambda standing, value: {name: standing["data"].get(name) for name in value},
}
