"""The performance view's figures reckoned the slow way: from the entries of the journal, one by one."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

from engine.journal.entry import StoredEntry

SHANGHAI = ZoneInfo("Asia/Shanghai")


@dataclass
class Told:
    """One case. `steps`: entry -> (path, element, action); `took`: task -> (unit, waited, worked or None), seconds."""

    process: str = ""
    bundle: str = ""
    grade: str = ""
    month: str = ""
    steps: dict[int, list[tuple[str, str, str]]] = field(default_factory=dict)
    tasks: dict[str, dict[str, Any]] = field(default_factory=dict)
    took: dict[str, tuple[str, int, int | None]] = field(default_factory=dict)

    def passages(self) -> Counter[tuple[str, ...]]:
        """As rows of `passages`: key -> times."""
        facets = (self.process, self.bundle, self.grade, self.month)
        kept = [step for steps in self.steps.values() for step in steps]
        return Counter((*facets, *step) for step in kept if step[2] != "left")


def without_visits(name: str) -> str:
    return re.sub(r"#\d+(\[\d+\])?", "", name)


def told(entries: Iterable[StoredEntry]) -> Told:
    """What happened in one case, read without the read models."""
    case = Told()
    for entry in entries:
        withdraws = any(event["kind"] == "SubmissionWithdrawn" for event in entry.events)
        back = False
        for event in entry.events:
            if event["kind"] == "SubmissionWithdrawn":
                case.steps.pop(event["seq"], None)
                back = True  # the tokens that move from here on go the way back
            elif event["kind"] != "TokensMoved" or not back:
                _event(case, entry, event, withdraws)
    return case


def _event(case: Told, entry: StoredEntry, event: dict[str, Any], withdrawn: bool) -> None:
    kind, name = event["kind"], event.get("task", "")
    if kind == "CaseOpened":
        case.process, case.bundle = event["process"], event["bundle"]
        case.month = f"{entry.at.astimezone(SHANGHAI):%Y-%m}"
    elif kind == "CaseMigrated":
        case.bundle = event["bundle"]
    elif kind == "DataWritten" and not event.get("scope") and "grade" in event["values"]:
        case.grade = event["values"]["grade"] or ""
    elif kind == "TokensMoved":
        steps = case.steps.setdefault(entry.seq, [])
        steps += [(without_visits(scope), element, action) for scope, element, action in event["steps"]]
    elif kind == "TaskCreated":
        held = case.tasks.get(name)
        back = held is not None and held["state"] != "cancelled"
        since = held["since"] if back and held is not None else entry.at
        claimed = held["claimed"] if back and held is not None else entry.at if event.get("assignee") else None
        if withdrawn:
            case.took.pop(name, None)
        case.tasks[name] = {"unit": event.get("unit", ""), "since": since, "claimed": claimed, "state": "open"}
    elif name in case.tasks:
        _task(case, entry, event)


def _task(case: Told, entry: StoredEntry, event: dict[str, Any]) -> None:
    kind, name = event["kind"], event["task"]
    task = case.tasks[name]
    if kind in ("TaskClaimed", "TaskResolved"):
        task["claimed"] = entry.at
    elif kind == "TaskReleased":
        task["claimed"] = None
    elif kind in ("TaskTransferred", "TaskDelegated", "TaskReturned"):
        task["claimed"] = entry.at if event["assignee"] else None
    elif kind == "TaskCancelled":
        task["state"] = "cancelled"
    elif kind == "TaskCompleted":
        task["state"] = "done"
        taken = task["claimed"]
        waited = int(((taken or entry.at) - task["since"]).total_seconds())
        worked = None if taken is None else int((entry.at - taken).total_seconds())
        case.took[name] = (task["unit"], waited, worked)


def nearest_rank(numbers: Iterable[int], share: float) -> int:
    """The smallest number that at least `share` of them do not exceed."""
    ordered = sorted(numbers)
    return next(one for n, one in enumerate(ordered, 1) if n >= share * len(ordered))
