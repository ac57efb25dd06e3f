"""`replay CASE` on the command line: a case step by step as text, or as JSON for machines (docs/replay.md)."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from engine.domain.calendar import ZONE
from engine.domain.codec import JSON, instant_text
from engine.kernel.replay import Divergence

from .bootstrap import Services
from .catalogue import sentence
from .replay_frames import Frame
from .replays import Replay

Print = Callable[[str], Any]
SCHEMA: Final = 1
"""Version of the JSON."""


@dataclass(frozen=True, slots=True)
class Options:
    """`step`: show everything of this one step, 0 for the list; `first`, `last`: of the list, 0 for its ends."""

    case_id: str
    step: int = 0
    first: int = 0
    last: int = 0
    as_json: bool = False
    language: str = "zh"


def run(services: Services, options: Options, out: Print) -> int:
    """Replays and tells. 0: equal to the record; 1: differs somewhere; 2: no such case or step."""
    replay = services.replays.get(services, options.case_id)
    if replay is None:
        out(f"没有这个案件: {options.case_id}")
        return 2
    count = len(replay.frames)
    first, last = options.step or options.first or 1, options.step or options.last or max(count, 1)
    # A list of no steps still says where the record breaks off; a single step must be there.
    if not 1 <= first <= last or first > max(count, 0 if options.step else 1):
        out(f"没有这一步: 案件共 {count} 步")
        return 2
    chosen = replay.frames[first - 1 : last]
    if options.as_json:
        out(json.dumps(as_json(replay, chosen), ensure_ascii=False, indent=1))
    else:
        for frame in chosen:
            _line(frame, out)
            if options.step:
                _details(frame, out, options.language)
            if frame.divergence is not None:
                _difference(frame.divergence, out)
        if replay.broken is not None and last >= count:
            out(f"≠ {replay.broken.seq:>4}  无法重新执行")
            _difference(replay.broken, out)
    return 0 if replay.faithful else 1


def _line(frame: Frame, out: Print) -> None:
    entry = frame.entry
    mark = "=" if frame.divergence is None else "≠"
    kinds = " ".join(dict.fromkeys(str(event["kind"]) for event in frame.events))
    late = f" 迟{frame.lateness:.0f}秒" if frame.lateness else ""
    out(f"{mark} {entry.seq:>4} {_time(entry.at)} {entry.actor:<14} {entry.command['kind']:<18} {kinds}{late}")


def _difference(found: Divergence, out: Print) -> None:
    out(f"  第一处不一致 {found.what}")
    if found.expected:
        out(f"  应为 {found.expected}")
    out(f"  实为 {found.got}")


def _details(frame: Frame, out: Print, language: str) -> None:
    now = frame.entry.at
    out(f"  {_word('bundle', language)} {frame.bundle[:12]}  {_word('engine', language)} {frame.entry.engine_version}")
    out(f"  {_word('recorded', language)} {frame.entry.state_digest}")
    out(f"  {_word('again', language)} {frame.digest}")
    out(
        f"  {_word('tokens', language)} {' '.join(f'{scope}/{element}'.lstrip('/') for scope, element in frame.tokens)}"
    )
    for task in frame.tasks:
        who = task.assignee or " ".join(task.candidates)
        out(f"  {_word('task', language)} {task.label} [{task.task}] {who} {_left(task.due, now)}")
    for limit in frame.limits:
        out(f"  {_word('limit', language)} {limit.label} {limit.unit} {_left(limit.deadline, now)}")
    for timer in frame.timers:
        out(f"  {_word('timer', language)} {timer.label} {timer.mark} {_left(timer.due, now)}")
    for name in frame.messages:
        out(f"  {_word('message', language)} {name}")
    for incident in frame.incidents:
        out(f"  {_word('incident', language)} #{incident.number} {incident.label} {incident.key}")
    for made in frame.decisions:
        rules = ", ".join(f"{rule['decision']}#{rule['rule']}" for rule in made["rules"])
        said = f"{made['decision']} {rules} {_text(made['inputs'])} -> {_text(made['result'])}"
        out(f"  {_word('decision', language)} {said}")
    for change in frame.changes:
        name = f"{change.scope}/{change.field}" if change.scope else change.field
        out(f"  {_word('field', language)} {name}: {_text(change.before)} -> {_text(change.after)}")
    if frame.filled is not None:
        out(f"  {_word('form', language)} {frame.filled.form}: {_text(frame.filled.values)}")


def _word(name: str, language: str) -> str:
    return sentence(f"replay.text.{name}", {}, language)


def _left(due: datetime | None, now: datetime) -> str:
    if due is None:
        return ""
    seconds = (due - now).total_seconds()
    return f"{_time(due)} ({'+' if seconds < 0 else '-'}{abs(seconds):.0f} s)"


def _time(at: datetime) -> str:
    return at.astimezone(ZONE).strftime("%Y-%m-%d %H:%M:%S")


def _text(value: JSON) -> str:
    return json.dumps(value, ensure_ascii=False)[:300]


def as_json(replay: Replay, chosen: Sequence[Frame]) -> Mapping[str, JSON]:
    """`{schema, case, entries, faithful, frames}`; instants as text, durations in seconds."""
    return {
        "schema": SCHEMA,
        "case": replay.case_id,
        "entries": replay.entries,
        "faithful": replay.faithful,
        "differs": _differs(replay.differs),
        "frames": [_frame(frame) for frame in chosen],
    }


def _frame(frame: Frame) -> Mapping[str, JSON]:
    entry, differs, form = frame.entry, frame.divergence, frame.filled
    return {
        "seq": entry.seq,
        "at": instant_text(entry.at),
        "actor": entry.actor,
        "on_behalf_of": entry.on_behalf_of,
        "command": entry.command,
        "bundle": frame.bundle,
        "engine_version": entry.engine_version,
        "events": [dict(event) for event in frame.events],
        "digest": {"recorded": entry.state_digest, "again": frame.digest},
        "divergence": _differs(differs),
        "tokens": [list(token) for token in frame.tokens],
        "tasks": [
            {"task": t.task, "label": t.label, "holder": t.assignee, "groups": list(t.candidates), "due": _at(t.due)}
            for t in frame.tasks
        ],
        "timers": [{"timer": t.timer, "due": _at(t.due), "limit": t.limit, "mark": t.mark} for t in frame.timers],
        "limits": [
            {"limit": one.limit, "unit": one.unit, "deadline": _at(one.deadline), "breached": one.breached}
            for one in frame.limits
        ],
        "messages": list(frame.messages),
        "incidents": [
            {"number": one.number, "element": one.element, "key": one.key} for one in frame.incidents
        ],
        "changes": [
            {"field": c.field, "scope": c.scope, "before": c.before, "after": c.after} for c in frame.changes
        ],
        "form": form and {"form": form.form, "data": dict(form.data), "values": dict(form.values)},
        "status": frame.status,
        "stage": frame.stage,
        "late_seconds": frame.lateness,
    }  # fmt: skip


def _differs(found: Divergence | None) -> JSON:
    if found is None:
        return None
    return {"seq": found.seq, "what": found.what, "expected": found.expected, "got": found.got}


def _at(at: datetime | None) -> str | None:
    return None if at is None else instant_text(at)
