"""Which recorded cases a change of the bundle can't have touched: nothing of them need be carried out again.

A case is untouched when every element that it came to is the same in both versions, so that by determinism it would
have gone the same way. The one change judged besides is that of a timer's length: it moves nothing as long as the
timer ends, with its host, before it is due on either version. Whatever is not certain is carried out again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final

from engine.definitions.bundle import Bundle
from engine.definitions.model import Flow, Node, Process
from engine.domain.codec import JSON, parse_instant
from engine.feel.temporal import parse_duration

from .program import Program
from .record import Entry

SCOPED: Final = frozenset({"inclusiveGateway", "complexGateway"})
"""Joins that look at where other tokens of their scope can still go: any change of the scope may change them."""
TOLD_ONLY: Final = frozenset({"limits", "clauses", "retention", "checks", "statements"})
"""Parts of the regulation profile that no running case reads: what limits are called, what checks hold against them."""
TOLD_PROPERTIES: Final = frozenset({"rule", "clause", "warnings"})
"""Properties of an element that are told to people and move nothing."""
_LENGTH: Final = re.compile(r"duration\(\s*\"(-?P[^\"]+)\"\s*\)\s*$")


@dataclass(slots=True)
class Changes:
    """What differs between two versions. `everything`: something that each case meets. `elements`: ids of those that
    behave otherwise, or may. `shifts`: timers that are only due so much later (or earlier, negative)."""

    everything: bool = False
    elements: set[str] = field(default_factory=set)
    shifts: dict[str, timedelta] = field(default_factory=dict)


def changes(old: tuple[Program, Bundle], new: tuple[Program, Bundle]) -> Changes:
    """Conservative: an element that is not named behaves the same for every case on either version."""
    found = Changes()
    before, after = old[1], new[1]
    profiles = [{k: v for k, v in one.regulation.items() if k not in TOLD_ONLY} for one in (before, after)]
    wide = [(_anchors(one), program.starters, program.received) for program, one in (old, new)]
    if profiles[0] != profiles[1] or wide[0] != wide[1]:
        found.everything = True
        return found
    for name in {*before.processes, *after.processes}:
        _compare(before.processes.get(name), after.processes.get(name), (before, after), found)
    for element in found.elements:
        found.shifts.pop(element, None)
    return found


def same(entries: Sequence[Entry], made: Changes, until: datetime | None) -> bool:
    """Whether the recorded case certainly goes the same way. `until`: time went on to there after the last entry."""
    if made.everything:
        return False
    running: dict[str, datetime] = {}
    for entry in entries:
        if entry.command["kind"] == "MigrateCase":
            return False
        for event in entry.events:
            kind = event["kind"]
            if kind == "TokensMoved":
                if not made.elements.isdisjoint(step[1] for step in event["steps"]):
                    return False
            elif kind == "TimerArmed" and event["element"] in made.shifts and not event.get("warns_of"):
                running[event["timer"]] = parse_instant(event["due"]) + made.shifts[event["element"]]
            elif kind in ("TimerFired", "TimerCancelled"):
                due = running.pop(event["timer"], None)
                if due is not None and (kind == "TimerFired" or due <= entry.at):
                    return False
    end = max(entries[-1].at, until or entries[-1].at)
    return all(due > end for due in running.values())


def last_touched(entries: Sequence[Entry], made: Changes) -> int:
    """Place of the last entry that came to anything changed; -1 for none. From a later one on, where the state is the
    recorded one, the rest of the record is what either version makes of it."""
    timers: set[str] = set()
    found = -1
    for position, entry in enumerate(entries):
        for event in entry.events:
            kind = event["kind"]
            if kind == "TokensMoved":
                touched = not made.elements.isdisjoint(step[1] for step in event["steps"])
            elif kind == "TimerArmed":
                touched = event["element"] in made.shifts
                timers |= {event["timer"]} if touched else set()
            else:
                touched = kind in ("TimerFired", "TimerCancelled") and event["timer"] in timers
            found = position if touched else found
    return found


# -- what differs -----------------------------------------------------------------------------------------------------
def _compare(old: Process | None, new: Process | None, bundles: tuple[Bundle, Bundle], found: Changes) -> None:
    """Of one process or sub-process body. One that is on one side only is reached by elements that have changed."""
    if old is None or new is None:
        found.elements |= _ids(old) | _ids(new)
        return
    changed: set[str] = set()
    for name in {*old.nodes, *new.nodes}:
        before, after = old.nodes.get(name), new.nodes.get(name)
        if before is None or after is None:
            changed |= {name} | {one.attached_to for one in (before, after) if one is not None and one.attached_to}
            continue
        if _behaviour(before, bundles[0]) != _behaviour(after, bundles[1]):
            length = _shift(before, after, bundles)
            if length is not None:
                found.shifts[before.shown] = length
            else:
                changed |= {name, before.shown} | ({before.attached_to} - {""})
        if before.body is not None or after.body is not None:
            known = len(found.elements)
            _compare(before.body, after.body, bundles, found)
            if len(found.elements) > known and (before.triggered or after.triggered):
                changed.add(name)
    flows = {**old.flows, **new.flows}
    for name in flows:
        if _way(old.flows.get(name)) != _way(new.flows.get(name)):
            changed |= {end for one in (old.flows.get(name), new.flows.get(name)) if one for end in _ends(one)}
    for flow in flows.values():
        source = new.nodes.get(flow.source) or old.nodes.get(flow.source)
        if flow.target in changed and source is not None and source.kind == "eventBasedGateway":
            changed.add(flow.source)
    settings = [(one.properties, one.participant, one.executable, [n.id for n in one.entries]) for one in (old, new)]
    nodes = [*old.nodes.values(), *new.nodes.values()]
    whole = any(one.triggered and one.id in changed for one in nodes) or settings[0] != settings[1]
    if whole or (changed and any(one.kind in SCOPED for one in nodes)):
        changed |= {name for one in nodes for name in (one.id, one.shown)}
    found.elements |= changed


def _ids(process: Process | None) -> set[str]:
    return set() if process is None else {name for _, one in process.walk() for name in (one.id, one.shown)}


def _behaviour(node: Node, bundle: Bundle) -> tuple[Any, ...]:
    """All of a node that a case can notice, with the form and decision that it names; not how it is called."""
    forms = tuple(_schema(bundle, name) for name in (node.form, node.properties.get("form", "")))
    model = bundle.files.get(bundle.decision_files.get(node.decision, ""), b"")
    bare = replace(
        node,
        name="",
        line=0,
        lane="",
        body=None,
        due=_begin(node.due),
        properties={name: value for name, value in node.properties.items() if name not in TOLD_PROPERTIES},
        inputs=tuple(replace(one, line=0) for one in node.inputs),
        outputs=tuple(replace(one, line=0) for one in node.outputs),
    )
    return (bare, node.body is None, forms, model)


def _begin(due: str) -> str:
    """The due date of a task without its length: it is shown, and moves nothing as long as it is some instant."""
    parts = _parts(due, "date")
    return due if parts is None else parts[0]


def _schema(bundle: Bundle, form: str) -> JSON:
    found = bundle.forms.get(form)
    return None if found is None else found.schema


def _way(flow: Flow | None) -> tuple[str, ...]:
    return () if flow is None else (flow.source, flow.target, flow.condition)


def _ends(flow: Flow) -> Iterator[str]:
    yield flow.source
    yield flow.target


def _anchors(bundle: Bundle) -> set[str]:
    return {node.properties.get("anchor", "") for one in bundle.processes.values() for _, node in one.walk()}


def _shift(before: Node, after: Node, bundles: tuple[Bundle, Bundle]) -> timedelta | None:
    """How much later the timer is due on the new version, where that is all that differs of it."""
    old, new = before.event.timer, after.event.timer
    if old is None or new is None or old.kind != new.kind or old.kind == "cycle" or before.kind == "startEvent":
        return None
    levelled = replace(after, event=replace(after.event, timer=old))
    if _behaviour(before, bundles[0]) != _behaviour(levelled, bundles[1]):
        return None
    parts = [_parts(one.text, one.kind) for one in (old, new)]
    if parts[0] is None or parts[1] is None or parts[0][0] != parts[1][0]:
        return None
    return parts[1][1] - parts[0][1]


def _parts(text: str, kind: str) -> tuple[str, timedelta] | None:
    """A timer's text as what it begins at ("" for being entered) and its length; None where it is written otherwise."""
    if kind == "duration":
        length = parse_duration(text.strip())
        return ("", length) if isinstance(length, timedelta) else None
    found = _LENGTH.search(text)
    if found is None:
        return None
    begin = text[: found.start()].strip()
    length = parse_duration(found[1])
    # `A + duration(...)` only: after anything else the literal may be part of a condition or a product.
    plain = re.fullmatch(r"=?\s*[\w.]+\s*\+", begin) is not None
    return (begin, length) if plain and isinstance(length, timedelta) else None
