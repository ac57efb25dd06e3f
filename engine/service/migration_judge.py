"""What a migration would do to one running case, found out without doing it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal

from engine.definitions.bundle import Bundle
from engine.definitions.model import Node
from engine.domain.codec import JSON, instant_text
from engine.domain.commands import MigrateCase
from engine.domain.rejection import Rejection
from engine.kernel.case import Case
from engine.kernel.decide import Turn
from engine.kernel.migrate import migrated
from engine.kernel.record import Entry, Loader
from engine.kernel.replay import rebuild

from .replay_frames import limit_then, task_then

Verdict = Literal["moves", "mapping", "stays"]
REFUSED: Final = "migrate.refused"
ASKING: Final = "system:dry-run"
CANDIDATES: Final = 12
"""Elements offered for one that is gone; the likeliest first."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """`verdict`: moves cleanly; needs a mapping for `element`, which is gone (`candidates`: new ones of its kind); or
    stays. `key`, `params`: why it does not move. Tasks and limits are JSON objects for pages, instants as text.

    `overdue`: limits that have run out by the version's reckoning and were not broken before: they are late at once.
    """

    verdict: Verdict
    from_version: str
    seq: int
    key: str = ""
    params: Mapping[str, JSON] = field(default_factory=dict)
    element: str = ""
    label: str = ""
    candidates: tuple[tuple[str, str], ...] = ()
    tasks: Mapping[str, Sequence[JSON]] = field(default_factory=dict)
    limits: Sequence[JSON] = ()
    overdue: tuple[str, ...] = ()

    def as_json(self) -> dict[str, JSON]:
        """For the row; instants are text already."""
        return {
            "key": self.key,
            "params": dict(self.params),
            "element": self.element,
            "label": self.label,
            "candidates": [list(one) for one in self.candidates],
            "tasks": dict(self.tasks),
            "limits": list(self.limits),
            "overdue": list(self.overdue),
        }


def judge(entries: Sequence[Entry], load: Loader, version: str, mapping: Mapping[str, str], now: datetime) -> Judgement:
    """The judgement of a case by its whole record. Raises Diverged where the record can't be reproduced."""
    case = rebuild(entries, load)
    at = now if case.last_at is None else max(now, case.last_at)
    old, seq = case.bundle, case.seq
    moved = migrated(case, entries, load, MigrateCase(version, ASKING, dict(mapping)), Turn(at, ASKING))
    if isinstance(moved, Rejection):
        gone = str(moved.details.get("element", "")) if moved.key == REFUSED else ""
        missing = _missing(gone, old, load(version)[1], mapping) if gone else None
        if missing is not None:
            label, candidates = missing
            return Judgement("mapping", old.version, seq, moved.key, moved.details, gone, label, candidates)
        return Judgement("stays", old.version, seq, moved.key, moved.details)
    other = moved[0]
    limits = [*_limits(case, other, at)]
    return Judgement(
        "moves",
        old.version,
        seq,
        tasks={"before": _tasks(case, other), "after": _tasks(other, case)},
        limits=limits,
        overdue=tuple(dict.fromkeys(one["label"] for one in limits if one["overdue"])),
    )


def _missing(
    element: str, old: Bundle, new: Bundle, mapping: Mapping[str, str]
) -> tuple[str, tuple[tuple[str, str], ...]] | None:
    """Label of an element that the new version lacks, and what may have become of it; None where it is there."""
    before, after = _nodes(old), _nodes(new)
    back = {new_id: old_id for old_id, new_id in mapping.items()}
    element = back.get(element, element)
    node = before.get(element)
    if node is None or mapping.get(element, element) in after:
        return None
    fresh = [one for ident, one in after.items() if ident not in before and one.kind == node.kind]
    fresh.sort(key=lambda one: (one.name != node.name, one.form != node.form, one.id))
    return node.label, tuple((one.id, one.label) for one in fresh[:CANDIDATES])


def _nodes(bundle: Bundle) -> dict[str, Node]:
    return {node.id: node for process in bundle.processes.values() for _, node in process.walk()}


def _tasks(case: Case, other: Case) -> list[JSON]:
    """The open tasks of `case`; `new`: the other side has no task of that name; `others`: it has, for other people."""
    found: list[JSON] = []
    for task in case.tasks.values():
        then = task_then(task)
        beside = other.tasks.get(task.name)
        found.append(
            {
                "task": then.task,
                "label": then.label,
                "unit": then.unit,
                "assignee": then.assignee,
                "candidates": list(then.candidates),
                "due": instant_text(then.due) if then.due else "",
                "new": beside is None,
                "others": beside is not None and (beside.groups, beside.assignee) != (task.groups, task.assignee),
            }
        )
    return found


def _limits(case: Case, other: Case, now: datetime) -> Iterator[dict[str, Any]]:
    """Limits of both sides by timer: since when, until when before and after, and whether it is late by now."""
    before = {record.timer: record for record in case.limits.values()}
    after = {record.timer: record for record in other.limits.values()}
    for timer in {**before, **after}:
        old, new = before.get(timer), after.get(timer)
        record = new or old
        assert record is not None
        broken = old is not None and old.breached
        yield {
            "timer": timer,
            "label": limit_then(record).label,
            "limit": record.plan.limit,
            "unit": record.unit,
            "since": record.anchor_at,
            "before": instant_text(old.deadline) if old else "",
            "after": instant_text(new.deadline) if new else "",
            "broken": broken,
            "overdue": new is not None and new.plan.breach and new.deadline <= now and not broken,
        }
