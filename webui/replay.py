"""回放: a case stepped through on the diagram it ran under, each step carried out again and compared."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from flask import Blueprint, abort, jsonify, render_template, request, url_for
from werkzeug.wrappers import Response

from engine.readmodels.timeline import TimelineEntry
from engine.service import case_decisions, case_facts
from engine.service.case_view import Diagram
from engine.service.replay_frames import Frame
from engine.service.replays import Replay, diagrams, moved_in, next_of

from . import case_page, clock_text, timeline_text
from .catalogue import t
from .formats import minute
from .guards import reading, requires, services
from .names import Names

blueprint = Blueprint("replay", __name__)
MARKS: Final = frozenset({"running", "waiting", "completed", "overdue", "soon", "incident"})
LOUD: Final = frozenset({"timeline.limit_breached", "timeline.incident_raised"})


@blueprint.get("/cases/<case_id>/replay")
@requires("replay_case")
def show(case_id: str) -> str:
    shown = _page(case_id, _number(request.args.get("step")))
    return render_template("replay/show.html" if shown["count"] else "replay/nothing.html", **shown)


@blueprint.get("/cases/<case_id>/replay/<int:step>")
@requires("replay_case")
def step(case_id: str, step: int) -> Response:
    """One step as the page's script asks for it: the panels as HTML, and what the diagram needs."""
    shown = _page(case_id, step)
    if not shown["count"]:
        abort(404)
    return jsonify(
        html=render_template("replay/step.html", **shown),
        drawing=shown["drawing"],
        step=shown["step"],
        said=t("replay.said", step=shown["step"], count=shown["count"], at=shown["at_text"], what=shown["title"]),
    )


def _number(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 9 else 1


def _page(case_id: str, asked: int) -> dict[str, Any]:
    """What both templates show of one step; a number outside the record is the nearest one in it."""
    with reading() as conn:
        row = case_page.visible(conn, case_id)
        replay: Replay | None = services().replays.get(services(), case_id)
        if replay is None:
            abort(404)
        if not replay.frames:
            return {"case": row, "replay": replay, "count": 0}
        step = min(max(asked, 1), len(replay.frames))
        frame = replay.frames[step - 1]
        bundle = replay.bundles[frame.bundle]
        names = Names(conn).load(*_people(replay, step))
        proven = [one.entry for one in replay.frames if not one.claimed]
        told = {one.seq: one for one in timeline_text.told(proven, names)}
        words = {
            **case_decisions.value_notes(bundle),
            **case_facts.value_words(conn, bundle),
            **case_decisions.names(bundle),
        }
        facts: tuple[case_facts.Fact, ...] = ()
        if frame.filled is not None:
            facts = case_facts.filed(bundle, frame.filled.form, frame.filled.values, case_facts.words(conn))
        drawn = diagrams(replay, step)
        _ = [names.unit(one.unit) for one in drawn if one.unit]
    pinned = request.args.get("scope")
    moved = moved_in(drawn, frame)
    shown = next((one for one in drawn if one.scope == pinned), None) if pinned is not None else None
    shown = shown or next(one for one in drawn if one.scope == moved)
    now = frame.entry.at
    return {
        "case": row,
        "replay": replay,
        "frame": frame,
        "step": step,
        "count": len(replay.frames),
        "at": now,
        "at_text": minute(now),
        "title": _title(told.get(frame.entry.seq), words),
        "told": told,
        "titles": {seq: _title(one, words) for seq, one in told.items()},
        "names": names,
        "words": words,
        "labels": case_facts.labels(bundle),
        "facts": facts,
        "files": _files(frame.entry.command),
        "drawn": drawn,
        "shown": shown,
        "pinned": pinned is not None,
        "next_marked": next_of(replay, step),
        "loud": LOUD,
        "recorded": _recorded(frame) if frame.divergence is not None else "",
        "drawing": drawing(
            shown,
            frame,
            names,
            lambda scope: url_for("replay.show", case_id=case_id, step=step, scope=scope),
            request.args.get("have", ""),
        ),
    }


def _people(replay: Replay, step: int) -> tuple[set[str], set[str]]:
    """Logins and groups whose names a step shows."""
    frame = replay.frames[step - 1]
    logins = {task.assignee for task in frame.tasks} | {one.entry.actor for one in replay.frames}
    groups = {group for task in frame.tasks for group in task.candidates}
    units = {task.unit for task in frame.tasks} | {limit.unit for limit in frame.limits}
    return logins - {""}, groups | {f"unit:{unit}" for unit in units if unit}


def _recorded(frame: Frame) -> str:
    """What the record says of a step that differs, as it stands there."""
    return json.dumps(
        {"command": frame.entry.command, "events": list(frame.entry.events)}, ensure_ascii=False, indent=1
    )


def _title(entry: TimelineEntry | None, words: Mapping[str, str]) -> str:
    """What an entry is about in one line: its gravest sentence, else its first."""
    if entry is None or not entry.items:
        return t("replay.quiet")
    loud = next((item for item in entry.items if item.key in LOUD), None)
    return timeline_text.sentence(loud or next((i for i in entry.items if not i.minor), entry.items[0]), words)


def _files(command: Mapping[str, Any]) -> dict[str, list[dict[str, str]]]:
    return {ref: [{"name": fact["name"]} for fact in facts] for ref, facts in (command.get("files") or {}).items()}


def drawing(shown: Diagram, frame: Frame, names: Names, link: Callable[[str], str], have: str = "") -> dict[str, Any]:
    """What assets/diagram.js draws. `link`: where the diagram of a scope is shown. The picture itself only where the
    page does not `have` it already."""
    key = f"{frame.bundle[:12]} {shown.process}"
    marks: dict[str, Sequence[str]] = {flow: ["completed"] for flow in shown.flows}
    notes: dict[str, str] = {}
    about: dict[str, str] = {}
    late = set()
    for limit in frame.limits:
        if limit.scope == shown.scope:
            notes[limit.host] = clock_text.remaining(limit.deadline, frame.entry.at)
            late |= {limit.host} if limit.deadline <= frame.entry.at else set()
    for element, mark in shown.elements.items():
        if mark.state in MARKS:
            marks[element] = ["overdue" if element in late and mark.active else mark.state]
        if mark.due is not None and mark.active:
            notes.setdefault(element, clock_text.remaining(mark.due, frame.entry.at))
        if mark.who:
            about[element] = t("case.diagram.with", who="、".join(names.group(group) for group in mark.who))
    links = {element: link(scopes[-1]) for element, scopes in shown.calls.items()}
    return {
        "key": key,
        "scope": shown.scope,
        "name": shown.name,
        "marks": marks,
        "notes": [{"element": element, "text": text} for element, text in notes.items()],
        "about": about,
        "links": links,
        **({} if have == key else {"xml": shown.xml}),
    }
