"""The steps of a trial run: what may be written, read and checked before anything runs, then taken one by one.

A step is an object with one verb:

    {"start": "Start_message"}                    begin at this start event, by id or by its message; first step only
    {"complete": "Task_a", "fields": {...}}       an open task, by task name, element id or label; may name the `unit`
                                                  whose task it is, and who does it (`by`)
    {"error": "code", "at": "Service_b"}          an open task ends with a BPMN error ("escalation" likewise)
    {"message": "name", "fields": {...}, "key": "7"}
    {"signal": "name"}
    {"advance": "PT8H"}  {"advance_to": "2026-01-05T09:00:00Z"}
    {"auto": true}                                completes every open task in order until nothing moves
    {"expect": {...}}                             see `Expectation`
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from engine import feel
from engine.definitions.bundle import Bundle
from engine.definitions.form_options import OUTSIDE_LISTS
from engine.domain.codec import JSON, instant_text, parse_instant, texts
from engine.domain.commands import Command, FailTask, SendMessage, SendSignal, SubmitTask
from engine.domain.rejection import Rejection
from engine.kernel.decide import form_of

from .catalogue import said
from .play import PLAYER, Play

MAX_ROUNDS: Final = 1_000
"""Tasks that `auto` completes: a loop without an end stops here."""
ALLOWED: Final[Mapping[str, frozenset[str]]] = {
    "start": frozenset(),
    "complete": frozenset({"fields", "by", "unit"}),
    "error": frozenset({"at"}),
    "escalation": frozenset({"at"}),
    "message": frozenset({"fields", "key", "by"}),
    "signal": frozenset(),
    "advance": frozenset(),
    "advance_to": frozenset(),
    "auto": frozenset(),
    "expect": frozenset(),
}
PAPER: Final[Mapping[str, JSON]] = {
    "id": "0" * 32, "name": "attachment.png", "size": 12, "sha256": "0" * 64, "media_type": "image/png",
}  # fmt: skip
"""The file behind every reference that a step fills in."""
EXPECTED: Final = frozenset(
    {
        "status",
        "outcome",
        "open",
        "waiting",
        "messages",
        "signals",
        "next_due",
        "trace",
        "passed",
        "not_passed",
        "data",
        "fields",
        "limits",
        "breached",
        "ended",
    }  # fmt: skip
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
    by = str(step.more.get("by") or PLAYER)
    if step.verb == "message":
        sent = SendMessage(step.subject, fields, key=str(step.more.get("key", "")))
        form = form_of(play.case, sent)
        return replace(sent, files=attached(fields), options=offered(play.bundle, form, fields)), by
    if step.verb == "signal":
        return SendSignal(step.subject), PLAYER
    wanted = step.subject if step.verb == "complete" else step.more["at"]
    task = play.task(wanted, str(step.more.get("unit", "")))
    if task is None:
        raise StepFailed(f"no open task {wanted!r}", open=[t.node.id for t in play.case.tasks.values()])
    if step.verb == "complete":
        options = offered(play.bundle, task.node.form, fields)
        return SubmitTask(task.name, fields, attached(fields), options), task.assignee or by
    return FailTask(task.name, step.subject, step.verb == "escalation"), PLAYER


def attached(values: JSON) -> dict[str, JSON]:
    """A small file for each reference that a filepicker would hold."""
    found: dict[str, JSON] = {}
    if isinstance(values, str) and values.startswith("files::"):
        found[values] = [dict(PAPER)]
    inner = values.values() if isinstance(values, Mapping) else values if isinstance(values, list) else ()
    for one in inner:
        found |= attached(one)
    return found


def offered(bundle: Bundle, form: str, values: Mapping[str, JSON]) -> dict[str, JSON]:
    """The lists that come from outside the case (units, people ...), with whatever was chosen in them: a trial run has
    no office to ask."""
    known = bundle.forms.get(form)
    lists = OUTSIDE_LISTS & known.input_names() if known is not None else frozenset()
    chosen = [{"label": text, "value": text} for text in sorted(set(texts(values)) - {""})] if lists else []
    return {name: list(chosen) for name in sorted(lists)}


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
    """Compares where the case stands. Raises StepFailed with what was found.

    `open`: element ids of open tasks, in any order; `waiting`: the same by id or label; `messages`, `signals`: names
    waited for, likewise; `next_due`: instant or null; `trace`: elements left, exactly; `passed`, `not_passed`: elements
    among them; `data` or `fields`: fields and values, others are not looked at; `limits`: each of them is among those
    of the case (see Play.limits), by what is named of it; `breached`: ids of the limits that ran out; `ended`.
    """
    standing = standing_of(play)
    for name, value in wanted.items():
        differs = difference(standing, name, value)
        if differs is not None:
            raise StepFailed(f"expected {name}", what=name, expected=differs[0], got=differs[1])


def standing_of(play: Play) -> dict[str, Any]:
    """Where the case stands, as `FOUND` reads it."""
    return {**play.standing(), "limits": list(play.limits.values())}


def difference(standing: Mapping[str, Any], name: str, value: Any) -> tuple[JSON, JSON] | None:
    """What was expected and what was found; None when the case stands as one expectation says."""
    got = FOUND[name](standing, value)
    if got == (sorted(value, key=str) if name in UNORDERED and isinstance(value, list) else value):
        return None
    return missing_limits(value, standing["limits"]) if name == "limits" else value, got


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


def _waiting(standing: Mapping[str, Any], value: JSON) -> JSON:
    """Labels of the open tasks; where `value` names the id instead, the id."""
    named = set(value) if isinstance(value, list) else set()
    return sorted(row["element"] if row["element"] in named else row["name"] for row in standing["open"])


def _limits(standing: Mapping[str, Any], value: JSON) -> JSON:
    """`value` when each of its limits is there; else what there is of those that are not as it says."""
    rows, wanted = standing["limits"], value if isinstance(value, list) else []
    missing = missing_limits(wanted, rows)
    named = {one.get("limit") for one in missing if isinstance(one, dict)}
    return [row for row in rows if row["limit"] in named] if missing else value


def missing_limits(wanted: Sequence[JSON], rows: Sequence[Mapping[str, JSON]]) -> list[JSON]:
    """Those limits that an expectation speaks of and that are not among `rows` (of Play.limits)."""
    return [one for one in wanted if not any(_same_limit(one, row) for row in rows)]


def _same_limit(wanted: JSON, row: Mapping[str, JSON]) -> bool:
    if not isinstance(wanted, dict):
        return False
    return all(row.get(name) == (_instant(value) if name == "due" else value) for name, value in wanted.items())


def _breached(standing: Mapping[str, Any], _: JSON) -> JSON:
    return sorted({row["limit"] for row in standing["limits"] if row["state"] in ("breached", "late")})


def _fields(standing: Mapping[str, Any], value: Any) -> JSON:
    return {name: standing["data"].get(name) for name in value}


UNORDERED: Final = frozenset({"open", "waiting", "messages", "signals", "breached"})
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
    "waiting": _waiting,
    "data": _fields,
    "fields": _fields,
    "limits": _limits,
    "breached": _breached,
    "ended": lambda standing, _: standing["status"] == "completed",
}
